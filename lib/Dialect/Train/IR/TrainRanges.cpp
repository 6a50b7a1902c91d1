//===- TrainRanges.cpp - Bounds of train ops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Composites know more than what they expand into: a softmax is at most 1, a
// normalised element at most the root of the row's length.
//
//===----------------------------------------------------------------------===//

#include "TrainRanges.h"

#include "RangeModel.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

static int64_t countElements(Value value) {
  return cast<RankedTensorType>(value.getType()).getNumElements();
}

static int64_t countColumns(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getRank() ? type.getShape().back() : 1;
}

//===----------------------------------------------------------------------===//
// Shapes and reductions
//===----------------------------------------------------------------------===//

INFER(BroadcastOp) { results[0] = x[0]; }
INFER(TransposeOp) { results[0] = x[0]; }
INFER(OneHotOp) { results[0] = Interval::integers(0, 1); }
INFER(SeedOp) { results[0] = Interval::exactly(1); }

INFER(ReduceOp) {
  if (op.getKind() == ReduceKind::Max) {
    results[0] = x[0];
    return;
  }
  int64_t count = 1;
  for (int64_t dim : op.getDims())
    count *= cast<RankedTensorType>(op.getInput().getType()).getDimSize(dim);
  results[0] = sum(x[0], count);
  if (op.getKind() == ReduceKind::Mean)
    // Divided, or multiplied by the rounded inverse.
    results[0] =
        (results[0] / Interval::exactly(double(count))).widened(kRelativeSlack);
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

static double logistic(double x) { return 1 / (1 + std::exp(-x)); }

INFER(ReluOp) { results[0] = maximum(x[0], Interval::exactly(0)); }
INFER(SigmoidOp) { results[0] = increasing(x[0], logistic); }

/// x times a weight in [0, 1] that rises with x: between `least`, the
/// function's minimum, and x; it rises with positive x.
static Interval gated(const Interval &x, double least,
                      double (*function)(double)) {
  double low = x.low >= 0 ? function(x.low) : std::max(least, x.low);
  double high = x.high > 0 ? function(x.high) : 0;
  Interval result = Interval::between(low, high).widened(kRelativeSlack);
  // 0 times infinity.
  result.mayBeNaN = x.mayBeNaN || std::isinf(x.low) || std::isinf(x.high);
  return result;
}

INFER(SiluOp) {
  results[0] = gated(
      x[0], -0.2785,
      +[](double v) { return std::isinf(v) ? v : v * logistic(v); });
}

INFER(GeluOp) {
  // Between x / 2 and x for positive x, in both forms.
  const Interval &input = x[0];
  double low = input.low >= 0 ? input.low / 2 : std::max(-0.1702, input.low);
  results[0] =
      Interval::between(low, std::max(input.high, 0.0)).widened(kRelativeSlack);
  results[0].mayBeNaN = input.mayBeNaN || std::isinf(input.getMagnitude());
}

//===----------------------------------------------------------------------===//
// Softmax and normalisations
//===----------------------------------------------------------------------===//

/// Whether each row has a finite maximum: else x - max is NaN somewhere.
static bool makesNaN(const Interval &x) { return !x.isBounded(); }

double train::getSumSlack(int64_t count) {
  return kRelativeSlack + double(count) * 0x1p-24;
}

INFER(SoftmaxOp) {
  double others = double(countColumns(op.getInput()) - 1);
  double gap = x[0].isBounded() ? x[0].low - x[0].high : -kInfinity;
  double least = std::exp(gap) / (std::exp(gap) + others);
  if (others == 0)
    least = 1;
  double most = 1 / (1 + others * std::exp(gap));
  results[0] = Interval::between(least, most)
                   .widened(std::min(1.0, getSumSlack(int64_t(others) + 1) +
                                              std::fabs(gap) * 0x1p-22));
  results[0].low = std::max(results[0].low, 0.0);
  results[0].high = std::min(results[0].high, 1.0 + kRelativeSlack);
  results[0].mayBeNaN = makesNaN(x[0]);
}

/// log of softmax: from the row of one smallest among largest elements to that
/// of one largest among smallest.
static Interval getLogSoftmax(const Interval &x, int64_t columns) {
  Interval result;
  if (x.isBounded()) {
    double others = double(columns - 1), gap = x.low - x.high;
    double low = gap - std::log(std::exp(gap) + others);
    double high = -std::log1p(others * std::exp(gap));
    if (others == 0)
      low = high = 0;
    // The terms are as large as the gap, and so are their roundings.
    double slack = getSumSlack(columns) + std::fabs(gap) * 0x1p-22;
    result = Interval::between(low, high).widened(kRelativeSlack, slack);
  } else {
    result.high = kRelativeSlack;
  }
  result.mayBeNaN = makesNaN(x);
  return result;
}

INFER(LogSoftmaxOp) {
  results[0] = getLogSoftmax(x[0], countColumns(op.getInput()));
}

/// x / sqrt(mean(x^2) + epsilon): at most the root of the row's length, since
/// the square of an element is at most the sum of all, and at most
/// |x| / sqrt(epsilon).
Interval train::normalize(const Interval &x, int64_t columns, double epsilon) {
  double bound = std::sqrt(double(columns));
  if (epsilon > 0)
    bound = std::min(bound, x.getMagnitude() / std::sqrt(epsilon));
  bound *= 1 + getSumSlack(columns);
  Interval result =
      Interval::between(x.low >= 0 ? 0 : -bound, x.high <= 0 ? 0 : bound);
  // 0 / 0, and infinities: squares beyond f32 count as such.
  result.mayBeNaN = x.mayBeNaN || epsilon <= 0 || std::isinf(x.getMagnitude());
  return result;
}

Interval train::centre(const Interval &x, int64_t count) {
  double magnitude = x.getMagnitude();
  double spread = x.isBounded() ? x.high - x.low : kInfinity;
  // Around the mean, whose f32 sum may round.
  Interval centred = Interval::between(-spread, spread)
                         .widened(0, getSumSlack(count) *
                                         (spread < kInfinity ? magnitude : 0));
  if (std::isinf(spread))
    centred.mayBeNaN = true;
  return centred;
}

INFER(LayerNormOp) {
  int64_t columns = countColumns(op.getInput());
  Interval normal = normalize(centre(x[0], columns), columns,
                              op.getEpsilon().convertToDouble());
  results[0] = (normal * x[1] + x[2]).widened(kRelativeSlack);
}

INFER(RmsNormOp) {
  Interval normal = normalize(x[0], countColumns(op.getInput()),
                              op.getEpsilon().convertToDouble());
  results[0] = (normal * x[1]).widened(kRelativeSlack);
}

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

/// The mean or the sum of `count` losses that lie in `x`.
static Interval combine(const Interval &x, int64_t count, Reduction reduction) {
  Interval total = sum(x, count);
  if (reduction == Reduction::Sum)
    return total.widened(kRelativeSlack);
  return (total / Interval::exactly(double(count))).widened(kRelativeSlack);
}

INFER(CrossEntropyOp) {
  int64_t rows = cast<RankedTensorType>(op.getLogits().getType()).getDimSize(0);
  // Smoothing mixes the elements of one row of log softmax.
  Interval loss = -getLogSoftmax(x[0], countColumns(op.getLogits()));
  results[0] = combine(loss, rows, op.getReduction());
}

INFER(MseLossOp) {
  results[0] = combine(square((x[0] - x[1]).rounded(kRangeF32)),
                       countElements(op.getInput()), op.getReduction());
}

/// max(x, 0) - x t + log1p(exp(-|x|)).
static double getBinaryCrossEntropy(double x, double t) {
  return std::max(x, 0.0) - x * t + std::log1p(std::exp(-std::fabs(x)));
}

INFER(BceWithLogitsLossOp) {
  const Interval &score = x[0], &target = x[1];
  if (score.isBounded() && target.isBounded()) {
    double high = 0, slack = getSumSlack(1) * (1 + score.getMagnitude()) *
                             (1 + target.getMagnitude());
    // Convex in x and linear in t: largest at a corner.
    for (double s : {score.low, score.high})
      for (double t : {target.low, target.high})
        high = std::max(high, getBinaryCrossEntropy(s, t));
    // Not below -x t for x < 0, nor below x - x t for x > 0.
    double least = 0;
    if (target.low < 0)
      least = std::min(least, -score.low * target.low);
    if (target.high > 1)
      least = std::min(least, score.high * (1 - target.high));
    results[0] =
        combine(Interval::between(least, high).widened(kRelativeSlack, slack),
                countElements(op.getInput()), op.getReduction());
  }
}

//===----------------------------------------------------------------------===//
// The optimizer
//===----------------------------------------------------------------------===//

INFER(LearningRateOp) {
  double base = op.getBase().convertToDouble();
  double final = op.getFinal().convertToDouble();
  if (op.getSchedule() == Schedule::Constant)
    final = base;
  results[0] = Interval::between(std::min({0.0, base, final}),
                                 std::max({0.0, base, final}))
                   .widened(kRelativeSlack, kRelativeSlack * std::fabs(base));
}

INFER(ClipByGlobalNormOp) {
  // No gradient is larger than the norm of all, so none is larger than
  // max_norm after clipping.
  Interval limit = Interval::between(0, op.getMaxNorm().convertToDouble())
                       .widened(kRelativeSlack);
  Interval squares = Interval::exactly(0);
  for (auto [index, gradient] : llvm::enumerate(op.getGradients())) {
    Interval clipped = x[index].widened(kRelativeSlack);
    clipped.low = std::max(clipped.low, -limit.high);
    clipped.high = std::min(clipped.high, limit.high);
    clipped.low = std::min(clipped.low, 0.0);
    clipped.high = std::max(clipped.high, 0.0);
    clipped.smallest = clipped.grid = 0;
    clipped.mayBeNaN = !x[index].isBounded();
    results[index] = clipped;
    squares = squares + sum(square(x[index]), countElements(gradient));
  }
  results[op.getGradients().size()] =
      increasing(squares.rounded(kRangeF32), std::sqrt, 0);
}

void vernier::train::attachRangeModels(MLIRContext &context) {
  attachRanges<BroadcastOp, TransposeOp, OneHotOp, SeedOp, ReduceOp, ReluOp,
               SigmoidOp, SiluOp, GeluOp, SoftmaxOp, LogSoftmaxOp, LayerNormOp,
               RmsNormOp, CrossEntropyOp, MseLossOp, BceWithLogitsLossOp,
               LearningRateOp, ClipByGlobalNormOp>(context);
  attachContractionRanges(context);
  attachImageRanges(context);
}
