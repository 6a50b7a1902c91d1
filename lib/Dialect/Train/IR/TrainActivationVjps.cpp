//===- TrainActivationVjps.cpp - The vjps of activations, softmax and norms
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All compute in f32 between a widening of what they read and one rounding of
// the gradient (f64 stays f64). g is the result's gradient, x the input, y the
// result.
//
//===----------------------------------------------------------------------===//

#include "TrainExprs.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

/// Round `gradient` to the type of the operand that it belongs to.
static Value roundTo(TensorExpr gradient, Value operand) {
  return gradient.castTo(getElementTypeOrSelf(operand));
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

/// Saves the result, which its consumer needs anyway, not the input. NaN passes
/// the gradient on, as in PyTorch.
LogicalResult ReluOp::buildVjp(OpBuilder &builder,
                               ArrayRef<Value> resultGradients, ArrayRef<bool>,
                               MutableArrayRef<Value> operandGradients) {
  TensorExpr g(builder, getLoc(), resultGradients.front());
  operandGradients[0] =
      select(isAtLeast(g.splat(0.0), g.with(getResult())), g.splat(0.0), g);
  return success();
}

/// d (x Phi(x)) / dx = Phi(x) + x phi(x), phi the normal density. Beyond 64 it
/// is 0 or 1, where infinity times the density would be NaN.
static TensorExpr geluDerivative(TensorExpr input) {
  TensorExpr x = clamp(input, 64.0);
  TensorExpr distribution = 0.5 * erfc(x * -(1 / llvm::numbers::sqrt2));
  double normalizer = llvm::numbers::inv_sqrtpi / llvm::numbers::sqrt2;
  TensorExpr density = normalizer * exp(-0.5 * (x * x));
  return distribution + x * density;
}

/// Of x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3).
static TensorExpr geluTanhDerivative(TensorExpr input) {
  const double c = 2 * llvm::numbers::sqrt2 * llvm::numbers::inv_sqrtpi;
  TensorExpr x = clamp(input, 64.0);
  TensorExpr square = x * x;
  return sigmoidProductDerivative(x, c * (x * (1.0 + 0.044715 * square)),
                                  c * (1.0 + 3 * 0.044715 * square));
}

LogicalResult GeluOp::buildVjp(OpBuilder &builder,
                               ArrayRef<Value> resultGradients, ArrayRef<bool>,
                               MutableArrayRef<Value> operandGradients) {
  TensorExpr g = TensorExpr(builder, getLoc(), resultGradients.front()).widen();
  TensorExpr x = g.with(getInput()).widen();
  TensorExpr derivative =
      getForm() == GeluForm::Tanh ? geluTanhDerivative(x) : geluDerivative(x);
  operandGradients[0] = roundTo(g * derivative, getInput());
  return success();
}

LogicalResult SiluOp::buildVjp(OpBuilder &builder,
                               ArrayRef<Value> resultGradients, ArrayRef<bool>,
                               MutableArrayRef<Value> operandGradients) {
  TensorExpr g = TensorExpr(builder, getLoc(), resultGradients.front()).widen();
  TensorExpr x = clamp(g.with(getInput()).widen(), 1000.0);
  TensorExpr derivative = sigmoidProductDerivative(x, x, x.splat(1.0));
  operandGradients[0] = roundTo(g * derivative, getInput());
  return success();
}

LogicalResult SigmoidOp::buildVjp(OpBuilder &builder,
                                  ArrayRef<Value> resultGradients,
                                  ArrayRef<bool>,
                                  MutableArrayRef<Value> operandGradients) {
  TensorExpr g = TensorExpr(builder, getLoc(), resultGradients.front()).widen();
  TensorExpr y = g.with(getResult()).widen();
  operandGradients[0] = roundTo(g * (y * (1.0 - y)), getInput());
  return success();
}

//===----------------------------------------------------------------------===//
// Softmax, over the last dim
//===----------------------------------------------------------------------===//

/// dx = y (g - sum(g y)).
LogicalResult SoftmaxOp::buildVjp(OpBuilder &builder,
                                  ArrayRef<Value> resultGradients,
                                  ArrayRef<bool>,
                                  MutableArrayRef<Value> operandGradients) {
  TensorExpr g = TensorExpr(builder, getLoc(), resultGradients.front()).widen();
  TensorExpr y = g.with(getResult()).widen();
  TensorExpr dx = y * (g - alongRow(ReduceKind::Sum, g * y));
  operandGradients[0] = roundTo(dx, getInput());
  return success();
}

/// dx = g - exp(y) sum(g).
LogicalResult LogSoftmaxOp::buildVjp(OpBuilder &builder,
                                     ArrayRef<Value> resultGradients,
                                     ArrayRef<bool>,
                                     MutableArrayRef<Value> operandGradients) {
  TensorExpr g = TensorExpr(builder, getLoc(), resultGradients.front()).widen();
  TensorExpr y = g.with(getResult()).widen();
  TensorExpr dx = g - exp(y) * alongRow(ReduceKind::Sum, g);
  operandGradients[0] = roundTo(dx, getInput());
  return success();
}

//===----------------------------------------------------------------------===//
// Norms: only the input is saved, its statistics are computed again
//===----------------------------------------------------------------------===//

/// With n = (x - mean) r, r = 1 / sqrt(var + eps) and h = g scale:
/// dx = r (h - mean(h) - n mean(h n)), dscale = sum(g n), dbias = sum(g).
LogicalResult LayerNormOp::buildVjp(OpBuilder &builder,
                                    ArrayRef<Value> resultGradients,
                                    ArrayRef<bool> needed,
                                    MutableArrayRef<Value> operandGradients) {
  TensorExpr g = TensorExpr(builder, getLoc(), resultGradients.front()).widen();
  if (needed[2])
    operandGradients[2] = sumOfRows(g, getElementTypeOrSelf(getBias()));
  if (!needed[0] && !needed[1])
    return success();
  TensorExpr x = g.with(getInput()).widen();
  TensorExpr centered = x - alongRow(ReduceKind::Mean, x);
  TensorExpr variance = alongRow(ReduceKind::Mean, centered * centered);
  TensorExpr r = rsqrt(variance + getEpsilon().convertToDouble());
  TensorExpr n = centered * r;
  if (needed[1])
    operandGradients[1] = sumOfRows(g * n, getElementTypeOrSelf(getScale()));
  if (!needed[0])
    return success();
  TensorExpr h = g * overRows(g.with(getScale()).widen(), g);
  TensorExpr dx = r * (h - alongRow(ReduceKind::Mean, h) -
                       n * alongRow(ReduceKind::Mean, h * n));
  operandGradients[0] = roundTo(dx, getInput());
  return success();
}

/// With n = x r, r = 1 / sqrt(mean(x^2) + eps) and h = g scale:
/// dx = r (h - n mean(h n)), dscale = sum(g n).
LogicalResult RmsNormOp::buildVjp(OpBuilder &builder,
                                  ArrayRef<Value> resultGradients,
                                  ArrayRef<bool> needed,
                                  MutableArrayRef<Value> operandGradients) {
  TensorExpr g = TensorExpr(builder, getLoc(), resultGradients.front()).widen();
  TensorExpr x = g.with(getInput()).widen();
  TensorExpr r =
      rsqrt(alongRow(ReduceKind::Mean, x * x) + getEpsilon().convertToDouble());
  TensorExpr n = x * r;
  if (needed[1])
    operandGradients[1] = sumOfRows(g * n, getElementTypeOrSelf(getScale()));
  if (!needed[0])
    return success();
  TensorExpr h = g * overRows(g.with(getScale()).widen(), g);
  TensorExpr dx = r * (h - n * alongRow(ReduceKind::Mean, h * n));
  operandGradients[0] = roundTo(dx, getInput());
  return success();
}
