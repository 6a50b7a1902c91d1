//===- Interval.cpp - What is known of the elements of a tensor
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Interfaces/Interval.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace vernier;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// Formats
//===----------------------------------------------------------------------===//

double FloatRange::getMaximum() const {
  return std::ldexp(2 - std::ldexp(1.0, -mantissaBits), maxExponent);
}

double FloatRange::getSmallestNormal() const {
  return std::ldexp(1.0, minExponent);
}

double FloatRange::getSmallest() const {
  return std::ldexp(1.0, minExponent - mantissaBits);
}

double FloatRange::round(double value) const {
  if (!std::isfinite(value) || value == 0)
    return value;
  int exponent = std::max(std::ilogb(value), minExponent) - mantissaBits;
  double rounded =
      std::ldexp(std::nearbyint(std::ldexp(value, -exponent)), exponent);
  if (std::fabs(rounded) > getMaximum())
    return std::copysign(kInfinity, value);
  return rounded;
}

//===----------------------------------------------------------------------===//
// Outward rounding of the doubles themselves
//===----------------------------------------------------------------------===//

static double down(double x) {
  return x == 0 ? x : std::nextafter(x, -kInfinity);
}
static double up(double x) { return x == 0 ? x : std::nextafter(x, kInfinity); }

/// Zero times infinity, as the bound of a product: a NaN is noted elsewhere.
static double times(double x, double y) { return x == 0 || y == 0 ? 0 : x * y; }

/// The lowest set bit of a finite number: the largest power of two that divides
/// it.
static double getLowestBit(double value) {
  int exponent;
  double fraction = std::frexp(std::fabs(value), &exponent);
  auto bits = uint64_t(std::ldexp(fraction, 53));
  return std::ldexp(double(bits & -bits), exponent - 53);
}

/// Facts that follow from each other, written down. Where zero is no element,
/// the nearer bound is the smallest magnitude, and where all elements are
/// multiples of a number, none but zero is smaller.
static Interval normalized(Interval x) {
  if (std::isnan(x.low))
    x.low = -kInfinity;
  if (std::isnan(x.high))
    x.high = kInfinity;
  if (x.low == 0 && x.high == 0) {
    x.smallest = x.grid = kInfinity;
    return x;
  }
  if (std::isnan(x.grid) || std::isinf(x.grid))
    x.grid = 0;
  if (std::isnan(x.smallest) || std::isinf(x.smallest))
    x.smallest = 0;
  x.smallest = std::max({x.smallest, x.grid, x.low, -x.high});
  return x;
}

//===----------------------------------------------------------------------===//
// Intervals
//===----------------------------------------------------------------------===//

Interval Interval::between(double low, double high) {
  return normalized({low, high, 0, 0, /*mayBeNaN=*/false});
}

Interval Interval::exactly(double value) {
  if (std::isnan(value))
    return unknown();
  double grid = std::isfinite(value) && value != 0 ? getLowestBit(value) : 0;
  return normalized({value, value, 0, grid, /*mayBeNaN=*/false});
}

Interval Interval::integers(double low, double high) {
  return normalized({low, high, 1, 1, /*mayBeNaN=*/false});
}

double Interval::getMagnitude() const {
  return std::max(std::fabs(low), std::fabs(high));
}

bool Interval::isBounded() const {
  return !mayBeNaN && std::isfinite(low) && std::isfinite(high);
}

bool Interval::contains(double value) const {
  if (std::isnan(value))
    return mayBeNaN;
  if (value == 0)
    return low <= 0 && high >= 0;
  return low <= value && value <= high && std::fabs(value) >= smallest &&
         (grid == 0 || std::isinf(value) || std::remainder(value, grid) == 0);
}

bool Interval::fitsIn(const FloatRange &format) const {
  return rounded(format).isBounded();
}

bool Interval::isSafeFromUnderflow(const FloatRange &format) const {
  return smallest >= format.getSmallestNormal() || grid >= format.getSmallest();
}

Interval Interval::rounded(const FloatRange &format) const {
  Interval result = *this;
  result.low = format.round(low);
  result.high = format.round(high);
  if (result.low == 0 && result.high == 0)
    return normalized(result);
  // The spacing of the format at the smallest magnitude divides every larger
  // number of it; rounding never leaves a coarser grid.
  double exponent = format.minExponent;
  if (smallest > 0 && std::isfinite(smallest))
    exponent = std::max(exponent, double(std::ilogb(smallest)));
  result.grid =
      std::max(grid, std::ldexp(1.0, int(exponent) - format.mantissaBits));
  result.smallest = format.round(smallest);
  return normalized(result);
}

Interval Interval::widened(double relative, double absolute) const {
  Interval result = *this;
  result.low = down(low - relative * std::fabs(low)) - absolute;
  result.high = up(high + relative * std::fabs(high)) + absolute;
  // What is rounded inside an op has no grid that could be told from outside.
  result.grid = 0;
  result.smallest =
      absolute == 0 && std::isfinite(smallest) ? smallest * (1 - relative) : 0;
  return normalized(result);
}

Interval Interval::joined(const Interval &other) const {
  return normalized({std::min(low, other.low), std::max(high, other.high),
                     std::min(smallest, other.smallest),
                     std::min(grid, other.grid), mayBeNaN || other.mayBeNaN});
}

std::string vernier::toString(const Interval &x) {
  if (std::isinf(x.low) && std::isinf(x.high))
    return "unbounded";
  char text[64];
  std::snprintf(text, sizeof(text), "[%.4g, %.4g]", x.low, x.high);
  return text;
}

//===----------------------------------------------------------------------===//
// Elementwise arithmetic
//===----------------------------------------------------------------------===//

static bool mayBeInfinite(const Interval &x) {
  return std::isinf(x.low) || std::isinf(x.high);
}
static bool mayBeZero(const Interval &x) { return x.low <= 0 && x.high >= 0; }
static bool isNonNegative(const Interval &x) { return x.low >= 0; }
static bool isNonPositive(const Interval &x) { return x.high <= 0; }

Interval vernier::operator-(const Interval &x) {
  return {-x.high, -x.low, x.smallest, x.grid, x.mayBeNaN};
}

Interval vernier::operator+(const Interval &x, const Interval &y) {
  // A sum of zero and something is exact.
  if (x.isZero())
    return y;
  if (y.isZero())
    return x;
  Interval result;
  result.low = down(x.low + y.low);
  result.high = up(x.high + y.high);
  result.grid = std::min(x.grid, y.grid);
  bool haveOneSign = (isNonNegative(x) && isNonNegative(y)) ||
                     (isNonPositive(x) && isNonPositive(y));
  result.smallest = haveOneSign ? std::min(x.smallest, y.smallest) : 0;
  result.mayBeNaN = x.mayBeNaN || y.mayBeNaN ||
                    (x.high == kInfinity && y.low == -kInfinity) ||
                    (x.low == -kInfinity && y.high == kInfinity);
  return normalized(result);
}

Interval vernier::operator-(const Interval &x, const Interval &y) {
  return x + -y;
}

Interval vernier::operator*(const Interval &x, const Interval &y) {
  Interval result;
  double products[] = {times(x.low, y.low), times(x.low, y.high),
                       times(x.high, y.low), times(x.high, y.high)};
  result.low = down(*std::min_element(products, products + 4));
  result.high = up(*std::max_element(products, products + 4));
  result.grid = x.grid * y.grid;
  result.smallest = down(times(x.smallest, y.smallest));
  result.mayBeNaN = x.mayBeNaN || y.mayBeNaN ||
                    (mayBeZero(x) && mayBeInfinite(y)) ||
                    (mayBeZero(y) && mayBeInfinite(x));
  return normalized(result);
}

Interval vernier::operator/(const Interval &x, const Interval &y) {
  bool isNaN = x.mayBeNaN || y.mayBeNaN || (mayBeZero(x) && mayBeZero(y)) ||
               (mayBeInfinite(x) && mayBeInfinite(y));
  Interval result;
  // Next to zero a quotient is large, and -0 may be an element wherever 0 is:
  // either sign.
  result.mayBeNaN = isNaN;
  if (!mayBeZero(y)) {
    double quotients[] = {x.low / y.low, x.low / y.high, x.high / y.low,
                          x.high / y.high};
    bool isUndefined = std::any_of(quotients, quotients + 4,
                                   [](double q) { return std::isnan(q); });
    result.low = isUndefined
                     ? -kInfinity
                     : down(*std::min_element(quotients, quotients + 4));
    result.high = isUndefined ? kInfinity
                              : up(*std::max_element(quotients, quotients + 4));
  }
  double magnitude = y.getMagnitude();
  result.smallest = std::isfinite(magnitude) && std::isfinite(x.smallest)
                        ? down(x.smallest / magnitude)
                        : 0;
  // Division by a power of two is exact in doubles.
  if (y.low == y.high && std::isfinite(y.low) && y.low != 0 &&
      std::fabs(y.low) == getLowestBit(y.low))
    result.grid = x.grid / std::fabs(y.low);
  if (x.isZero() && !result.mayBeNaN)
    return Interval::exactly(0);
  return normalized(result);
}

Interval vernier::abs(const Interval &x) {
  Interval result = x;
  result.low = std::max({0.0, x.low, -x.high});
  result.high = x.getMagnitude();
  return normalized(result);
}

Interval vernier::square(const Interval &x) { return abs(x) * abs(x); }

Interval vernier::maximum(const Interval &x, const Interval &y) {
  return normalized({std::max(x.low, y.low), std::max(x.high, y.high),
                     std::min(x.smallest, y.smallest), std::min(x.grid, y.grid),
                     x.mayBeNaN || y.mayBeNaN});
}

Interval vernier::minimum(const Interval &x, const Interval &y) {
  return -maximum(-x, -y);
}

Interval vernier::remainder(const Interval &x, const Interval &y) {
  double bound = std::min(x.getMagnitude(), y.getMagnitude());
  Interval result = Interval::between(isNonNegative(x) ? 0 : -bound,
                                      isNonPositive(x) ? 0 : bound);
  result.grid = std::min(x.grid, y.grid);
  result.mayBeNaN =
      x.mayBeNaN || y.mayBeNaN || mayBeInfinite(x) || mayBeZero(y);
  return normalized(result);
}

Interval vernier::power(const Interval &x, const Interval &y) {
  // On positive numbers a power is exp(y log x), whose extremes over a box lie
  // at its corners.
  if (isNonNegative(x)) {
    double corners[] = {std::pow(x.low, y.low), std::pow(x.low, y.high),
                        std::pow(x.high, y.low), std::pow(x.high, y.high)};
    Interval result =
        Interval::between(down(*std::min_element(corners, corners + 4)),
                          up(*std::max_element(corners, corners + 4)));
    // x^0 is 1 even for x = 0 or infinite.
    if (mayBeZero(y))
      result = result.joined(Interval::between(1, 1));
    result.low = std::max(result.low, 0.0);
    result.mayBeNaN = x.mayBeNaN || y.mayBeNaN;
    return result.widened(kRelativeSlack);
  }
  // A negative base has a power for integers alone.
  if (y.low != y.high || y.low != std::nearbyint(y.low) || y.low < 0)
    return Interval::unknown();
  Interval magnitude = power(abs(x), y);
  bool isEven = std::fmod(y.low, 2) == 0;
  if (isEven)
    return magnitude;
  Interval result = magnitude.joined(-magnitude);
  if (isNonPositive(x))
    result = -magnitude;
  return result;
}

/// The part of `x` where a function is defined; NaN if some is not.
static Interval restricted(Interval x, double from, double to) {
  x.mayBeNaN |= x.low < from || x.high > to;
  x.low = std::clamp(x.low, from, to);
  x.high = std::clamp(x.high, from, to);
  return x;
}

static Interval ofBounds(const Interval &x, double low, double high) {
  return normalized({down(low), up(high), 0, 0, x.mayBeNaN})
      .widened(kRelativeSlack);
}

Interval vernier::increasing(const Interval &x, double (*function)(double),
                             double from, double to) {
  Interval part = restricted(x, from, to);
  return ofBounds(part, function(part.low), function(part.high));
}

Interval vernier::decreasing(const Interval &x, double (*function)(double),
                             double from, double to) {
  Interval part = restricted(x, from, to);
  return ofBounds(part, function(part.high), function(part.low));
}

Interval vernier::oscillating(const Interval &x, double low, double high) {
  Interval result = Interval::between(low, high).widened(kRelativeSlack);
  result.mayBeNaN = x.mayBeNaN || mayBeInfinite(x);
  return result;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

Interval vernier::sum(const Interval &x, int64_t count,
                      const FloatRange &accumulator) {
  if (count <= 1)
    return count == 1 ? x : Interval::exactly(0);
  // |computed - exact| <= ((1 + u)^(n - 1) - 1) * sum of |x|, whatever the
  // order (Higham 2002, section 4.2). Underflow does not add to it: sums of
  // subnormal numbers are exact.
  double n = double(count);
  double unit = std::ldexp(1.0, -accumulator.mantissaBits - 1);
  double error =
      up(std::expm1((n - 1) * std::log1p(unit))) * n * x.getMagnitude();
  Interval result = x;
  result.low = down(n * x.low) - error;
  result.high = up(n * x.high) + error;
  // Elements of one sign: rounding is monotone and keeps the sign.
  if (isNonNegative(x))
    result.low = std::max(result.low, x.low);
  if (isNonPositive(x))
    result.high = std::min(result.high, x.high);
  if (!isNonNegative(x) && !isNonPositive(x))
    result.smallest = x.grid;
  // A partial sum beyond the accumulator is infinite, and then anything.
  double limit = std::max(std::fabs(result.low), std::fabs(result.high));
  if (!(limit <= accumulator.getMaximum())) {
    bool hasSign = isNonNegative(x) || isNonPositive(x);
    result.low = isNonNegative(x) ? result.low : -kInfinity;
    result.high = isNonPositive(x) ? result.high : kInfinity;
    result.mayBeNaN |= !hasSign;
  }
  return normalized(result);
}
