//===- TrainSettings.cpp - Numbers that ops are set with
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainSettings.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/IR/Diagnostics.h"

#include <cfloat>

using namespace mlir;
using namespace vernier::train;

// Each is written so that NaN fails.
bool vernier::train::isRate(double value) {
  return value >= 0 && value <= FLT_MAX;
}
bool vernier::train::isFraction(double value) {
  return value >= 0 && value < 1;
}
bool vernier::train::isPositive(double value) {
  return value >= FLT_MIN && value <= FLT_MAX;
}

LogicalResult vernier::train::verifyEpsilon(Operation *op,
                                            const llvm::APFloat &epsilon) {
  double value = epsilon.convertToDouble();
  if (isPositive(value))
    return success();
  return op->emitOpError("(N5) expects an epsilon above 0, a normal number of "
                         "f32, got ")
         << value;
}

static LogicalResult verifySgd(Operation *op, SgdAttr sgd) {
  if (isFraction(sgd.getMomentum()) && isRate(sgd.getWeightDecay()))
    return success();
  return op->emitOpError("(U4) expects 0 <= momentum < 1 and a weight decay of "
                         "0 or more, got ")
         << sgd;
}

template <typename AdamLikeAttr>
static LogicalResult verifyAdam(Operation *op, AdamLikeAttr adam) {
  if (isFraction(adam.getBeta1()) && isFraction(adam.getBeta2()) &&
      isRate(adam.getEpsilon()) && isRate(adam.getWeightDecay()))
    return success();
  return op->emitOpError("(U4) expects 0 <= beta1 < 1, 0 <= beta2 < 1, "
                         "epsilon and weight decay of 0 or more, got ")
         << adam;
}

LogicalResult vernier::train::verifyOptimizer(Operation *op,
                                              Attribute optimizer) {
  if (auto sgd = dyn_cast<SgdAttr>(optimizer))
    return verifySgd(op, sgd);
  if (auto adam = dyn_cast<AdamAttr>(optimizer))
    return verifyAdam(op, adam);
  return verifyAdam(op, cast<AdamWAttr>(optimizer));
}
