//===- AmpExpansions.cpp - What the composites of the amp dialect mean
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/IR/AmpDialect.h"

#include "vernier/Dialect/Train/IR/ExpansionBuilder.h"

#include <limits>

using namespace mlir;
using namespace vernier::amp;
using vernier::train::ExpansionBuilder;
using vernier::train::ReduceKind;

using Replacements = FailureOr<SmallVector<Value>>;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static constexpr double kMaxF32 = std::numeric_limits<float>::max();

Replacements ScaleOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  Value input = b.widen(getInput());
  Value scaled = b.mul(input, b.broadcastScalar(getScale(), input));
  return SmallVector<Value>{b.roundTo(scaled, getType())};
}

/// The inverse is rounded once, and shared by all gradients.
Replacements UnscaleOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  Value inverse = b.div(b.scalar(1.0), getScale());
  Value gradient = b.widen(getGradient());
  return SmallVector<Value>{
      b.mul(gradient, b.broadcastScalar(inverse, gradient))};
}

/// 1 if an element is inf or NaN, else 0: |x| < inf is false for both.
static Value findNonFinite(ExpansionBuilder &b, Value gradient) {
  Value g = b.widen(b.splitForReduction(gradient));
  Value isFinite = b.create<arith::CmpFOp>(arith::CmpFPredicate::OLT,
                                           b.create<math::AbsFOp>(g),
                                           b.splat(kInfinity, g.getType()));
  Value flags = b.create<arith::SelectOp>(isFinite, b.splat(0.0, g.getType()),
                                          b.splat(1.0, g.getType()));
  return b.reduceAll(ReduceKind::Max, flags);
}

/// The flags of the gradients, and the index of the first that is set, found
/// from the last to the first.
Replacements AllFiniteOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  SmallVector<Value> flags;
  for (Value gradient : getGradients())
    flags.push_back(findNonFinite(b, gradient));
  if (!getFirst()) {
    Value found = b.scalar(0.0);
    for (auto [i, flag] : llvm::enumerate(flags))
      found = i ? b.create<arith::MaximumFOp>(found, flag) : flag;
    return SmallVector<Value>{b.create<arith::CmpFOp>(arith::CmpFPredicate::OEQ,
                                                      found, b.scalar(0.0))};
  }
  Type type = getFirst().getType();
  Value none = b.splat(-1, type), first = none;
  for (int64_t i = flags.size() - 1; i >= 0; --i) {
    // A flag that is NaN itself counts: better skipped than believed.
    Value isSet = b.create<arith::CmpFOp>(arith::CmpFPredicate::UNE, flags[i],
                                          b.scalar(0.0));
    first = b.create<arith::SelectOp>(isSet, b.splat(i, type), first);
  }
  Value isFinite =
      b.create<arith::CmpIOp>(arith::CmpIPredicate::eq, first, none);
  return SmallVector<Value>{isFinite, first};
}

Replacements GateOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  Value flags = b.broadcastScalar(getAllFinite(), getNewValue());
  return SmallVector<Value>{
      b.create<arith::SelectOp>(flags, getNewValue(), getOldValue())};
}

/// `scale` times a factor as GradScaler's kernel computes it, in f64 and
/// rounded once to f32, without f64: the factor is high + low, two f32 numbers,
/// and an fma gives what rounding took from scale * high (Dekker 1971). An
/// overflow makes a NaN, which no comparison with a limit lets through.
static Value multiplyScale(ExpansionBuilder &b, Value scale, double factor) {
  double high = static_cast<float>(factor);
  if (high == factor)
    return b.mul(scale, factor);
  // Below 1 the lost part might be too small for f32: work 2^64 higher.
  Value isSmall =
      b.create<arith::CmpFOp>(arith::CmpFPredicate::OLT, scale, b.scalar(1.0));
  auto shiftBy = [&](Value value, double shift) {
    Value by =
        b.create<arith::SelectOp>(isSmall, b.scalar(shift), b.scalar(1.0));
    return b.mul(value, by);
  };
  scale = shiftBy(scale, 0x1p64);
  Value product = b.mul(scale, high);
  Value error = b.create<math::FmaOp>(scale, b.scalar(high),
                                      b.create<arith::NegFOp>(product));
  Value correction =
      b.create<math::FmaOp>(scale, b.scalar(factor - high), error);
  return shiftBy(b.add(product, correction), 0x1p-64);
}

/// The hysteresis tracker after a step that was not finite, and whether that
/// step leaves the scale as it is.
static std::pair<Value, Value> countOverflow(ExpansionBuilder &b,
                                             UpdateScaleOp op) {
  Value tracker = op.getHysteresisTracker();
  Value one = b.splat(1, tracker.getType());
  Value left = b.create<arith::SubIOp>(tracker, one);
  Value isAbsorbed =
      b.create<arith::CmpIOp>(arith::CmpIPredicate::sge, left, one);
  if (!op.isTrackerUnbounded())
    left = b.create<arith::SelectOp>(isAbsorbed, left, one);
  return {left, isAbsorbed};
}

Replacements UpdateScaleOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  Type trackerType = getTracker().getType();
  Value zero = b.splat(0, trackerType);
  Value counted =
      b.create<arith::AddIOp>(getTracker(), b.splat(1, trackerType));
  Value reached =
      b.create<arith::CmpIOp>(arith::CmpIPredicate::sge, counted,
                              b.splat(getGrowthInterval(), trackerType));

  // Growth stops at the largest finite f32, or at max_scale.
  double limit = kMaxF32;
  if (getMaxScale())
    limit = std::min(limit, getMaxScale()->convertToDouble());
  Value grown =
      multiplyScale(b, getScale(), getGrowthFactor().convertToDouble());
  Value isAllowed = b.create<arith::CmpFOp>(arith::CmpFPredicate::OLE, grown,
                                            b.scalar(limit));
  Value grows = b.create<arith::AndIOp>(reached, isAllowed);
  Value finiteScale = b.create<arith::SelectOp>(grows, grown, getScale());
  Value finiteTracker = b.create<arith::SelectOp>(reached, zero, counted);

  Value reduced =
      multiplyScale(b, getScale(), getBackoffFactor().convertToDouble());
  reduced = b.create<arith::MaximumFOp>(
      reduced, b.scalar(getMinScale().convertToDouble()));
  SmallVector<Value> hysteresis;
  if (Value tracker = getHysteresisTracker()) {
    auto [left, isAbsorbed] = countOverflow(b, *this);
    reduced = b.create<arith::SelectOp>(isAbsorbed, getScale(), reduced);
    Value refilled = b.splat(getHysteresis(), trackerType);
    if (!isRefilledByAnyFiniteStep())
      refilled = b.create<arith::SelectOp>(reached, refilled, tracker);
    hysteresis = {b.create<arith::SelectOp>(getAllFinite(), refilled, left)};
  }
  Value newScale =
      b.create<arith::SelectOp>(getAllFinite(), finiteScale, reduced);
  Value newTracker =
      b.create<arith::SelectOp>(getAllFinite(), finiteTracker, zero);
  SmallVector<Value> results = {newScale, newTracker};
  results.append(hysteresis);
  return results;
}
