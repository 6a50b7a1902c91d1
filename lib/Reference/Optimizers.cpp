//===- Optimizers.cpp - Seed, clipping, schedule, update
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace vernier::reference {

//===----------------------------------------------------------------------===//
// Clipping and learning rate
//===----------------------------------------------------------------------===//

static void evaluateClip(train::ClipByGlobalNormOp op, Invocation &in) {
  double squares = 0.0;
  for (const Tensor *gradient : in.operands)
    for (double value : gradient->elements)
      squares += value * value;
  double norm = std::sqrt(squares);
  double factor =
      std::min(1.0, op.getMaxNorm().convertToDouble() / (norm + 1e-6));
  if (std::isnan(norm)) // std::min drops a NaN; torch keeps it.
    factor = NAN;
  for (auto [index, gradient] : llvm::enumerate(in.operands))
    for (int64_t i = 0, e = gradient->size(); i < e; ++i)
      in.result(index).elements[i] = gradient->elements[i] * factor;
  in.results.back().elements[0] = norm;
}

static double getLearningRate(train::LearningRateOp op, double step) {
  double base = op.getBase().convertToDouble();
  double final = op.getFinal().convertToDouble();
  double warmup = op.getWarmupSteps(), total = op.getTotalSteps();
  if (step < warmup)
    return base * step / warmup;
  double progress = std::clamp((step - warmup) / (total - warmup), 0.0, 1.0);
  switch (op.getSchedule()) {
  case train::Schedule::Constant:
    return base;
  case train::Schedule::Linear:
    return base + (final - base) * progress;
  case train::Schedule::Cosine:
    return final + (base - final) * (1.0 + std::cos(M_PI * progress)) / 2.0;
  }
  llvm_unreachable("unknown schedule");
}

//===----------------------------------------------------------------------===//
// Update
//===----------------------------------------------------------------------===//

namespace {
/// One element of an update: parameter, gradient, learning rate, number of the
/// step, and the optimizer's states, which it changes.
struct Element {
  double parameter, gradient, learningRate, step;
  double first = 0.0, second = 0.0;
};
} // namespace

static void apply(train::SgdAttr sgd, Element &e) {
  double gradient = e.gradient + sgd.getWeightDecay() * e.parameter;
  double direction = gradient;
  if (sgd.getMomentum() != 0.0) {
    e.first = sgd.getMomentum() * e.first + gradient;
    direction =
        sgd.getNesterov() ? gradient + sgd.getMomentum() * e.first : e.first;
  }
  e.parameter -= e.learningRate * direction;
}

template <typename AttrTy> static void applyAdam(AttrTy adam, Element &e) {
  double beta1 = adam.getBeta1(), beta2 = adam.getBeta2();
  e.first = beta1 * e.first + (1.0 - beta1) * e.gradient;
  e.second = beta2 * e.second + (1.0 - beta2) * e.gradient * e.gradient;
  double mean = e.first / (1.0 - std::pow(beta1, e.step));
  double deviation = std::sqrt(e.second / (1.0 - std::pow(beta2, e.step)));
  e.parameter -= e.learningRate * mean / (deviation + adam.getEpsilon());
}

static void apply(train::AdamAttr adam, Element &e) {
  e.gradient += adam.getWeightDecay() * e.parameter;
  applyAdam(adam, e);
}

static void apply(train::AdamWAttr adam, Element &e) {
  e.parameter *= 1.0 - e.learningRate * adam.getWeightDecay();
  applyAdam(adam, e);
}

static void applyOptimizer(Attribute optimizer, Element &element) {
  if (auto sgd = dyn_cast<train::SgdAttr>(optimizer))
    return apply(sgd, element);
  if (auto adam = dyn_cast<train::AdamAttr>(optimizer))
    return apply(adam, element);
  apply(cast<train::AdamWAttr>(optimizer), element);
}

/// Operands: parameter, gradient, learning rate, step, states.
static void evaluateUpdate(train::UpdateOp op, Invocation &in) {
  size_t states = in.results.size() - 1;
  for (int64_t i = 0, e = in.result().size(); i < e; ++i) {
    Element element{in.operand(0).elements[i], in.operand(1).elements[i],
                    in.operand(2).elements[0], in.operand(3).elements[0]};
    if (states > 0)
      element.first = in.operand(4).elements[i];
    if (states > 1)
      element.second = in.operand(5).elements[i];
    applyOptimizer(op.getOptimizer(), element);
    in.result().elements[i] = element.parameter;
    if (states > 0)
      in.result(1).elements[i] = element.first;
    if (states > 1)
      in.result(2).elements[i] = element.second;
  }
}

void addOptimizers(OpTable &table) {
  table.add<train::SeedOp>(
      [](train::SeedOp, Invocation &in) { in.result().elements[0] = 1.0; });
  table.add<train::ClipByGlobalNormOp>(evaluateClip);
  table.add<train::LearningRateOp>([](train::LearningRateOp op,
                                      Invocation &in) {
    in.result().elements[0] = getLearningRate(op, in.operand(0).elements[0]);
  });
  table.add<train::UpdateOp>(evaluateUpdate);
}

} // namespace vernier::reference
