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
TensorExpr erf(TensorExpr x) { return build<math::ErfOp>(x); }
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
Value isEqual(TensorExpr x, TensorExpr y) {
  return compare(arith::CmpFPredicate::OEQ, x, y);
}

TensorExpr select(Value condition, TensorExpr x, TensorExpr y) {
  return x.with(arith::SelectOp::create(x.getBuilder(), x.getLoc(), condition,
                                        Value(x), Value(y)));
}

TensorExpr sigmoid(TensorExpr x) { return 1.0 / (1.0 + exp(-x)); }

} // namespace vernier
