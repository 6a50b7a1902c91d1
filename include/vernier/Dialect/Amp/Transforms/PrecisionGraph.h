//===- PrecisionGraph.h - What there is to decide in a function, and its cost
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_AMP_TRANSFORMS_PRECISIONGRAPH_H
#define VERNIER_DIALECT_AMP_TRANSFORMS_PRECISIONGRAPH_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace vernier::amp {

/// f32, or the 16-bit type of the policy.
enum class Width : uint8_t { Wide, Narrow };

/// How an op takes part in painting: TensorFlow's lists.
enum class Paint : uint8_t {
  Allow, ///< Always narrow, and where painting starts.
  Infer, ///< Narrow only near narrow ops.
  Deny,  ///< Always wide, and what follows it may be too.
  Clear, ///< Does not care.
  None   ///< Takes no part, and nothing passes through it.
};

/// A function as the strategies see it: each op has one width for all its
/// operands and one for its results, which may be the same variable; some are
/// fixed. docs/Rationale/Policies.md gives the cost of an assignment:
///
///   - a cast of n elements moves 6 n bytes, and a value is cast once however
///     many ops read the cast;
///   - an op moves 4 or 2 bytes for each element that it reads and writes;
///   - a contraction takes as long as moving `flops / 16` bytes, half of that
///   if
///     narrow.
class PrecisionGraph {
public:
  using Index = uint32_t;
  /// The variables of everything whose width is given.
  static constexpr Index kWide = 0, kNarrow = 1;
  /// In place of an op's operand variable: it reads each operand as it comes.
  static constexpr Index kAsItComes = ~0u;
  /// FLOPs in the time of moving a byte. GPUs and CPUs with matrix units lie
  /// between 10 and 60 in f32, and do 16-bit products at least twice as fast.
  static constexpr int64_t kFlopsPerByte = 16;

  struct Op {
    Index operands, results; ///< Variables.
    Paint paint;
  };
  using Assignment = std::vector<Width>;
  struct Cost {
    int64_t moved = 0, cast = 0; ///< Bytes.
    int64_t casts = 0;
    int64_t getTotal() const { return moved + cast; }
  };

  PrecisionGraph() : variables(2) {}

  Index addVariable() {
    variables.emplace_back();
    return variables.size() - 1;
  }
  /// A value of `elements` elements that no op of the graph makes.
  Index addValue(Index variable, int64_t elements) {
    values.push_back({variable, elements});
    return values.size() - 1;
  }
  /// An op that reads `operands` and makes `results`.
  Index addOp(Op op, llvm::ArrayRef<Index> operands,
              llvm::ArrayRef<Index> results);
  /// Something that reads `value` at a given width: a return, a store.
  void addReader(Index value, Index variable) {
    readers.push_back({value, variable});
  }
  void addFlops(Index variable, int64_t flops);

  size_t getNumVariables() const { return variables.size(); }
  llvm::ArrayRef<Op> getOps() const { return ops; }
  /// What an op moves less if its variables are narrow.
  int64_t getBytesSaved(Index op) const;
  /// What an assignment costs.
  Cost getCost(const Assignment &assignment) const;
  /// Whether an op can be narrow, by its fixed variables.
  bool canBeNarrow(Index op) const {
    return ops[op].operands != kWide && ops[op].results != kWide;
  }

  /// The ops that make what `op` reads, and those that read what it makes.
  llvm::ArrayRef<Index> getProducers(Index op) const;
  llvm::ArrayRef<Index> getUsers(Index op) const;
  /// Fill in what the two above answer; call it when the graph is complete.
  void indexNeighbours();

  /// An assignment in which every variable that is not given is wide.
  Assignment getAllWide() const;
  /// The assignment of least cost; where narrow gains nothing, wide.
  Assignment cutMinimally() const;

private:
  struct Variable {
    int64_t wideCost = 0, narrowCost = 0;
  };
  struct Value {
    Index variable;
    int64_t elements;
  };
  struct Reader {
    Index value, variable;
  };
  /// Lists of neighbours, one behind the other.
  struct Neighbours {
    std::vector<Index> first, list;
    llvm::ArrayRef<Index> get(Index op) const {
      return llvm::ArrayRef<Index>(list).slice(first[op],
                                               first[op + 1] - first[op]);
    }
  };

  void addBytes(Index variable, int64_t elements);

  std::vector<Variable> variables;
  std::vector<Value> values;
  std::vector<Reader> readers;
  std::vector<Op> ops;
  /// The values that each op reads and makes, in the order of the ops.
  Neighbours operandValues{{0}, {}}, resultValues{{0}, {}};
  Neighbours producers, users;
};

/// What painting made of an op, and by which of its steps.
struct PaintedOp {
  bool isNarrow = false;
  uint8_t step = 0;
};

/// Paint the ops as TensorFlow's auto_mixed_precision does; bf16 has a step of
/// its own.
std::vector<PaintedOp> paintOps(const PrecisionGraph &graph, bool isBF16);

} // namespace vernier::amp

#endif // VERNIER_DIALECT_AMP_TRANSFORMS_PRECISIONGRAPH_H
