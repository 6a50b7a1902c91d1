//===- Interval.h - What is known of the elements of a tensor
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Interval arithmetic on doubles, rounded outwards, with two facts more about
// small values: how small an element can be that is not zero, and of which
// power of two all elements are multiples. Sums keep the second, products the
// first; between them they show where nothing can underflow.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_INTERVAL_H
#define VERNIER_INTERFACES_INTERVAL_H

#include <cstdint>
#include <limits>
#include <string>

namespace vernier {

/// A binary floating-point format with subnormals, infinities and NaN.
struct FloatRange {
  /// Bits after the leading one.
  int mantissaBits;
  /// The exponents of the smallest and of the largest normal number.
  int minExponent, maxExponent;

  /// The largest finite number.
  double getMaximum() const;
  /// The smallest positive number that keeps all its bits.
  double getSmallestNormal() const;
  /// The smallest positive number.
  double getSmallest() const;
  /// The number nearest to `value`, ties to even; infinite where that exceeds
  /// the largest finite number.
  double round(double value) const;
};

inline constexpr FloatRange kRangeF64 = {52, -1022, 1023};
inline constexpr FloatRange kRangeF32 = {23, -126, 127};
inline constexpr FloatRange kRangeBf16 = {7, -126, 127};
inline constexpr FloatRange kRangeF16 = {10, -14, 15};

/// Bounds on every element of one tensor, in the extended real numbers.
struct Interval {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  /// Every element is zero or at least this in magnitude; infinite if every
  /// element is zero, 0 if nothing is known.
  double smallest = 0;
  /// Every element is a multiple of this power of two; infinite if every
  /// element is zero, 0 if nothing is known.
  double grid = 0;
  bool mayBeNaN = true;

  /// Nothing is known.
  static Interval unknown() { return {}; }
  /// Numbers between two bounds.
  static Interval between(double low, double high);
  /// One number.
  static Interval exactly(double value);
  /// Integers between two bounds.
  static Interval integers(double low, double high);

  /// The largest magnitude of an element.
  double getMagnitude() const;
  bool isBounded() const;
  bool isZero() const { return low == 0 && high == 0 && !mayBeNaN; }
  bool contains(double value) const;
  /// Whether every element, rounded to `format`, is finite.
  bool fitsIn(const FloatRange &format) const;
  /// Whether rounding to `format` loses nothing to its smallest exponent: each
  /// element is normal in it, or zero, or a multiple of its smallest number.
  bool isSafeFromUnderflow(const FloatRange &format) const;

  /// What the elements become by rounding to `format`.
  Interval rounded(const FloatRange &format) const;
  /// The bounds moved outwards by `relative` of themselves and by `absolute`;
  /// zero stays a bound unless `absolute` moves it.
  Interval widened(double relative, double absolute = 0) const;
  /// Also these elements.
  Interval joined(const Interval &other) const;
};

/// `[-1, 6.5e+04]`, or `unbounded`.
std::string toString(const Interval &x);

//===----------------------------------------------------------------------===//
// Elementwise arithmetic, on independent operands
//===----------------------------------------------------------------------===//

Interval operator-(const Interval &x);
Interval operator+(const Interval &x, const Interval &y);
Interval operator-(const Interval &x, const Interval &y);
Interval operator*(const Interval &x, const Interval &y);
Interval operator/(const Interval &x, const Interval &y);
Interval square(const Interval &x);
Interval abs(const Interval &x);
/// NaN if either is.
Interval maximum(const Interval &x, const Interval &y);
Interval minimum(const Interval &x, const Interval &y);
/// The remainder of a truncated division.
Interval remainder(const Interval &x, const Interval &y);
Interval power(const Interval &x, const Interval &y);

/// A function that never falls, on the part of `x` between `from` and `to`,
/// where alone it is defined: elements beyond become NaN.
Interval increasing(const Interval &x, double (*function)(double),
                    double from = -std::numeric_limits<double>::infinity(),
                    double to = std::numeric_limits<double>::infinity());
/// Likewise, of a function that never rises.
Interval decreasing(const Interval &x, double (*function)(double),
                    double from = -std::numeric_limits<double>::infinity(),
                    double to = std::numeric_limits<double>::infinity());
/// A function whose values lie between `low` and `high` and that is NaN at NaN
/// and at the infinities.
Interval oscillating(const Interval &x, double low, double high);

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// A sum of `count` elements of `x`, in any order, each partial sum rounded to
/// `accumulator`.
Interval sum(const Interval &x, int64_t count,
             const FloatRange &accumulator = kRangeF32);

/// What f32 arithmetic inside one op may add to a bound, with room for the
/// device's approximations.
inline constexpr double kRelativeSlack = 0x1p-18;

} // namespace vernier

#endif // VERNIER_INTERFACES_INTERVAL_H
