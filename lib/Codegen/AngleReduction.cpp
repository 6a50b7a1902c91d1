//===- AngleReduction.cpp - Angles as quarter turns and a rest
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Up to 2^45 two words of pi/2 in f64 do (Cody and Waite). Beyond, all but 96
// bits of x 2/pi are whole turns or too small to matter: the method of Payne
// and Hanek (Radian Reduction for Trigonometric Functions, SIGNUM 1983). No
// model has such angles but by mistake, so that it is behind a branch.
//
//===----------------------------------------------------------------------===//

#include "AngleReduction.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace vernier;
using P = arith::CmpFPredicate;

static constexpr double kHalfPi = 1.5707963267948966;
/// What the f64 nearest to pi/2 lacks.
static constexpr double kHalfPiRest = 6.123233995736766e-17;
/// 1.5 * 2^52, the f64 that integers are rounded with.
static constexpr double kRounder = 6755399441055744.0;
static constexpr double kLarge = 35184372088832.0; // 2^45

/// The bits of 2/pi behind the point, 32 in a word.
static constexpr int64_t kTwoOverPi[] = {0xa2f9836e, 0x4e441529, 0xfc2757d1,
                                         0xf534ddc0, 0xdb629599, 0x3c439041,
                                         0xfe5163ab};

static Angle reduceSmall(LaneBuilder &b, Value x) {
  Value shifted = b.fma(x, 1.0 / kHalfPi, b.constant(x.getType(), kRounder));
  Value n = b.sub(shifted, kRounder);
  Value rest = b.fma(n, -kHalfPi, x);
  return {b.toBits(shifted), b.fma(n, -kHalfPiRest, rest)};
}

/// Word `first + offset` of 2/pi, where lanes have their own `first` in 0..3.
static Value selectWord(LaneBuilder &b, Value first, unsigned offset) {
  Type type = first.getType();
  Value word = b.constantInt(type, kTwoOverPi[offset]);
  for (int64_t i = 1; i < 4; ++i) {
    Value isWord =
        b.cmpInt(arith::CmpIPredicate::eq, first, b.constantInt(type, i));
    word = b.select(isWord, b.constantInt(type, kTwoOverPi[offset + i]), word);
  }
  return word;
}

/// x = m 2^e with 24 bits of m and 22 <= e <= 104.
static Angle reduceLarge(LaneBuilder &b, Value x) {
  Type type = b.toBits(x).getType();
  Value bits = b.toBits(b.abs(x));
  Value m = b.andInt(b.shiftRight(bits, 29), 0x7fffff);
  m = b.addInt(m, 0x800000);
  Value e = b.addInt(b.shiftRight(bits, 52), -1023 - 23);
  // The first bit of 2/pi that 2^e does not make a multiple of 4.
  Value position = b.addInt(e, -2);
  Value first = b.shiftRight(position, 5), shift = b.andInt(position, 31);
  Value words[4], window[3];
  for (unsigned i = 0; i < 4; ++i)
    words[i] = selectWord(b, first, i);
  for (unsigned i = 0; i < 3; ++i) {
    Value pair = b.orInt(b.shiftLeft(words[i], 32), words[i + 1]);
    window[i] = b.shiftRight(b.make<arith::ShLIOp>(pair, shift), 32);
  }
  // x 2/pi modulo 4 in units of 2^-62: the low words of three products.
  auto times = [&](Value word) { return b.make<arith::MulIOp>(m, word); };
  Value product =
      b.addInt(b.shiftLeft(times(window[0]), 32),
               b.addInt(times(window[1]), b.shiftRight(times(window[2]), 32)));
  Value quadrant = b.shiftRight(b.addInt(product, int64_t(1) << 61), 62);
  Value fraction = b.subInt(product, b.shiftLeft(quadrant, 62));
  Value rest = b.make<arith::SIToFPOp>(x.getType(), fraction);
  rest = b.mul(rest, kHalfPi / 4611686018427387904.0);
  Value isNegative = b.cmp(P::OLT, x, 0.0);
  Value zero = b.constantInt(type, 0);
  return {b.select(isNegative, b.subInt(zero, quadrant), quadrant),
          b.select(isNegative, b.mul(rest, -1.0), rest)};
}

Angle vernier::reduceAngle(LaneBuilder &b, Value x) {
  Angle small = reduceSmall(b, x);
  Value magnitude = b.abs(x);
  Value isLarge = b.make<arith::AndIOp>(b.cmp(P::OGE, magnitude, kLarge),
                                        b.cmp(P::OLT, magnitude, INFINITY));
  Value anyLarge = isLarge;
  if (getLanes(isLarge) > 1)
    anyLarge = b.make<LLVM::vector_reduce_or>(b.builder.getI1Type(), isLarge);
  auto branch = scf::IfOp::create(
      b.builder, b.loc, TypeRange{small.quadrant.getType(), x.getType()},
      anyLarge, /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(b.builder);
  b.builder.setInsertionPointToStart(branch.thenBlock());
  Angle large = reduceLarge(b, x);
  Value quadrant = b.select(isLarge, large.quadrant, small.quadrant);
  Value rest = b.select(isLarge, large.rest, small.rest);
  scf::YieldOp::create(b.builder, b.loc, ValueRange{quadrant, rest});
  b.builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b.builder, b.loc,
                       ValueRange{small.quadrant, small.rest});
  return {branch.getResult(0), branch.getResult(1)};
}
