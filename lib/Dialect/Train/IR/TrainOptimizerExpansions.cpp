//===- TrainOptimizerExpansions.cpp - What updates, clipping and schedules mean
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

Replacements SeedOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  return SmallVector<Value>{b.splat(1.0, getType())};
}

//===----------------------------------------------------------------------===//
// Clipping
//===----------------------------------------------------------------------===//

Replacements ClipByGlobalNormOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  Value sum;
  for (Value gradient : getGradients()) {
    Value g = b.widen(b.splitForReduction(gradient));
    Value squares = b.reduceAll(ReduceKind::Sum, b.mul(g, g));
    sum = sum ? b.add(sum, squares) : squares;
  }
  Value norm = b.create<math::SqrtOp>(sum);
  // torch.nn.utils.clip_grad_norm_: max_norm / (norm + 1e-6), at most 1. A NaN
  // norm makes every gradient NaN, as there.
  Value ratio =
      b.div(b.scalar(getMaxNorm().convertToDouble()), b.add(norm, 1.0e-6));
  Value factor = b.create<arith::MinimumFOp>(ratio, b.scalar(1.0));

  SmallVector<Value> results;
  for (Value gradient : getGradients()) {
    Value g = b.widen(gradient);
    Value clipped = b.mul(g, b.broadcastScalar(factor, g));
    results.push_back(b.roundTo(clipped, getClipped().front().getType()));
  }
  results.push_back(b.roundTo(norm, getNorm().getType()));
  return results;
}

//===----------------------------------------------------------------------===//
// Learning rate
//===----------------------------------------------------------------------===//

/// clamp((t - W) / (T - W), 0, 1); the difference is exact in integers.
static Value buildProgress(ExpansionBuilder &b, LearningRateOp op) {
  int64_t warmup = op.getWarmupSteps(), total = op.getTotalSteps();
  Value done = b.create<arith::SubIOp>(op.getStep(),
                                       b.splat(warmup, op.getStep().getType()));
  Value progress = b.div(b.fromInteger(done), b.scalar(total - warmup));
  progress = b.create<arith::MaximumFOp>(progress, b.scalar(0.0));
  return b.create<arith::MinimumFOp>(progress, b.scalar(1.0));
}

/// The rate after warm-up.
static Value buildScheduledRate(ExpansionBuilder &b, LearningRateOp op) {
  double base = op.getBase().convertToDouble();
  double final = op.getFinal().convertToDouble();
  switch (op.getSchedule()) {
  case Schedule::Constant:
    return b.scalar(base);
  case Schedule::Linear:
    return b.add(b.mul(buildProgress(b, op), final - base), base);
  case Schedule::Cosine: {
    Value cosine = b.create<math::CosOp>(b.mul(buildProgress(b, op), M_PI));
    Value above = b.mul(b.add(cosine, 1.0), 0.5 * (base - final));
    return final == 0.0 ? above : b.add(above, final);
  }
  }
  llvm_unreachable("unknown schedule");
}

Replacements LearningRateOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  Value rate = buildScheduledRate(b, *this);
  int64_t warmup = getWarmupSteps();
  if (warmup == 0)
    return SmallVector<Value>{rate};
  Value step = b.fromInteger(getStep());
  Value rising =
      b.div(b.mul(step, getBase().convertToDouble()), b.scalar(warmup));
  Value isWarmup =
      b.create<arith::CmpIOp>(arith::CmpIPredicate::slt, getStep(),
                              b.splat(warmup, getStep().getType()));
  return SmallVector<Value>{b.create<arith::SelectOp>(isWarmup, rising, rate)};
}

//===----------------------------------------------------------------------===//
// Updates. The order of operations is PyTorch's; factors that do not depend on
// the element are rank-0 values, computed once.
//===----------------------------------------------------------------------===//

/// One update being built: values of the parameter's shape, and two scalars.
struct UpdateBuilder {
  ExpansionBuilder &b;
  Value parameter, gradient, learningRate, step;
  ValueRange states;

  Value times(Value scalar, Value value) {
    return b.mul(b.broadcastScalar(scalar, value), value);
  }

  /// 1 - beta^t as -expm1(t log(beta)), which keeps its digits for beta near 1.
  Value biasCorrection(double beta) {
    if (beta == 0.0)
      return b.scalar(1.0);
    Value exponent = b.mul(b.fromInteger(step), std::log(beta));
    return b.create<arith::NegFOp>(b.create<math::ExpM1Op>(exponent));
  }

  SmallVector<Value> build(SgdAttr sgd);
  SmallVector<Value> build(double beta1, double beta2, double epsilon);
};

SmallVector<Value> UpdateBuilder::build(SgdAttr sgd) {
  Value g = gradient;
  if (sgd.getWeightDecay() != 0.0)
    g = b.add(g, b.mul(parameter, sgd.getWeightDecay()));
  if (sgd.getMomentum() == 0.0)
    return {b.sub(parameter, times(learningRate, g))};
  Value buffer = b.add(b.mul(states[0], sgd.getMomentum()), g);
  Value direction =
      sgd.getNesterov() ? b.add(g, b.mul(buffer, sgd.getMomentum())) : buffer;
  return {b.sub(parameter, times(learningRate, direction)), buffer};
}

/// Adam without decay; `parameter` and `gradient` already have it.
SmallVector<Value> UpdateBuilder::build(double beta1, double beta2,
                                        double epsilon) {
  Value m = b.add(b.mul(states[0], beta1), b.mul(gradient, 1.0 - beta1));
  Value squares = b.mul(b.mul(gradient, 1.0 - beta2), gradient);
  Value v = b.add(b.mul(states[1], beta2), squares);
  Value stepSize = b.div(learningRate, biasCorrection(beta1));
  Value root = b.create<math::SqrtOp>(biasCorrection(beta2));
  Value deviation =
      b.div(b.create<math::SqrtOp>(v), b.broadcastScalar(root, v));
  Value quotient = b.div(times(stepSize, m), b.add(deviation, epsilon));
  return {b.sub(parameter, quotient), m, v};
}

Replacements UpdateOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  UpdateBuilder update{
      b,         getParameter(), b.widen(getGradient()), getLearningRate(),
      getStep(), getStates()};
  if (auto sgd = dyn_cast<SgdAttr>(getOptimizer()))
    return update.build(sgd);
  if (auto adam = dyn_cast<AdamAttr>(getOptimizer())) {
    if (adam.getWeightDecay() != 0.0)
      update.gradient =
          b.add(update.gradient,
                b.mul(getParameter(), double(adam.getWeightDecay())));
    return update.build(adam.getBeta1(), adam.getBeta2(), adam.getEpsilon());
  }
  auto adamw = cast<AdamWAttr>(getOptimizer());
  if (adamw.getWeightDecay() != 0.0) {
    Value decay = b.mul(getLearningRate(), double(adamw.getWeightDecay()));
    Value factor = b.sub(b.scalar(1.0), decay);
    update.parameter = update.times(factor, getParameter());
  }
  return update.build(adamw.getBeta1(), adamw.getBeta2(), adamw.getEpsilon());
}
