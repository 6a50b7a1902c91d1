//===- Painting.cpp - Paints ops as auto_mixed_precision does
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// The passes of TensorFlow's grappler, in its order and with its conditions
// (tensorflow/core/grappler/optimizers/auto_mixed_precision.cc). Whatever is
// not painted narrow stays wide. What concerns TensorLists, loops and placement
// has no counterpart here.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Transforms/PrecisionGraph.h"

using namespace vernier::amp;

using Index = PrecisionGraph::Index;

namespace {

class Painter {
public:
  explicit Painter(const PrecisionGraph &graph)
      : graph(graph), painted(graph.getOps().size()),
        isDenied(graph.getOps().size()) {}

  std::vector<PaintedOp> run(bool isBF16);

private:
  using Set = std::vector<bool>;
  enum Direction { Inputs = 1, Outputs = 2, Both = 3 };

  Paint paintOf(Index op) const { return graph.getOps()[op].paint; }
  bool isInferOrClear(Index op) const {
    return paintOf(op) == Paint::Infer || paintOf(op) == Paint::Clear;
  }
  void paint(Index op, uint8_t step) {
    if (!painted[op].isNarrow)
      painted[op] = {true, step};
  }
  /// Add to `reached` the roots, and all that lies in the direction and may be
  /// entered.
  template <typename IsRoot, typename MayEnter>
  void spread(Set &reached, Direction direction, IsRoot isRoot,
              MayEnter mayEnter) const;

  void denyDownstream();
  void paintBetween();
  void paintBehind();
  void paintNeighbours();

  const PrecisionGraph &graph;
  std::vector<PaintedOp> painted;
  Set isDenied;
};

} // namespace

template <typename IsRoot, typename MayEnter>
void Painter::spread(Set &reached, Direction direction, IsRoot isRoot,
                     MayEnter mayEnter) const {
  std::vector<Index> open;
  for (Index op = 0; op < painted.size(); ++op)
    if (isRoot(op)) {
      reached[op] = true;
      open.push_back(op);
    }
  auto enter = [&](llvm::ArrayRef<Index> neighbours) {
    for (Index op : neighbours)
      if (!reached[op] && mayEnter(op)) {
        reached[op] = true;
        open.push_back(op);
      }
  };
  while (!open.empty()) {
    Index op = open.back();
    open.pop_back();
    if (direction & Inputs)
      enter(graph.getProducers(op));
    if (direction & Outputs)
      enter(graph.getUsers(op));
  }
}

/// Step 2: what a denied op makes is dangerous to narrow, as far as ops that
/// could mind. Clear ops that only trail behind stay free to join narrow ops.
void Painter::denyDownstream() {
  Set mayMatter(painted.size());
  spread(
      mayMatter, Inputs,
      [&](Index op) {
        return paintOf(op) == Paint::Deny || paintOf(op) == Paint::Infer;
      },
      [&](Index op) { return paintOf(op) == Paint::Clear; });
  spread(
      isDenied, Outputs, [&](Index op) { return paintOf(op) == Paint::Deny; },
      [&](Index op) { return mayMatter[op]; });
  for (Index op = 0; op < painted.size(); ++op)
    if (isDenied[op] && paintOf(op) != Paint::Deny)
      painted[op].step = 2;
}

/// Step 3: ops on a path from a narrow op to a narrow op.
void Painter::paintBetween() {
  auto isAllowed = [&](Index op) { return paintOf(op) == Paint::Allow; };
  Set below(painted.size()), above(painted.size());
  spread(below, Outputs, isAllowed, [&](Index op) {
    return isInferOrClear(op) && !isDenied[op] && graph.canBeNarrow(op);
  });
  spread(above, Inputs, isAllowed, [&](Index op) { return below[op]; });
  for (Index op = 0; op < painted.size(); ++op)
    if (above[op])
      paint(op, 3);
}

/// Step 4, bf16 alone: an op that reads narrow results and no denied one.
void Painter::paintBehind() {
  for (Index op = 0; op < painted.size(); ++op) {
    if (paintOf(op) != Paint::Infer || isDenied[op] || painted[op].isNarrow ||
        !graph.canBeNarrow(op))
      continue;
    bool readsNarrow = false, readsDenied = false;
    for (Index producer : graph.getProducers(op)) {
      readsNarrow |= painted[producer].isNarrow;
      readsDenied |= isDenied[producer];
    }
    if (readsNarrow && !readsDenied)
      paint(op, 4);
  }
}

/// Step 5: narrowness spreads both ways through ops that do not care.
void Painter::paintNeighbours() {
  Set reached(painted.size());
  spread(
      reached, Both, [&](Index op) { return painted[op].isNarrow; },
      [&](Index op) {
        return paintOf(op) == Paint::Clear && !isDenied[op] &&
               graph.canBeNarrow(op);
      });
  for (Index op = 0; op < painted.size(); ++op)
    if (reached[op])
      paint(op, 5);
}

std::vector<PaintedOp> Painter::run(bool isBF16) {
  bool hasAllowed = false;
  for (Index op = 0; op < painted.size(); ++op)
    if (paintOf(op) == Paint::Allow) {
      hasAllowed = true;
      paint(op, 1);
    }
  // Nothing would gain: the graph stays as it is.
  if (!hasAllowed)
    return std::move(painted);
  denyDownstream();
  paintBetween();
  if (isBF16)
    paintBehind();
  paintNeighbours();
  return std::move(painted);
}

std::vector<PaintedOp> vernier::amp::paintOps(const PrecisionGraph &graph,
                                              bool isBF16) {
  return Painter(graph).run(isBF16);
}
