//===- MathFunctions.cpp - Elementary functions as polynomials on lanes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MathFunctions.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vernier;
using P = arith::CmpFPredicate;

Value vernier::buildPolynomial(LaneBuilder &b, Value x,
                               ArrayRef<double> coefficients) {
  Value sum = b.constant(x.getType(), coefficients.back());
  for (double coefficient : llvm::reverse(coefficients.drop_back()))
    sum = b.fma(sum, x, coefficient);
  return sum;
}

Value vernier::buildClamp(LaneBuilder &b, Value x, double low, double high) {
  Value lowest = b.constant(x.getType(), low),
        highest = b.constant(x.getType(), high);
  x = b.select(b.cmp(P::OGT, x, highest), highest, x);
  return b.select(b.cmp(P::OLT, x, lowest), lowest, x);
}

namespace {

/// x = n ln 2 + r with |r| <= ln 2 / 2; n as a float and as an integer.
struct Reduced {
  Value n, integer, r;
};

} // namespace

/// 1.5 * 2^23: a float that is added to it loses its fraction, and its integer
/// part stands in the low bits.
static constexpr double kRounder = 12582912.0;
static constexpr double kLog2E = 1.4426950408889634;
/// ln 2 as a sum; the first part has so few bits that n times it is exact.
static constexpr double kLn2High = 0.693145751953125,
                        kLn2Low = 1.4286067653302e-6;

/// Round x * scale to an integer.
static Reduced roundToInteger(LaneBuilder &b, Value x, double scale) {
  Value shifted = b.fma(x, scale, b.constant(x.getType(), kRounder));
  Value bits = b.toBits(shifted);
  Value integer = b.addInt(bits, -0x4b400000);
  return {b.sub(shifted, kRounder), integer, {}};
}

static Reduced reduceByLn2(LaneBuilder &b, Value x) {
  Reduced reduced = roundToInteger(b, x, kLog2E);
  Value rest = b.fma(reduced.n, -kLn2High, x);
  reduced.r = b.fma(reduced.n, -kLn2Low, rest);
  return reduced;
}

/// 2^n for an integer n that gives a normal float.
static Value powerOfTwo(LaneBuilder &b, Value n) {
  return b.fromBits(b.shiftLeft(b.addInt(n, 127), 23));
}

/// e^r, minimax on |r| <= ln 2 / 2.
static Value expOfRest(LaneBuilder &b, Value r) {
  return buildPolynomial(b, r,
                         {1.0, 1.0, 4.99999851e-1, 1.66664720e-1, 4.16695364e-2,
                          8.37312452e-3, 1.37805939e-3});
}

/// e^r 2^n: the scale in two steps, so that it reaches infinity and denormals.
static Value scaledExp(LaneBuilder &b, Value r, Value n) {
  Value power = expOfRest(b, r);
  Value half = b.shiftRightSigned(n, 1);
  power = b.mul(power, powerOfTwo(b, half));
  return b.mul(power, powerOfTwo(b, b.subInt(n, half)));
}

static Value buildExp(LaneBuilder &b, Value x) {
  // e^89 is beyond the floats, e^-104 below half the smallest.
  Reduced reduced = reduceByLn2(b, buildClamp(b, x, -104.0, 89.0));
  return scaledExp(b, reduced.r, reduced.integer);
}

static Value buildExp2(LaneBuilder &b, Value x) {
  Value clamped = buildClamp(b, x, -151.0, 129.0);
  Reduced reduced = roundToInteger(b, clamped, 1.0);
  Value fraction = b.sub(clamped, reduced.n);
  return scaledExp(b, b.mul(fraction, 0.6931471805599453), reduced.integer);
}

/// e^x - 1 for -20 <= x <= 89. With t = 2^(n-1) it is 2 (t (e^r - 1) + (t -
/// 1/2)), in which nothing cancels and nothing overflows too early.
static Value expM1InRange(LaneBuilder &b, Value x) {
  Reduced reduced = reduceByLn2(b, x);
  Value r = reduced.r;
  Value tail = buildPolynomial(b, r,
                               {4.99999970e-1, 1.66666716e-1, 4.16668020e-2,
                                8.33343994e-3, 1.39309070e-3, 1.97350979e-4});
  Value power = b.fma(b.mul(r, r), tail, r);
  Value t = powerOfTwo(b, b.addInt(reduced.integer, -1));
  Value half = b.fma(power, t, b.sub(t, 0.5));
  return b.add(half, half);
}

static Value buildExpM1(LaneBuilder &b, Value x) {
  Value result = expM1InRange(b, buildClamp(b, x, -20.0, 89.0));
  // -0, denormals.
  return b.select(b.cmp(P::OLT, b.abs(x), 5.9604645e-8), x, result);
}

/// log x = e ln 2 + log m with m in [2/3, 4/3).
static Value buildLog(LaneBuilder &b, Value x) {
  Type type = x.getType();
  Value isDenormal = b.cmp(P::OLT, x, 1.1754943508222875e-38);
  Value normal = b.select(isDenormal, b.mul(x, 8388608.0), x);
  Value bits = b.toBits(normal);
  constexpr int64_t kTwoThirds = 0x3f2aaaab;
  Value exponent = b.andInt(b.addInt(bits, -kTwoThirds), 0xff800000);
  Value m = b.fromBits(b.subInt(bits, exponent));
  Value e = b.make<arith::SIToFPOp>(type, b.shiftRightSigned(exponent, 23));
  e = b.add(
      e, b.select(isDenormal, b.constant(type, -23.0), b.constant(type, 0.0)));
  Value f = b.sub(m, 1.0), s = b.mul(f, f);
  Value even = buildPolynomial(
      b, s, {-0.249996200, -0.166846126, -0.121483512, -0.130310059});
  Value odd = buildPolynomial(b, s, {0.200120345, 0.139814854, 0.140869141});
  Value sum = b.fma(odd, f, even);
  sum = b.fma(sum, f, 0.333331972);
  sum = b.fma(sum, f, -0.5);
  sum = b.fma(sum, s, f);
  Value result = b.fma(e, 0.6931471805599453, sum);
  // Infinity and NaN are their own logarithms; 0 and below come last.
  Value isFinite = b.cmp(P::OLT, x, INFINITY);
  result = b.select(isFinite, result, x);
  result = b.select(b.cmp(P::OLT, x, 0.0), b.constant(type, NAN), result);
  return b.select(b.cmp(P::OEQ, x, 0.0), b.constant(type, -INFINITY), result);
}

/// log(1 + x) is the log of u = 1 + x as rounded, corrected by what the
/// rounding lost, divided by u.
static Value buildLog1p(LaneBuilder &b, Value x) {
  Value u = b.add(x, 1.0);
  Value lost = b.sub(x, b.sub(u, 1.0));
  Value log = buildLog(b, u);
  Value corrected = b.add(log, b.div(lost, u));
  // x = -1, infinity.
  Value isEdge =
      b.make<arith::OrIOp>(b.cmp(P::OEQ, u, 0.0), b.cmp(P::OEQ, u, INFINITY));
  Value result = b.select(isEdge, log, corrected);
  return b.select(b.cmp(P::OEQ, u, 1.0), x, result);
}

/// min(x, high), where a NaN stays one.
static Value atMost(LaneBuilder &b, Value x, double high) {
  Value highest = b.constant(x.getType(), high);
  return b.select(b.cmp(P::OGT, x, highest), highest, x);
}

/// tanh |x| = d / (d + 2) with d = e^(2|x|) - 1; from 9.02 on it rounds to 1,
/// and where the polynomial would lose denormals it is x.
static Value buildTanh(LaneBuilder &b, Value x) {
  Value magnitude = b.abs(x), clamped = atMost(b, magnitude, 9.02);
  Value d = expM1InRange(b, b.add(clamped, clamped));
  Value quotient = b.div(d, b.add(d, 2.0));
  Value isSmall = b.cmp(P::OLT, magnitude, 5.9604645e-8);
  return b.copySign(b.select(isSmall, magnitude, quotient), x);
}

/// x p(x^2) near zero, 1 - e^q(|x|) beyond; minimax polynomials.
static Value buildErf(LaneBuilder &b, Value x) {
  Value t = b.abs(x), s = b.mul(x, x);
  Value near = buildPolynomial(b, s,
                               {1.28379166e-1, -3.76125336e-1, 1.12819925e-1,
                                -2.67681349e-2, 4.99119423e-3, -5.96761703e-4});
  near = b.fma(near, x, x);
  // From 4 on erf rounds to 1.
  Value u = atMost(b, t, 4.0);
  Value q = buildPolynomial(b, u,
                            {-1.28717512e-1, -6.34846687e-1, -1.06777877e-1,
                             2.42546219e-2, -3.88396438e-3, 3.83197126e-4,
                             -1.72853470e-5});
  q = b.fma(q, u, b.mul(u, -1.0));
  // -19 < q <= 0: the power is a normal number.
  Reduced reduced = reduceByLn2(b, q);
  Value power = b.mul(expOfRest(b, reduced.r), powerOfTwo(b, reduced.integer));
  Value far = b.copySign(b.sub(b.constant(x.getType(), 1.0), power), x);
  return b.select(b.cmp(P::OGT, t, 0.927734375), far, near);
}

/// erfc |x| = t Q(t) e^(-x^2) with t = 1 / (1 + |x| / 2): Q is the minimax
/// polynomial of erfcx(z) / t on 0 <= z <= 10.1, to 4e-9; beyond, f32 has only
/// 0. Nothing cancels in the tail, where 1 - erf would.
static Value buildErfc(LaneBuilder &b, Value x) {
  Value z = atMost(b, b.abs(x), 10.1), one = b.constant(x.getType(), 1.0);
  Value t = b.div(one, b.fma(z, 0.5, one));
  Value q =
      buildPolynomial(b, b.sub(t, 0.5),
                      {0.510791354, 0.687160697, 0.558943542, 0.145767136,
                       -0.172045777, -0.103614087, 0.0980033735, 0.0532522765,
                       -0.0758480518, -0.0120174067, 0.0355750761});
  // The square as rounded, and what the rounding lost: a hundred times as much
  // in the power.
  Value negative = b.mul(z, -1.0), square = b.mul(z, negative);
  Value lost = b.fma(z, negative, b.mul(square, -1.0));
  Reduced reduced = reduceByLn2(b, square);
  Value power = scaledExp(b, reduced.r, reduced.integer);
  Value tail = b.mul(b.fma(power, lost, power), b.mul(t, q));
  Value whole = b.sub(b.constant(x.getType(), 2.0), tail);
  return b.select(b.cmp(P::OLT, x, 0.0), whole, tail);
}

Value vernier::buildMathFunction(LaneBuilder &b, Operation *op,
                                 ValueRange operands) {
  if (!getElementTypeOrSelf(operands[0]).isF32())
    return {};
  Value x = operands[0];
  Value value =
      TypeSwitch<Operation *, Value>(op)
          .Case<math::ExpOp>([&](auto) { return buildExp(b, x); })
          .Case<math::Exp2Op>([&](auto) { return buildExp2(b, x); })
          .Case<math::ExpM1Op>([&](auto) { return buildExpM1(b, x); })
          .Case<math::LogOp>([&](auto) { return buildLog(b, x); })
          .Case<math::Log1pOp>([&](auto) { return buildLog1p(b, x); })
          .Case<math::TanhOp>([&](auto) { return buildTanh(b, x); })
          .Case<math::ErfOp>([&](auto) { return buildErf(b, x); })
          .Case<math::ErfcOp>([&](auto) { return buildErfc(b, x); })
          .Case<math::RsqrtOp>([&](auto) {
            Value root = b.make<math::SqrtOp>(x);
            return b.div(b.constant(x.getType(), 1.0), root);
          })
          .Case<math::ClampFOp>([&](auto) {
            Value low = b.select(b.cmp(P::OLT, x, operands[1]), operands[1], x);
            return b.select(b.cmp(P::OGT, low, operands[2]), operands[2], low);
          })
          .Default([](Operation *) { return Value(); });
  return value ? value : buildWideMathFunction(b, op, operands);
}
