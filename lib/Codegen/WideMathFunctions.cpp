//===- WideMathFunctions.cpp - Elementary functions computed in f64
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AngleReduction.h"
#include "MathFunctions.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vernier;
using P = arith::CmpFPredicate;

// Taylor and atanh series are enough here: 13 correct digits round to f32 as
// the exact value does, but for about one value in a million.

static constexpr double kPi = 3.141592653589793;
/// 1.5 * 2^52, the f64 that integers are rounded with; its bits.
static constexpr double kRounder = 6755399441055744.0;
static constexpr int64_t kRounderBits = 0x4338000000000000;

static Value widen(LaneBuilder &b, Value x) {
  return b.make<arith::ExtFOp>(withElement(x.getType(), b.builder.getF64Type()),
                               x);
}

static Value narrow(LaneBuilder &b, Value x) {
  return b.make<arith::TruncFOp>(withElement(x.getType(), b.f32()), x);
}

/// log x for a positive, finite x that is the wide form of an f32 or near.
static Value wideLog(LaneBuilder &b, Value x) {
  constexpr int64_t kRootHalf = 0x3fe6a09e667f3bcd;
  Value bits = b.toBits(x);
  Value above =
      b.andInt(b.addInt(bits, -kRootHalf), int64_t(0xfff0000000000000));
  Value m = b.fromBits(b.subInt(bits, above));
  Value e = b.shiftRightSigned(above, 52);
  e = b.sub(b.fromBits(b.addInt(e, kRounderBits)), kRounder);
  // log m = 2 atanh((m - 1) / (m + 1)), |s| < 0.172.
  Value s = b.div(b.sub(m, 1.0), b.add(m, 1.0));
  Value series = buildPolynomial(b, b.mul(s, s),
                                 {2.0, 2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9,
                                  2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17});
  return b.fma(e, 0.6931471805599453, b.mul(s, series));
}

/// e^x for |x| < 700.
static Value wideExp(LaneBuilder &b, Value x) {
  Value shifted =
      b.fma(x, 1.4426950408889634, b.constant(x.getType(), kRounder));
  Value n = b.sub(shifted, kRounder);
  Value r = b.fma(n, -0.6931471805599453, x);
  r = b.fma(n, -2.3190468138462996e-17, r);
  Value power =
      buildPolynomial(b, r,
                      {1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120,
                       1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880,
                       1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600});
  Value integer = b.addInt(b.toBits(shifted), -kRounderBits + 1023);
  return b.mul(power, b.fromBits(b.shiftLeft(integer, 52)));
}

/// e^x, rounding to f32 zero and infinity beyond the range of f32.
static Value wideExpClamped(LaneBuilder &b, Value x) {
  return wideExp(b, buildClamp(b, x, -110.0, 100.0));
}

/// log |x|: -infinity for 0, infinity for infinity, NaN for NaN.
static Value wideLogOfMagnitude(LaneBuilder &b, Value magnitude) {
  Type type = magnitude.getType();
  Value log = wideLog(b, magnitude);
  log = b.select(b.cmp(P::OLT, magnitude, INFINITY), log, magnitude);
  return b.select(b.cmp(P::OEQ, magnitude, 0.0), b.constant(type, -INFINITY),
                  log);
}

/// log x as C has it.
static Value wideLogChecked(LaneBuilder &b, Value x) {
  Value log = wideLogOfMagnitude(b, b.abs(x));
  return b.select(b.cmp(P::OLT, x, 0.0), b.constant(x.getType(), NAN), log);
}

/// x^y for wide x and y, both of which are f32 or integers.
static Value widePow(LaneBuilder &b, Value x, Value y) {
  Type type = x.getType();
  Value one = b.constant(type, 1.0), magnitude = b.abs(x);
  Value log = wideLogOfMagnitude(b, magnitude);
  Value power = wideExpClamped(b, b.mul(y, log));
  power = b.select(b.cmp(P::OEQ, magnitude, 1.0), one, power);
  // The sign, and no power at all, of a negative base.
  Value half = b.mul(y, 0.5);
  Value isInteger = b.cmp(P::OEQ, b.make<math::FloorOp>(y), y);
  Value halfIsInteger = b.cmp(P::OEQ, b.make<math::FloorOp>(half), half);
  Value isEven = b.make<arith::OrIOp>(
      halfIsInteger, b.cmpInt(arith::CmpIPredicate::eq, isInteger,
                              b.constantInt(isInteger.getType(), 0)));
  Value sign = b.select(isEven, one, b.copySign(one, x));
  power = b.mul(power, sign);
  Value isNegative =
      b.make<arith::AndIOp>(b.cmp(P::OLT, x, 0.0), b.cmp(P::OGT, x, -INFINITY));
  Value nan = b.constant(type, NAN);
  power = b.select(isNegative, b.select(isInteger, power, nan), power);
  Value isNan = b.make<arith::OrIOp>(b.isNan(x), b.isNan(y));
  power = b.select(isNan, nan, power);
  power = b.select(b.cmp(P::OEQ, y, 0.0), one, power);
  return b.select(b.cmp(P::OEQ, x, 1.0), one, power);
}

namespace {

struct SinCos {
  Value sin, cos;
};

} // namespace

static SinCos wideSinCos(LaneBuilder &b, Value x) {
  auto [quadrant, r] = reduceAngle(b, x);
  Value square = b.mul(r, r);
  Value sin =
      buildPolynomial(b, square,
                      {1.0, -1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880,
                       -1.0 / 39916800, 1.0 / 6227020800.0});
  sin = b.mul(sin, r);
  Value cos =
      buildPolynomial(b, square,
                      {1.0, -1.0 / 2, 1.0 / 24, -1.0 / 720, 1.0 / 40320,
                       -1.0 / 3628800, 1.0 / 479001600, -1.0 / 87178291200.0});
  // Each quadrant turns (cos, sin) by a right angle.
  auto hasBit = [&](Value value, int64_t bit) {
    return b.cmpInt(arith::CmpIPredicate::ne, b.andInt(value, bit),
                    b.constantInt(value.getType(), 0));
  };
  Value isOdd = hasBit(quadrant, 1);
  Value newSin = b.select(isOdd, cos, sin), newCos = b.select(isOdd, sin, cos);
  newSin = b.select(hasBit(quadrant, 2), b.mul(newSin, -1.0), newSin);
  Value flipsCos = hasBit(b.addInt(quadrant, 1), 2);
  newCos = b.select(flipsCos, b.mul(newCos, -1.0), newCos);
  return {newSin, newCos};
}

static Value wideAtan(LaneBuilder &b, Value x) {
  // Half the angle three times: |t| < 0.199 and a short series.
  Value t = x;
  Value magnitude = b.abs(x), isLarge = b.cmp(P::OGT, magnitude, 1.0);
  Value one = b.constant(x.getType(), 1.0);
  t = b.select(isLarge, b.div(one, magnitude), magnitude);
  for (int i = 0; i < 2; ++i) {
    Value root = b.make<math::SqrtOp>(b.fma(t, t, 1.0));
    t = b.div(t, b.add(root, 1.0));
  }
  Value series = buildPolynomial(b, b.mul(t, t),
                                 {4.0, -4.0 / 3, 4.0 / 5, -4.0 / 7, 4.0 / 9,
                                  -4.0 / 11, 4.0 / 13, -4.0 / 15});
  Value angle = b.mul(t, series);
  Value rest = b.sub(b.constant(x.getType(), kPi / 2), angle);
  return b.copySign(b.select(isLarge, rest, angle), x);
}

static Value wideAtan2(LaneBuilder &b, Value y, Value x) {
  Type type = x.getType();
  Value one = b.constant(type, 1.0), zero = b.constant(type, 0.0);
  // Where both are 0 or both infinite, C takes the angle of (+-0 or +-1, +-1).
  Value bothInfinite = b.make<arith::AndIOp>(b.cmp(P::OEQ, b.abs(x), INFINITY),
                                             b.cmp(P::OEQ, b.abs(y), INFINITY));
  Value bothZero =
      b.make<arith::AndIOp>(b.cmp(P::OEQ, x, 0.0), b.cmp(P::OEQ, y, 0.0));
  Value slope = b.div(b.abs(y), b.abs(x));
  slope = b.select(bothInfinite, one, slope);
  slope = b.select(bothZero, zero, slope);
  Value angle = wideAtan(b, slope);
  Value isLeft = b.cmp(P::OLT, b.copySign(one, x), 0.0);
  angle = b.select(isLeft, b.sub(b.constant(type, kPi), angle), angle);
  return b.copySign(angle, y);
}

/// `value` but for small x, where it has lost digits and x (1 + c x^2) is
/// exact.
static Value unlessSmall(LaneBuilder &b, Value x, double c, Value value) {
  Value square = b.mul(x, x);
  Value small = b.mul(x, b.fma(square, c, b.constant(x.getType(), 1.0)));
  return b.select(b.cmp(P::OLT, b.abs(x), 1e-4), small, value);
}

static Value wideAsin(LaneBuilder &b, Value x) {
  Value rest = b.fma(b.mul(x, -1.0), x, 1.0);
  return wideAtan(b, b.div(x, b.make<math::SqrtOp>(rest)));
}

static Value wideAsinh(LaneBuilder &b, Value x) {
  Value t = b.abs(x);
  Value root = b.make<math::SqrtOp>(b.fma(t, t, 1.0));
  Value log = wideLogOfMagnitude(b, b.add(t, root));
  return unlessSmall(b, x, -1.0 / 6, b.copySign(log, x));
}

static Value wideSinh(LaneBuilder &b, Value x, double sign) {
  Value sum =
      b.fma(wideExpClamped(b, b.mul(x, -1.0)), sign, wideExpClamped(b, x));
  Value half = b.mul(sum, 0.5);
  return sign < 0 ? unlessSmall(b, x, 1.0 / 6, half) : half;
}

Value vernier::buildWideMathFunction(LaneBuilder &b, Operation *op,
                                     ValueRange operands) {
  Type f64 = b.builder.getF64Type();
  Value x = operands[0], y;
  auto build = [&](auto function) {
    x = widen(b, x);
    if (operands.size() > 1)
      y = getElementTypeOrSelf(operands[1]).isF32()
              ? widen(b, operands[1])
              : b.make<arith::SIToFPOp>(withElement(operands[1].getType(), f64),
                                        operands[1]);
    return narrow(b, function());
  };
  return TypeSwitch<Operation *, Value>(op)
      .Case<math::PowFOp, math::FPowIOp>(
          [&](auto) { return build([&] { return widePow(b, x, y); }); })
      .Case<math::SinOp>(
          [&](auto) { return build([&] { return wideSinCos(b, x).sin; }); })
      .Case<math::CosOp>(
          [&](auto) { return build([&] { return wideSinCos(b, x).cos; }); })
      .Case<math::TanOp>([&](auto) {
        return build([&] {
          SinCos both = wideSinCos(b, x);
          return b.div(both.sin, both.cos);
        });
      })
      .Case<math::Log2Op>([&](auto) {
        return build(
            [&] { return b.mul(wideLogChecked(b, x), 1.4426950408889634); });
      })
      .Case<math::Log10Op>([&](auto) {
        return build(
            [&] { return b.mul(wideLogChecked(b, x), 0.4342944819032518); });
      })
      .Case<math::AtanOp>(
          [&](auto) { return build([&] { return wideAtan(b, x); }); })
      .Case<math::Atan2Op>(
          [&](auto) { return build([&] { return wideAtan2(b, x, y); }); })
      .Case<math::AsinOp>(
          [&](auto) { return build([&] { return wideAsin(b, x); }); })
      .Case<math::AcosOp>([&](auto) {
        return build([&] {
          return b.sub(b.constant(x.getType(), kPi / 2), wideAsin(b, x));
        });
      })
      .Case<math::SinhOp>(
          [&](auto) { return build([&] { return wideSinh(b, x, -1.0); }); })
      .Case<math::CoshOp>(
          [&](auto) { return build([&] { return wideSinh(b, x, 1.0); }); })
      .Case<math::AsinhOp>(
          [&](auto) { return build([&] { return wideAsinh(b, x); }); })
      .Case<math::AcoshOp>([&](auto) {
        return build([&] {
          Value root = b.make<math::SqrtOp>(b.fma(x, x, -1.0));
          Value log = wideLogChecked(b, b.add(x, root));
          Value nan = b.constant(x.getType(), NAN);
          return b.select(b.cmp(P::OGE, x, 1.0), log, nan);
        });
      })
      .Case<math::AtanhOp>([&](auto) {
        return build([&] {
          Value one = b.constant(x.getType(), 1.0);
          Value ratio = b.div(b.add(one, x), b.sub(one, x));
          return unlessSmall(b, x, 1.0 / 3,
                             b.mul(wideLogChecked(b, ratio), 0.5));
        });
      })
      .Case<math::CbrtOp>([&](auto) {
        return build([&] {
          Value log = wideLogOfMagnitude(b, b.abs(x));
          return b.copySign(wideExpClamped(b, b.mul(log, 1.0 / 3)), x);
        });
      })
      .Default([](Operation *) { return Value(); });
}
