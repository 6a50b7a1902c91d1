//===- IntervalTest.cpp - Interval arithmetic never loses a value
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Interfaces/Interval.h"

#include "gtest/gtest.h"

#include <cmath>
#include <random>
#include <vector>

using namespace vernier;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

namespace {

/// Random intervals of all kinds, and random members of them.
class Source {
public:
  double drawNumber() {
    switch (random() % 8) {
    case 0:
      return 0;
    case 1:
      return double(int(random() % 9)) - 4;
    case 2:
      return std::ldexp(double(int(random() % 65) - 32), -24);
    case 3:
      return std::ldexp(1 + uniform(random), int(random() % 40) - 20);
    case 4:
      return -std::ldexp(1 + uniform(random), int(random() % 40) - 20);
    default:
      return 4 * uniform(random) - 2;
    }
  }

  /// The interval of some numbers, as the analysis builds it by joining.
  Interval draw(std::vector<double> &members) {
    members.clear();
    for (unsigned i = 0, n = 1 + random() % 4; i < n; ++i)
      members.push_back(drawNumber());
    Interval x = Interval::exactly(members.front());
    for (double member : members)
      x = x.joined(Interval::exactly(member));
    return x;
  }

  std::mt19937 random{7};
  std::uniform_real_distribution<double> uniform{0, 1};
};

} // namespace

TEST(Format, RoundsToNearestEven) {
  EXPECT_EQ(kRangeF16.getMaximum(), 65504);
  EXPECT_EQ(kRangeF16.getSmallestNormal(), 0x1p-14);
  EXPECT_EQ(kRangeF16.getSmallest(), 0x1p-24);
  EXPECT_EQ(kRangeF16.round(65519.9), 65504);
  EXPECT_EQ(kRangeF16.round(65520), kInfinity);
  EXPECT_EQ(kRangeF16.round(0x1p-25), 0);
  EXPECT_EQ(kRangeF16.round(0x1.8p-24), 0x1p-23);
  EXPECT_EQ(kRangeBf16.round(1 + 0x1p-8), 1);
  EXPECT_EQ(kRangeF32.round(0.1), double(0.1f));
}

// Every result of an operation on members is a member of the result.
TEST(Interval, ContainsEveryElementwiseResult) {
  Source source;
  std::vector<double> xs, ys;
  for (unsigned i = 0; i < 20000; ++i) {
    Interval x = source.draw(xs), y = source.draw(ys);
    for (double a : xs) {
      ASSERT_TRUE(x.contains(a));
      EXPECT_TRUE((-x).contains(-a));
      EXPECT_TRUE(abs(x).contains(std::fabs(a)));
      EXPECT_TRUE(square(x).contains(a * a));
      EXPECT_TRUE(increasing(x, std::tanh).contains(std::tanh(a)));
      EXPECT_TRUE(increasing(x, std::sqrt, 0).contains(std::sqrt(a)));
      EXPECT_TRUE(increasing(x, std::log, 0).contains(std::log(a)));
      for (double b : ys) {
        EXPECT_TRUE((x + y).contains(a + b)) << a << " + " << b;
        EXPECT_TRUE((x - y).contains(a - b)) << a << " - " << b;
        EXPECT_TRUE((x * y).contains(a * b)) << a << " * " << b;
        EXPECT_TRUE((x / y).contains(a / b)) << a << " / " << b;
        EXPECT_TRUE(maximum(x, y).contains(std::fmax(a, b)));
        EXPECT_TRUE(minimum(x, y).contains(std::fmin(a, b)));
        EXPECT_TRUE(remainder(x, y).contains(std::fmod(a, b)));
        EXPECT_TRUE(power(x, y).contains(std::pow(a, b)))
            << a << " to the " << b;
        EXPECT_TRUE(x.joined(y).contains(b));
      }
    }
  }
}

TEST(Interval, ContainsEveryRoundedValue) {
  Source source;
  std::vector<double> xs;
  for (unsigned i = 0; i < 20000; ++i) {
    Interval x = source.draw(xs);
    for (const FloatRange &format : {kRangeF16, kRangeBf16, kRangeF32})
      for (double a : xs)
        EXPECT_TRUE(x.rounded(format).contains(format.round(a))) << a;
  }
}

// Sums in f32 and in f16, in any order of the terms.
TEST(Interval, ContainsEverySum) {
  Source source;
  std::vector<double> xs;
  for (const FloatRange &format : {kRangeF32, kRangeF16})
    for (unsigned i = 0; i < 2000; ++i) {
      Interval x = source.draw(xs).rounded(format);
      for (double &a : xs)
        a = format.round(a);
      double total = 0;
      unsigned count = 1 + source.random() % 50;
      for (unsigned n = 0; n < count; ++n)
        total = format.round(total + xs[source.random() % xs.size()]);
      EXPECT_TRUE(sum(x, count, format).contains(total))
          << total << " in " << toString(sum(x, count, format));
    }
}

// What is known of small values: sums keep the grid, products the smallest
// magnitude, rounding to f16 makes a grid of its own.
TEST(Interval, KnowsWhereNothingUnderflows) {
  Interval integers = Interval::integers(-8, 8);
  EXPECT_TRUE((integers + integers).isSafeFromUnderflow(kRangeF16));
  EXPECT_TRUE(sum(integers, 100).isSafeFromUnderflow(kRangeF16));
  EXPECT_TRUE(
      (integers * Interval::exactly(0x1p-24)).isSafeFromUnderflow(kRangeF16));
  EXPECT_FALSE(
      (integers * Interval::exactly(0x1p-25)).isSafeFromUnderflow(kRangeF16));
  Interval any = Interval::between(-1, 1);
  EXPECT_FALSE(any.isSafeFromUnderflow(kRangeF16));
  EXPECT_TRUE(any.rounded(kRangeF16).isSafeFromUnderflow(kRangeF16));
  EXPECT_FALSE((any.rounded(kRangeF16) * Interval::exactly(0.5))
                   .isSafeFromUnderflow(kRangeF16));
  EXPECT_TRUE(Interval::between(0.25, 1).isSafeFromUnderflow(kRangeF16));
  EXPECT_TRUE(Interval::exactly(0).isSafeFromUnderflow(kRangeF16));
}

TEST(Interval, SaysWhenItKnowsNothing) {
  Interval any = Interval::between(-1, 1);
  EXPECT_FALSE((any / any).isBounded());
  EXPECT_TRUE((any / any).mayBeNaN);
  EXPECT_FALSE(power(any, Interval::exactly(0.5)).isBounded());
  EXPECT_TRUE((Interval::between(0, kInfinity) * any).mayBeNaN);
  EXPECT_FALSE(sum(Interval::between(-3e38, 3e38), 2).isBounded());
  EXPECT_TRUE(Interval::between(0, 65519).fitsIn(kRangeF16));
  EXPECT_FALSE(Interval::between(0, 65520).fitsIn(kRangeF16));
  EXPECT_EQ(toString(Interval::unknown()), "unbounded");
}
