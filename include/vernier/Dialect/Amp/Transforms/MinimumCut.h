//===- MinimumCut.h - The cheapest cut between a source and a sink
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_AMP_TRANSFORMS_MINIMUMCUT_H
#define VERNIER_DIALECT_AMP_TRANSFORMS_MINIMUMCUT_H

#include <cstdint>
#include <vector>

namespace vernier::amp {

/// Nodes to be divided between a source and a sink so that what is paid is
/// least. Capacities are at least 0; their sum must fit in 62 bits.
class MinimumCut {
public:
  explicit MinimumCut(uint32_t numNodes)
      : source(numNodes), sink(numNodes), isOnSourceSide(numNodes) {}

  /// Paid if `node` ends on the sink's side.
  void addSource(uint32_t node, int64_t capacity) { source[node] += capacity; }
  /// Paid if `node` ends on the source's side.
  void addSink(uint32_t node, int64_t capacity) { sink[node] += capacity; }
  /// Paid if `from` ends on the source's side and `to` on the sink's.
  void addEdge(uint32_t from, uint32_t to, int64_t capacity) {
    edges.push_back({from, to, capacity});
  }

  /// Divide the nodes. A node that may as well be on either side is on the
  /// sink's, so that the answer is unique. Call it once.
  const std::vector<bool> &solve();

  /// How many times solve() has looked at an edge, for tests of its growth.
  uint64_t getVisitCount() const { return visitCount; }

private:
  struct Edge {
    uint32_t from, to;
    int64_t capacity;
  };
  enum class State : uint8_t { Open, Source, Sink, DeadEnd };

  /// The open nodes of one connected part, with the flow through it.
  class Component;

  void indexEdges();
  uint32_t getDegree(uint32_t node) const {
    return firstOut[node + 1] - firstOut[node] + firstIn[node + 1] -
           firstIn[node];
  }
  void reduce();
  void visit(uint32_t node);
  void decide(uint32_t node, State state);
  void queue(uint32_t node);
  void decideDeadEnds();
  std::vector<uint32_t> collectComponent(uint32_t start);

  std::vector<int64_t> source, sink;
  std::vector<Edge> edges;
  std::vector<bool> isOnSourceSide;

  /// The edges that leave (and enter) node n are those that
  /// outgoing[firstOut[n] .. firstOut[n + 1]] names, (incoming likewise).
  std::vector<uint32_t> firstOut, outgoing, firstIn, incoming;
  std::vector<State> states;
  std::vector<bool> isQueued;
  std::vector<uint32_t> worklist, deadEnds;
  /// The order in which nodes were decided; those that stay open come last.
  std::vector<uint32_t> whenDecided;
  uint32_t numDecided = 0;
  uint64_t visitCount = 0;
  /// The place of an open node in its component.
  std::vector<uint32_t> places;
};

} // namespace vernier::amp

#endif // VERNIER_DIALECT_AMP_TRANSFORMS_MINIMUMCUT_H
