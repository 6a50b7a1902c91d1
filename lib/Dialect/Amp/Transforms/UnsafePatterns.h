//===- UnsafePatterns.h - How unsafe formulas are written
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each matcher returns the value that a formula is about, or null. Sums and
// products are found in either order; constants may be splats or repeated
// scalars.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_UNSAFEPATTERNS_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_UNSAFEPATTERNS_H

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <optional>

namespace vernier::amp {

/// x of sigmoid(x), also written as 1 / (1 + exp(-x)).
mlir::Value matchSigmoid(mlir::Value value);
/// x of 1 / (1 + exp(-x)).
mlir::Value matchWrittenOutSigmoid(mlir::Value value);
/// x of exp(x).
mlir::Value matchExp(mlir::Value value);
/// x of 1 + exp(x), unless x is never positive.
mlir::Value matchOnePlusExp(mlir::Value value);
/// x of 1 - x.
mlir::Value matchOneMinus(mlir::Value value);
/// x of x * x or of x to the power of 2.
mlir::Value matchSquare(mlir::Value value);
/// A value that is kept above zero by a small constant, so that its logarithm
/// is finite: x + epsilon, max(x, epsilon), or x clipped to [epsilon, ceiling].
struct Guard {
  mlir::Value value;
  double epsilon;
  bool isAdded;
  bool isOfOneMinus = false; ///< What is kept is 1 - `value`.
  std::optional<double> ceiling = std::nullopt;
};
std::optional<Guard> matchGuard(mlir::Value value);
/// The reduction of this kind that `value` is, or null.
train::ReduceOp matchReduce(mlir::Value value, train::ReduceKind kind);

/// Whether `x` is -|y| or y minus its maximum: exp(x) cannot overflow.
bool isNeverPositive(mlir::Value x);
/// Whether `x` is y minus a maximum of y.
bool isShiftedByMaximum(mlir::Value x);
/// Whether `value` is the sum of each row of `x` (..., C), repeated along it.
bool isSumOfRowsOf(mlir::Value value, mlir::Value x);

/// Binary cross entropy: -(t log p + (1 - t) log(1 - p)), summed or averaged
/// over all elements; each logarithm may have a guard.
struct CrossEntropy {
  mlir::Value probability, target;
  train::Reduction reduction;
  bool isGuarded;
};
std::optional<CrossEntropy> matchCrossEntropy(mlir::Value value);

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_UNSAFEPATTERNS_H
