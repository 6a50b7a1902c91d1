//===- ExpansionBuilder.h - Builds what composites expand into
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_EXPANSIONBUILDER_H
#define VERNIER_DIALECT_TRAIN_IR_EXPANSIONBUILDER_H

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"

namespace vernier::train {

/// Builds primitives for the expansion of one composite. Composites widen their
/// operands, compute in f32 (f64 where an operand is f64) and round once.
class ExpansionBuilder {
public:
  /// Builds before `op`, at its location; f64 if an operand or result of `op`
  /// is.
  ExpansionBuilder(mlir::OpBuilder &builder, mlir::Operation *op);

  /// The type that the composite computes in.
  mlir::FloatType getComputeType() const { return computeType; }
  mlir::RankedTensorType getScalarType() const {
    return mlir::RankedTensorType::get({}, computeType);
  }

  /// `value` with the compute type as element type.
  mlir::Value widen(mlir::Value value) { return cast(value, computeType); }
  /// A float cast: extf, truncf or nothing.
  mlir::Value cast(mlir::Value value, mlir::Type elementType);
  /// `value` rounded to the element type of `type`, a tensor type.
  mlir::Value roundTo(mlir::Value value, mlir::Type type);
  /// A float or integer tensor constant with every element `value`.
  mlir::Value splat(double value, mlir::Type type);
  /// A rank-0 constant of the compute type.
  mlir::Value scalar(double value) { return splat(value, getScalarType()); }

  /// Repeats `value` to `shape`; its dims become `dims` of the result.
  mlir::Value broadcast(mlir::Value value, llvm::ArrayRef<int64_t> shape,
                        llvm::ArrayRef<int64_t> dims);
  /// Repeats a rank-0 value to the shape of `like`.
  mlir::Value broadcastScalar(mlir::Value value, mlir::Value like);
  /// (rows...) to the shape (rows..., C) of `like`.
  mlir::Value broadcastRows(mlir::Value value, mlir::Value like);
  /// (C) to the shape (rows..., C) of `like`.
  mlir::Value broadcastColumns(mlir::Value value, mlir::Value like);

  mlir::Value reduce(ReduceKind kind, mlir::Value value,
                     llvm::ArrayRef<int64_t> dims);
  /// (rows..., C) to (rows...).
  mlir::Value reduceRows(ReduceKind kind, mlir::Value value);
  /// All elements to rank 0. Large tensors go in stages so that each stage has
  /// rows to share among threads; the stages depend on the shape alone.
  mlir::Value reduceAll(ReduceKind kind, mlir::Value value);
  /// A view of `value` whose full reduction has rows: a long vector becomes
  /// (rows, columns), everything else stays. Taken of an operand, before the
  /// elementwise ops, so that those fuse with the reduction.
  mlir::Value splitForReduction(mlir::Value value);

  template <typename OpTy, typename... Args>
  mlir::Value create(Args &&...args) {
    return OpTy::create(builder, loc, std::forward<Args>(args)...).getResult();
  }
  mlir::Value add(mlir::Value a, mlir::Value b) {
    return create<mlir::arith::AddFOp>(a, b);
  }
  mlir::Value sub(mlir::Value a, mlir::Value b) {
    return create<mlir::arith::SubFOp>(a, b);
  }
  mlir::Value mul(mlir::Value a, mlir::Value b) {
    return create<mlir::arith::MulFOp>(a, b);
  }
  /// `a` times the constant `factor`.
  mlir::Value mul(mlir::Value a, double factor) {
    return mul(a, splat(factor, a.getType()));
  }
  mlir::Value add(mlir::Value a, double term) {
    return add(a, splat(term, a.getType()));
  }
  mlir::Value div(mlir::Value a, mlir::Value b) {
    return create<mlir::arith::DivFOp>(a, b);
  }
  /// f32 value of an integer tensor.
  mlir::Value fromInteger(mlir::Value value);

private:
  mlir::OpBuilder &builder;
  mlir::Location loc;
  mlir::FloatType computeType;
};

} // namespace vernier::train

#endif // VERNIER_DIALECT_TRAIN_IR_EXPANSIONBUILDER_H
