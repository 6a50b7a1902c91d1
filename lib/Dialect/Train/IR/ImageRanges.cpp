//===- ImageRanges.cpp - Bounds of what works on images, tables and indices
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RangeModel.h"

#include <cmath>

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

static int64_t countElements(Value value) {
  return cast<RankedTensorType>(value.getType()).getNumElements();
}

static int64_t countChannels(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape().back();
}

//===----------------------------------------------------------------------===//
// Tables and indices
//===----------------------------------------------------------------------===//

INFER(IotaOp) {
  results[0] = Interval::integers(
      0, double(std::max<int64_t>(countElements(op.getResult()) - 1, 0)));
}
INFER(ArgmaxOp) {
  results[0] = Interval::integers(0, double(countChannels(op.getInput()) - 1));
}
INFER(AccuracyOp) {
  results[0] = Interval::between(0, 1).widened(kRelativeSlack);
}
/// The row of an index outside of the table is zero.
INFER(GatherOp) { results[0] = x[0].joined(Interval::exactly(0)); }
/// All updates may be of one row, or none.
INFER(ScatterAddOp) {
  results[0] =
      sum(x[0].joined(Interval::exactly(0)), countElements(op.getIndices()));
}
INFER(DropoutOp) {
  Interval kept = Interval::exactly(1 - op.getRate().convertToDouble());
  results[0] =
      (x[0] / kept).widened(kRelativeSlack).joined(Interval::exactly(0));
}

//===----------------------------------------------------------------------===//
// Images
//===----------------------------------------------------------------------===//

INFER(Pool2dOp) {
  // A mean of f32 sums lies where its elements lie, but for their roundings.
  results[0] = x[0];
  if (op.getKind() == PoolKind::Average)
    results[0] = x[0].widened(getSumSlack(countElements(op.getInput()) /
                                          countChannels(op.getInput())));
  results[0].grid = op.getKind() == PoolKind::Max ? x[0].grid : 0;
  if (op.getKind() == PoolKind::Average && x[0].low < 0 && x[0].high > 0)
    results[0].smallest = 0;
}

INFER(BatchNormOp) {
  int64_t count = countElements(op.getInput()) / countChannels(op.getInput());
  Interval normal =
      normalize(centre(x[0], count), count, op.getEpsilon().convertToDouble());
  results[0] = (normal * x[1] + x[2]).widened(kRelativeSlack);
}

INFER(GroupNormOp) {
  auto shape = cast<RankedTensorType>(op.getInput().getType()).getShape();
  int64_t count =
      countElements(op.getInput()) / shape.front() / int64_t(op.getGroups());
  Interval normal =
      normalize(centre(x[0], count), count, op.getEpsilon().convertToDouble());
  results[0] = (normal * x[1] + x[2]).widened(kRelativeSlack);
}

static double reciprocalRoot(double x) {
  return x == 0 ? std::numeric_limits<double>::infinity() : 1 / std::sqrt(x);
}

INFER(BatchNormInferenceOp) {
  Interval epsilon = Interval::exactly(op.getEpsilon().convertToDouble());
  Interval variance = (x[4] + epsilon).rounded(kRangeF32);
  Interval inverse = decreasing(variance, reciprocalRoot, 0);
  Interval centred = (x[0] - x[3]).rounded(kRangeF32);
  // The device may multiply in another order.
  Interval result = centred * inverse * x[1] + x[2];
  double slack = kRelativeSlack * (centred * inverse * x[1]).getMagnitude();
  results[0] = result.widened(kRelativeSlack, std::isfinite(slack) ? slack : 0);
}

void vernier::train::attachImageRanges(MLIRContext &context) {
  attachRanges<IotaOp, ArgmaxOp, AccuracyOp, GatherOp, ScatterAddOp, DropoutOp,
               Pool2dOp, BatchNormOp, GroupNormOp, BatchNormInferenceOp>(
      context);
}
