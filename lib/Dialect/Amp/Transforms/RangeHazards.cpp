//===- RangeHazards.cpp - Values that a 16-bit type does not hold
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// That nothing is known of a value is no hazard: what a model declares nothing
// about would be one throughout. A finite bound is, if it rests on declared
// ranges; one that rests on initial values, and has grown through sums of
// products, only if what is likely comes near the limit, too.
//
//===----------------------------------------------------------------------===//

#include "RangeHazards.h"

#include "ProfiledRanges.h"

#include "vernier/Interfaces/RangeOpInterface.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

/// A likely value within this factor of the limit is taken to pass it: the
/// estimate is of one step, and of elements that are independent.
static constexpr double kNear = 2;
/// A bound beyond the limit counts if what is likely is within this factor.
static constexpr double kWithinReach = 32;

static RangeAssumptions makeAssumptions(FunctionOpInterface function,
                                        const Profile *profile) {
  if (profile)
    return getMeasuredRanges(*profile, function->getParentOfType<ModuleOp>(),
                             function);
  RangeAssumptions assumptions;
  assumptions.initialValues = true;
  return assumptions;
}

RangeHazards::RangeHazards(FunctionOpInterface function, const Profile *profile)
    : assumptions(makeAssumptions(function, profile)), isMeasured(profile),
      always(RangeAnalysis::run(function, RangeAssumptions())),
      assumed(RangeAnalysis::run(function, assumptions)),
      likely(LikelyValues::run(function, assumptions, assumed)) {}

static std::string format(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g", value);
  return text;
}

static std::string getName(Type type) { return type.isF16() ? "f16" : "bf16"; }

/// "beyond the 65504 of f16"
static std::string describeLimit(Type type, const FloatRange &limits) {
  return llvm::formatv("beyond the {0} of {1}",
                       type.isF16() ? "65504" : format(limits.getMaximum()),
                       getName(type));
}

std::string RangeHazards::getOverflow(Value value, Type type) const {
  FloatRange limits = *getFloatRange(type);
  double maximum = limits.getMaximum();
  Interval proven = always.getExactRange(value);
  if (proven.isBounded() && !proven.fitsIn(limits))
    return llvm::formatv("can reach {0} by the ranges that are declared, {1}",
                         format(proven.getMagnitude()),
                         describeLimit(type, limits));
  Interval bound = assumed.getExactRange(value);
  double largest = likely.get(value).getLargest();
  if (bound.fitsIn(limits) || largest * kWithinReach < maximum)
    return "";
  if (isMeasured && bound.isBounded())
    return llvm::formatv("reaches about {0} where inputs and states are as "
                         "measured, and at most {1}, {2}",
                         format(largest), format(bound.getMagnitude()),
                         describeLimit(type, limits));
  if (bound.isBounded())
    return llvm::formatv("can reach {0} in the first step, {1}, and about {2} "
                         "is likely",
                         format(bound.getMagnitude()),
                         describeLimit(type, limits), format(largest));
  if (largest * kNear < maximum)
    return "";
  StringRef condition =
      isMeasured ? "where inputs and states are as measured"
                 : "in the first step if inputs without a range are of order 1";
  return llvm::formatv(
      "is likely to reach {0} {1}, {2}", format(largest), condition,
      largest > maximum ? describeLimit(type, limits)
                        : "near the largest number of " + getName(type));
}

std::string RangeHazards::getUnderflow(Value value, Type type) const {
  double tiny = getFloatRange(type)->getSmallestNormal();
  auto describe = [&](double magnitude, StringRef condition) -> std::string {
    return llvm::formatv("is at most {0}{1}: all of it below the normal "
                         "numbers of {2}, which begin at {3}",
                         format(magnitude), condition, getName(type),
                         format(tiny));
  };
  Interval proven = always.getExactRange(value);
  if (!proven.isZero() && !proven.mayBeNaN && proven.getMagnitude() < tiny)
    return describe(proven.getMagnitude(), "");
  double largest = likely.get(value).getLargest();
  if (largest > 0 && largest < tiny)
    return describe(largest, isMeasured
                                 ? " where inputs and states are as measured"
                                 : " in the first step, as is likely");
  return "";
}

std::string RangeHazards::getHazard(Value value, Type type) const {
  if (!isa<FloatType>(getElementTypeOrSelf(value.getType())))
    return "";
  std::string overflow = getOverflow(value, type);
  return overflow.empty() ? getUnderflow(value, type) : overflow;
}
