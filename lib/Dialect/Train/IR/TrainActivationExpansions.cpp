//===- TrainActivationExpansions.cpp - What activations and row ops mean
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/IR/ExpansionBuilder.h"
#include "vernier/Interfaces/TensorExpr.h"

#include <cmath>

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

using Replacements = FailureOr<SmallVector<Value>>;

/// The one result of `op`, rounded to its type.
static Replacements roundResult(ExpansionBuilder &b, Operation *op,
                                Value value) {
  return SmallVector<Value>{b.roundTo(value, op->getResult(0).getType())};
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

/// The maximum with 0 is exact in every type: nothing is widened. maximumf
/// keeps NaN.
Replacements ReluOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  return SmallVector<Value>{
      b.create<arith::MaximumFOp>(getInput(), b.splat(0.0, getType()))};
}

Replacements SigmoidOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  TensorExpr x(builder, getLoc(), b.widen(getInput()));
  return roundResult(b, *this, sigmoid(x));
}

Replacements SiluOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  TensorExpr x(builder, getLoc(), b.widen(getInput()));
  return roundResult(b, *this, sigmoidProduct(x, x));
}

/// x Phi(x), with Phi(x) = erfc(-x / sqrt(2)) / 2: 1 + erf would cancel in the
/// tail. From -64 on it is 0, which infinity would make NaN.
static TensorExpr buildGelu(TensorExpr x) {
  return 0.5 * atLeast(x, -64.0) * erfc(x * -M_SQRT1_2);
}

/// (1 + tanh(u)) / 2 = sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3).
static TensorExpr buildGeluTanh(TensorExpr x) {
  TensorExpr cubic = x + 0.044715 * (x * x * x);
  return sigmoidProduct(x, 2 * M_2_SQRTPI * M_SQRT1_2 * cubic);
}

Replacements GeluOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  TensorExpr x(builder, getLoc(), b.widen(getInput()));
  return roundResult(
      b, *this, getForm() == GeluForm::Erf ? buildGelu(x) : buildGeluTanh(x));
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// x minus the maximum of its row, so that exp cannot overflow.
static Value subtractRowMaximum(ExpansionBuilder &b, Value x) {
  return b.sub(x, b.broadcastRows(b.reduceRows(ReduceKind::Max, x), x));
}

Replacements SoftmaxOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  Value x = b.widen(getInput());
  Value exponentials = b.create<math::ExpOp>(subtractRowMaximum(b, x));
  Value sums = b.reduceRows(ReduceKind::Sum, exponentials);
  return roundResult(b, *this, b.div(exponentials, b.broadcastRows(sums, x)));
}

Replacements LogSoftmaxOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  Value shifted = subtractRowMaximum(b, b.widen(getInput()));
  Value sums = b.reduceRows(ReduceKind::Sum, b.create<math::ExpOp>(shifted));
  Value logs = b.create<math::LogOp>(sums);
  return roundResult(b, *this, b.sub(shifted, b.broadcastRows(logs, shifted)));
}

//===----------------------------------------------------------------------===//
// Normalisations
//===----------------------------------------------------------------------===//

/// x / sqrt(mean(x^2) + epsilon) over each row.
static Value normalizeRows(ExpansionBuilder &b, Value x, double epsilon) {
  Value variance = b.reduceRows(ReduceKind::Mean, b.mul(x, x));
  Value deviation = b.create<math::SqrtOp>(b.add(variance, epsilon));
  Value inverse = b.div(b.splat(1.0, deviation.getType()), deviation);
  return b.mul(x, b.broadcastRows(inverse, x));
}

Replacements LayerNormOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  Value x = b.widen(getInput());
  Value mean = b.reduceRows(ReduceKind::Mean, x);
  Value centred = b.sub(x, b.broadcastRows(mean, x));
  Value normal = normalizeRows(b, centred, getEpsilon().convertToDouble());
  Value scaled = b.mul(normal, b.broadcastColumns(b.widen(getScale()), x));
  return roundResult(b, *this,
                     b.add(scaled, b.broadcastColumns(b.widen(getBias()), x)));
}

Replacements RmsNormOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  Value x = b.widen(getInput());
  Value normal = normalizeRows(b, x, getEpsilon().convertToDouble());
  return roundResult(b, *this,
                     b.mul(normal, b.broadcastColumns(b.widen(getScale()), x)));
}
