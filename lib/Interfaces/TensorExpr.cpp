//===- TensorExpr.cpp - Tensors in C++ arithmetic
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Interfaces/TensorExpr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace vernier {

TensorExpr TensorExpr::splat(double number) const {
  auto element = cast<FloatType>(getType().getElementType());
  auto attr = DenseElementsAttr::get(
      getType(), Attribute(FloatAttr::get(element, number)));
  return with(arith::ConstantOp::create(*builder, loc, attr));
}

TensorExpr TensorExpr::castTo(Type elementType) const {
  RankedTensorType type = getType().clone(elementType);
  unsigned from = getType().getElementTypeBitWidth();
  unsigned to = type.getElementTypeBitWidth();
  if (getType() == type)
    return *this;
  if (auto widened = value.getDefiningOp<arith::ExtFOp>())
    if (widened.getIn().getType() == type)
      return with(widened.getIn());
  if (from < to)
    return with(arith::ExtFOp::create(*builder, loc, type, value));
  if (from > to)
    return with(arith::TruncFOp::create(*builder, loc, type, value));
  // bf16 and f16: neither holds the other.
  return castTo(builder->getF32Type()).castTo(elementType);
}

TensorExpr TensorExpr::widen() const {
  if (getType().getElementTypeBitWidth() >= 32)
    return *this;
  return castTo(builder->getF32Type());
}

template <typename OpT, typename... Operands>
static TensorExpr build(TensorExpr x, Operands... operands) {
  return x.with(
      OpT::create(x.getBuilder(), x.getLoc(), Value(x), Value(operands)...));
}

TensorExpr operator-(TensorExpr x) { return build<arith::NegFOp>(x); }
TensorExpr operator+(TensorExpr x, TensorExpr y) {
  return build<arith::AddFOp>(x, y);
}
TensorExpr operator-(TensorExpr x, TensorExpr y) {
  return build<arith::SubFOp>(x, y);
}
TensorExpr operator*(TensorExpr x, TensorExpr y) {
  return build<arith::MulFOp>(x, y);
}
TensorExpr operator/(TensorExpr x, TensorExpr y) {
  return build<arith::DivFOp>(x, y);
}

TensorExpr exp(TensorExpr x) { return build<math::ExpOp>(x); }
TensorExpr log(TensorExpr x) { return build<math::LogOp>(x); }
TensorExpr log1p(TensorExpr x) { return build<math::Log1pOp>(x); }
TensorExpr sqrt(TensorExpr x) { return build<math::SqrtOp>(x); }
TensorExpr rsqrt(TensorExpr x) { return build<math::RsqrtOp>(x); }
TensorExpr tanh(TensorExpr x) { return build<math::TanhOp>(x); }
TensorExpr erfc(TensorExpr x) { return build<math::ErfcOp>(x); }
TensorExpr abs(TensorExpr x) { return build<math::AbsFOp>(x); }
TensorExpr sin(TensorExpr x) { return build<math::SinOp>(x); }
TensorExpr cos(TensorExpr x) { return build<math::CosOp>(x); }
TensorExpr sinh(TensorExpr x) { return build<math::SinhOp>(x); }
TensorExpr cosh(TensorExpr x) { return build<math::CoshOp>(x); }
TensorExpr pow(TensorExpr x, TensorExpr y) { return build<math::PowFOp>(x, y); }
TensorExpr maximum(TensorExpr x, TensorExpr y) {
  return build<arith::MaximumFOp>(x, y);
}
TensorExpr minimum(TensorExpr x, TensorExpr y) {
  return build<arith::MinimumFOp>(x, y);
}

static Value compare(arith::CmpFPredicate predicate, TensorExpr x,
                     TensorExpr y) {
  return arith::CmpFOp::create(x.getBuilder(), x.getLoc(), predicate, Value(x),
                               Value(y));
}

Value isGreater(TensorExpr x, TensorExpr y) {
  return compare(arith::CmpFPredicate::OGT, x, y);
}
Value isAtLeast(TensorExpr x, TensorExpr y) {
  return compare(arith::CmpFPredicate::OGE, x, y);
}
Value isEqual(TensorExpr x, TensorExpr y) {
  return compare(arith::CmpFPredicate::OEQ, x, y);
}
Value isNan(TensorExpr x) { return compare(arith::CmpFPredicate::UNO, x, x); }

TensorExpr select(Value condition, TensorExpr x, TensorExpr y) {
  return x.with(arith::SelectOp::create(x.getBuilder(), x.getLoc(), condition,
                                        Value(x), Value(y)));
}

TensorExpr atLeast(TensorExpr x, double bound) {
  TensorExpr least = x.splat(bound);
  return select(isGreater(least, x), least, x);
}

TensorExpr clamp(TensorExpr x, double bound) {
  return select(isGreater(x, bound), x.splat(bound), atLeast(x, -bound));
}

TensorExpr sigmoid(TensorExpr x) {
  TensorExpr power = exp(-abs(x));
  return select(isGreater(x, 0.0), x.splat(1.0), power) / (1.0 + power);
}

// e^-|v| is the square of its root h. Where v < 0 the product is x h h / (1 +
// h h), multiplied in this order: x h is a normal number long after h h, and
// often the product, is one.

TensorExpr sigmoidProduct(TensorExpr x, TensorExpr v) {
  TensorExpr root = exp(-0.5 * abs(v));
  // There the tail is 0, also in f64; times 0 infinity would be NaN.
  TensorExpr tail = atLeast(x, -1000.0) * root * root;
  return select(isGreater(v, 0.0), x, tail) / (1.0 + root * root);
}

/// With s = sigmoid(v): s (1 + x (1 - s) dv).
TensorExpr sigmoidProductDerivative(TensorExpr x, TensorExpr v, TensorExpr dv) {
  TensorExpr root = exp(-0.5 * abs(v));
  TensorExpr power = root * root;
  Value isPositive = isGreater(v, 0.0);
  TensorExpr complement =
      select(isPositive, power, x.splat(1.0)) / (1.0 + power);
  TensorExpr factor = 1.0 + x * (complement * dv);
  return select(isPositive, factor, factor * root * root) / (1.0 + power);
}

} // namespace vernier
