//===- CompareSelect.cpp - Ops that are comparisons and selections
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM narrows its intrinsics to f16 where operands come from f16, and calls
// fmaxf of a library for the narrow maxnum, which a kernel cannot; classes of
// numbers have no pattern upstream; the processor traps at a division by 0.
//
//===----------------------------------------------------------------------===//

#include "CompareSelect.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace vernier;
using P = arith::CmpFPredicate;

/// The operand that stands in `predicate` to the other; of a NaN and a number
/// the number.
static Value buildNumberOf(LaneBuilder &b, P predicate, Value x, Value y) {
  Value winner = b.select(b.cmp(predicate, x, y), x, y);
  return b.select(b.isNan(y), x, winner);
}

static Value isFinite(LaneBuilder &b, Value x) {
  return b.cmp(P::OLT, b.abs(x), INFINITY);
}

/// Neither 0, subnormal, infinite nor NaN in the type that the IR says; the
/// register's range is wider than that of f16.
static Value isNormal(LaneBuilder &b, Value x, Type element) {
  const llvm::fltSemantics &type = cast<FloatType>(element).getFloatSemantics();
  double smallest = APFloat::getSmallestNormalized(type).convertToDouble();
  return b.make<arith::AndIOp>(isFinite(b, x),
                               b.cmp(P::OGE, b.abs(x), smallest));
}

/// `y`, or 1 where the processor could not divide by it: by 0, and the least
/// number by -1, whose quotient has no place.
static Value buildSafeDivisor(LaneBuilder &b, bool isSigned, Value x, Value y) {
  using I = arith::CmpIPredicate;
  Type type = y.getType();
  Value isUnsafe = b.cmpInt(I::eq, y, b.constantInt(type, 0));
  if (isSigned) {
    unsigned width = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
    int64_t least = APInt::getSignedMinValue(width).getSExtValue();
    Value overflows =
        b.make<arith::AndIOp>(b.cmpInt(I::eq, x, b.constantInt(type, least)),
                              b.cmpInt(I::eq, y, b.constantInt(type, -1)));
    isUnsafe = b.orInt(isUnsafe, overflows);
  }
  return b.select(isUnsafe, b.constantInt(type, 1), y);
}

/// A quotient or remainder; 0 where the divisor is 0, as in the evaluator.
template <typename OpT>
static Value buildDivision(LaneBuilder &b, bool isSigned, Value x, Value y) {
  Value zero = b.constantInt(y.getType(), 0);
  Value value = b.make<OpT>(x, buildSafeDivisor(b, isSigned, x, y));
  return b.select(b.cmpInt(arith::CmpIPredicate::eq, y, zero), zero, value);
}

Value vernier::buildCompareSelect(LaneBuilder &b, Operation *op,
                                  ValueRange operands) {
  Value x = operands[0], y = operands.size() > 1 ? operands[1] : Value();
  return TypeSwitch<Operation *, Value>(op)
      .Case<arith::MaxNumFOp>(
          [&](auto) { return buildNumberOf(b, P::OGT, x, y); })
      .Case<arith::MinNumFOp>(
          [&](auto) { return buildNumberOf(b, P::OLT, x, y); })
      .Case<math::IsNaNOp>([&](auto) { return b.isNan(x); })
      .Case<math::IsInfOp>(
          [&](auto) { return b.cmp(P::OEQ, b.abs(x), INFINITY); })
      .Case<math::IsFiniteOp>([&](auto) { return isFinite(b, x); })
      .Case<math::IsNormalOp>([&](auto) {
        return isNormal(b, x, getElementTypeOrSelf(op->getOperand(0)));
      })
      .Case<arith::DivSIOp>(
          [&](auto) { return buildDivision<arith::DivSIOp>(b, true, x, y); })
      .Case<arith::DivUIOp>(
          [&](auto) { return buildDivision<arith::DivUIOp>(b, false, x, y); })
      .Case<arith::RemSIOp>(
          [&](auto) { return buildDivision<arith::RemSIOp>(b, true, x, y); })
      .Case<arith::RemUIOp>(
          [&](auto) { return buildDivision<arith::RemUIOp>(b, false, x, y); })
      .Default([](Operation *) { return Value(); });
}
