//===- FusionGraph.h - What a fusion computes at one point of its loops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A fusion's values are tensors of many shapes; its loops run over one space of
// rows x cols points. The graph says what has to be computed at a point: which
// element of each input is read there, and which reductions come first.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_CODEGEN_FUSIONGRAPH_H
#define VERNIER_LIB_CODEGEN_FUSIONGRAPH_H

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include <memory>

namespace vernier {

/// A digit of the iteration index: index = sum over digits of value * base,
/// with 0 <= value < extent. Digits of the column have base < cols.
struct Digit {
  int64_t base, extent;
};

/// Which element of a tensor is meant at a point: the sum over the digits of
/// value * stride. 0 where the element does not depend on the digit.
using Access = llvm::SmallVector<int64_t, 4>;

/// How often a value changes, and so where it is computed.
enum class Scope {
  Kernel, ///< the same for all points
  Outer,  ///< one for each row, or for each block of columns
  Inner   ///< one for each point of the loop inside
};

/// One value at one access.
struct FusionNode {
  enum class Kind { Load, Constant, Elementwise, OneHot, Iota, Reduce };
  Kind kind;
  /// Of `value`; null for loads.
  mlir::Operation *op = nullptr;
  mlir::Value value;
  /// Load: the input's index and its access. OneHot: the class index's access.
  /// Iota: its own access, the sum of which is its value.
  unsigned input = 0;
  Access access;
  llvm::SmallVector<FusionNode *, 3> operands;
  bool onRow = false, onCol = false;
  /// How many reductions, one behind the other, must have run before.
  int64_t level = 0;
  Scope scope = Scope::Kernel;

  mlir::Type getElementType() const {
    return llvm::cast<mlir::ShapedType>(value.getType()).getElementType();
  }
};

/// One result: what is stored, and where.
struct FusionResult {
  mlir::Value value;
  FusionNode *node;
  Access access;
  Scope scope;
  /// Where the element goes, and the zeros behind each row: rows of a padded
  /// result are longer than those of `value`.
  Access place;
  int64_t zeros = 0;
};

class FusionGraph {
public:
  /// Analyse `fusion`; a diagnostic says which op does not fit its schedule.
  static mlir::FailureOr<FusionGraph> build(train::FusionOp fusion);

  train::FusionSchedule schedule;
  int64_t rows = 0, cols = 0;
  /// Innermost first, extents of 1 left out.
  llvm::SmallVector<Digit> digits;
  std::vector<std::unique_ptr<FusionNode>> nodes;
  /// In the order in which they were reached; sort by level.
  llvm::SmallVector<FusionNode *> reduces;
  llvm::SmallVector<FusionResult> results;
  /// Number of reduction passes.
  int64_t levels = 0;

  bool isRowDigit(size_t index) const { return digits[index].base >= cols; }
};

} // namespace vernier

#endif // VERNIER_LIB_CODEGEN_FUSIONGRAPH_H
