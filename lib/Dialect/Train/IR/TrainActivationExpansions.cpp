//===- TrainActivationExpansions.cpp - What activations and row ops mean
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/IR/ExpansionBuilder.h"

#include <cmath>

using namespace mlir;
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

/// 1 / (1 + exp(-x)): where exp overflows, the quotient is 0.
static Value buildSigmoid(ExpansionBuilder &b, Value x) {
  Value exponential = b.create<math::ExpOp>(b.create<arith::NegFOp>(x));
  return b.div(b.splat(1.0, x.getType()), b.add(exponential, 1.0));
}

Replacements SigmoidOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  return roundResult(b, *this, buildSigmoid(b, b.widen(getInput())));
}

Replacements SiluOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  Value x = b.widen(getInput());
  Value exponential = b.create<math::ExpOp>(b.create<arith::NegFOp>(x));
  return roundResult(b, *this, b.div(x, b.add(exponential, 1.0)));
}

Replacements GeluOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  Value x = b.widen(getInput());
  Value inner;
  if (getForm() == GeluForm::Erf) {
    inner = b.create<math::ErfOp>(b.mul(x, M_SQRT1_2));
  } else {
    Value cube = b.mul(b.mul(b.mul(x, x), x), 0.044715);
    Value argument = b.mul(b.add(x, cube), M_2_SQRTPI * M_SQRT1_2);
    inner = b.create<math::TanhOp>(argument);
  }
  return roundResult(b, *this, b.mul(b.mul(x, 0.5), b.add(inner, 1.0)));
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
