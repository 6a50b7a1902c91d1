//===- TensorExpr.h - Tensors in C++ arithmetic
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_TENSOREXPR_H
#define VERNIER_INTERFACES_TENSOREXPR_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace vernier {

/// A floating tensor whose C++ operators build `arith` and `math` ops, so that
/// a vjp or an expansion reads like its formula: `g * (1.0 - y * y)`. Both
/// sides of an operator have one type; a number becomes a splat of that type.
class TensorExpr {
public:
  TensorExpr(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value)
      : builder(&builder), loc(loc), value(value) {}

  operator mlir::Value() const { return value; }
  mlir::RankedTensorType getType() const {
    return mlir::cast<mlir::RankedTensorType>(value.getType());
  }
  mlir::OpBuilder &getBuilder() const { return *builder; }
  mlir::Location getLoc() const { return loc; }

  /// `other` in the same context.
  TensorExpr with(mlir::Value other) const { return {*builder, loc, other}; }
  /// A constant of this type, `number` everywhere.
  TensorExpr splat(double number) const;
  /// The value in another floating element type, rounded to nearest even.
  /// Undoes a widening instead of narrowing it again.
  TensorExpr castTo(mlir::Type elementType) const;
  /// 16-bit values in f32, others as they are: the type to compute in.
  TensorExpr widen() const;

private:
  mlir::OpBuilder *builder;
  mlir::Location loc;
  mlir::Value value;
};

TensorExpr operator-(TensorExpr x);
TensorExpr operator+(TensorExpr x, TensorExpr y);
TensorExpr operator-(TensorExpr x, TensorExpr y);
TensorExpr operator*(TensorExpr x, TensorExpr y);
TensorExpr operator/(TensorExpr x, TensorExpr y);

inline TensorExpr operator+(double x, TensorExpr y) { return y.splat(x) + y; }
inline TensorExpr operator-(double x, TensorExpr y) { return y.splat(x) - y; }
inline TensorExpr operator*(double x, TensorExpr y) { return y.splat(x) * y; }
inline TensorExpr operator/(double x, TensorExpr y) { return y.splat(x) / y; }
inline TensorExpr operator+(TensorExpr x, double y) { return x + x.splat(y); }
inline TensorExpr operator-(TensorExpr x, double y) { return x - x.splat(y); }
inline TensorExpr operator*(TensorExpr x, double y) { return x * x.splat(y); }
inline TensorExpr operator/(TensorExpr x, double y) { return x / x.splat(y); }

TensorExpr exp(TensorExpr x);
TensorExpr log(TensorExpr x);
TensorExpr log1p(TensorExpr x);
TensorExpr sqrt(TensorExpr x);
TensorExpr rsqrt(TensorExpr x);
TensorExpr tanh(TensorExpr x);
TensorExpr erfc(TensorExpr x);
TensorExpr abs(TensorExpr x);
TensorExpr sin(TensorExpr x);
TensorExpr cos(TensorExpr x);
TensorExpr sinh(TensorExpr x);
TensorExpr cosh(TensorExpr x);
TensorExpr pow(TensorExpr x, TensorExpr y);
/// NaN if either is.
TensorExpr maximum(TensorExpr x, TensorExpr y);
TensorExpr minimum(TensorExpr x, TensorExpr y);

/// Ordered comparisons, as tensors of i1: false where either side is NaN.
mlir::Value isGreater(TensorExpr x, TensorExpr y);
mlir::Value isAtLeast(TensorExpr x, TensorExpr y);
mlir::Value isEqual(TensorExpr x, TensorExpr y);
mlir::Value isNan(TensorExpr x);
inline mlir::Value isGreater(TensorExpr x, double y) {
  return isGreater(x, x.splat(y));
}
inline mlir::Value isAtLeast(TensorExpr x, double y) {
  return isAtLeast(x, x.splat(y));
}
inline mlir::Value isEqual(TensorExpr x, double y) {
  return isEqual(x, x.splat(y));
}
TensorExpr select(mlir::Value condition, TensorExpr x, TensorExpr y);
/// The larger of x and `bound`, and x cut to [-bound, bound]; NaN stays.
TensorExpr atLeast(TensorExpr x, double bound);
TensorExpr clamp(TensorExpr x, double bound);

/// 1 / (1 + exp(-x)) to the last normal number of its tail: the exponent is
/// never positive.
TensorExpr sigmoid(TensorExpr x);
/// x sigmoid(v), where x and v have one sign, and what it is differentiated by
/// x, given dv/dx.
TensorExpr sigmoidProduct(TensorExpr x, TensorExpr v);
TensorExpr sigmoidProductDerivative(TensorExpr x, TensorExpr v, TensorExpr dv);

} // namespace vernier

#endif // VERNIER_INTERFACES_TENSOREXPR_H
