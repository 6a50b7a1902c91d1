//===- LossScaling.cpp - The ops of the amp dialect
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "vernier/Dialect/Amp/IR/AmpDialect.h"

#include <cfloat>
#include <cmath>

using namespace mlir;

namespace vernier::reference {

static void evaluateScale(amp::ScaleOp, Invocation &in) {
  for (int64_t i = 0, e = in.result().size(); i < e; ++i)
    in.result().elements[i] =
        in.operand(0).elements[i] * in.operand(1).elements[0];
}

/// GradScaler multiplies by the reciprocal, so that is rounded too.
static void evaluateUnscale(amp::UnscaleOp, Invocation &in) {
  double inverse = 1.0 / in.operand(1).elements[0];
  if (!in.exact)
    inverse = static_cast<float>(inverse);
  for (int64_t i = 0, e = in.result().size(); i < e; ++i)
    in.result().elements[i] = in.operand(0).elements[i] * inverse;
}

static void evaluateAllFinite(amp::AllFiniteOp op, Invocation &in) {
  auto first = llvm::find_if(in.operands, [](const Tensor *gradient) {
    return llvm::any_of(gradient->elements,
                        [](double value) { return !std::isfinite(value); });
  });
  bool isFinite = first == in.operands.end();
  in.result(0).elements[0] = isFinite;
  if (op.getFirst())
    in.result(1).elements[0] = isFinite ? -1 : first - in.operands.begin();
}

static void evaluateGate(amp::GateOp, Invocation &in) {
  bool allFinite = in.operand(0).elements[0] != 0.0;
  in.result().elements = in.operand(allFinite ? 2 : 1).elements;
}

/// Whether this overflow leaves the scale as it is; counts it.
static bool absorbs(amp::UpdateScaleOp op, Invocation &in) {
  if (!op.getHysteresisTracker())
    return false;
  double &left = in.result(2).elements[0] = in.operand(3).elements[0];
  bool isBounded = !op.isTrackerUnbounded();
  --left;
  bool isAbsorbed = left > 0;
  if (isBounded && left < 1)
    left = 1;
  return isAbsorbed;
}

static void evaluateUpdateScale(amp::UpdateScaleOp op, Invocation &in) {
  double &scale = in.result(0).elements[0] = in.operand(0).elements[0];
  double &tracker = in.result(1).elements[0] = in.operand(1).elements[0];
  if (in.operand(2).elements[0] == 0.0) {
    if (!absorbs(op, in))
      scale = std::fmax(scale * op.getBackoffFactor().convertToDouble(),
                        op.getMinScale().convertToDouble());
    tracker = 0;
    return;
  }
  bool isReached = ++tracker >= op.getGrowthInterval();
  if (op.getHysteresisTracker()) {
    bool isRefilled = isReached || op.isRefilledByAnyFiniteStep();
    in.result(2).elements[0] =
        isRefilled ? op.getHysteresis() : in.operand(3).elements[0];
  }
  if (!isReached)
    return;
  tracker = 0;
  double grown = scale * op.getGrowthFactor().convertToDouble();
  double limit =
      op.getMaxScale() ? op.getMaxScale()->convertToDouble() : FLT_MAX;
  if (static_cast<float>(grown) <= std::fmin(limit, FLT_MAX))
    scale = grown;
}

void addLossScaling(OpTable &table) {
  table.add<amp::ScaleOp>(evaluateScale);
  table.add<amp::UnscaleOp>(evaluateUnscale);
  table.add<amp::AllFiniteOp>(evaluateAllFinite);
  table.add<amp::GateOp>(evaluateGate);
  table.add<amp::UpdateScaleOp>(evaluateUpdateScale);
}

} // namespace vernier::reference
