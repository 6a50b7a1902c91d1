//===- TrainExprs.h - Reductions and broadcasts in C++ arithmetic
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_TRAIN_IR_TRAINEXPRS_H
#define VERNIER_LIB_DIALECT_TRAIN_IR_TRAINEXPRS_H

#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Interfaces/TensorExpr.h"

namespace vernier::train {

/// `x` combined along `dims`, which are dropped, and rounded once to
/// `elementType` (x's own unless given).
TensorExpr reduce(ReduceKind kind, TensorExpr x, llvm::ArrayRef<int64_t> dims,
                  mlir::Type elementType = {});

/// `x` repeated to `shape`: dim i of x is dim `dims[i]` of the result.
TensorExpr broadcast(TensorExpr x, llvm::ArrayRef<int64_t> shape,
                     llvm::ArrayRef<int64_t> dims);

/// All dims of `x` but the last: 0, 1, ..., rank - 2.
llvm::SmallVector<int64_t> getLeadingDims(TensorExpr x);

/// The sum over all dims but the last, (..., C) to (C), rounded once to
/// `elementType`.
TensorExpr sumOfRows(TensorExpr x, mlir::Type elementType);

/// Each row's sum, mean or maximum over the last dim, repeated along the row:
/// (..., C) to (..., C).
TensorExpr alongRow(ReduceKind kind, TensorExpr x);

/// One value for each column, (C), repeated over the rows to x's shape (...,
/// C).
TensorExpr overRows(TensorExpr column, TensorExpr x);

/// One value, (), repeated to x's shape.
TensorExpr everywhere(TensorExpr scalar, TensorExpr x);

/// The same elements in another shape.
TensorExpr reshape(TensorExpr x, llvm::ArrayRef<int64_t> shape);
/// Dim i of the result is dim `permutation[i]` of `x`.
TensorExpr transpose(TensorExpr x, llvm::ArrayRef<int64_t> permutation);

/// The leading dims of `x` as one: (..., C) to (rows, C).
TensorExpr collapseToMatrix(TensorExpr x);
/// Back from (rows, C) to a shape (..., C).
TensorExpr expandFromMatrix(TensorExpr x, llvm::ArrayRef<int64_t> shape);

/// In which types the gradient of an operand of a contraction is computed.
struct GradientTypes {
  mlir::Type operand; ///< Of what is multiplied, in memory.
  mlir::Type result;
  bool isTf32; ///< Round the f32 operands to tf32.
};

/// What `train.operand_gradients` says of operand `number`, or the operand's
/// own type and the forward op's `isTf32`.
GradientTypes getGradientTypes(mlir::Operation *contraction, unsigned number,
                               bool isTf32);

/// The incoming gradient as it is multiplied for the left and for the right
/// operand; one cast if both multiply one type.
std::pair<TensorExpr, TensorExpr> castForOperands(TensorExpr g,
                                                  const GradientTypes &lhs,
                                                  const GradientTypes &rhs);

} // namespace vernier::train

#endif // VERNIER_LIB_DIALECT_TRAIN_IR_TRAINEXPRS_H
