//===- Casts.cpp - arith casts
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// A cast rounds once, directly to its result type.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "vernier/Reference/Rounding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;

namespace vernier::reference {

/// Registers a cast to floats: `function` gives the value of an element of the
/// operand, of `width` bits.
template <typename OpTy>
static void addFloatCast(OpTable &table, double (*function)(double, unsigned)) {
  table.add<OpTy>([function](OpTy, Invocation &in) {
    unsigned width = in.operand(0).elementType.getIntOrFloatBitWidth();
    for (int64_t i = 0, e = in.result().size(); i < e; ++i) {
      double value = function(in.operand(0).elements[i], width);
      in.result().elements[i] =
          in.exact ? value : roundToType(value, in.result().elementType);
    }
  });
}

/// The elements as they are: widening a float, or an integer that wraps around
/// to the result's width.
template <typename OpTy>
static void addIntegerCast(OpTable &table,
                           double (*function)(double, unsigned)) {
  table.add<OpTy>([function](OpTy, Invocation &in) {
    unsigned width = in.operand(0).elementType.getIntOrFloatBitWidth();
    for (int64_t i = 0, e = in.result().size(); i < e; ++i)
      in.result().elements[i] = function(in.operand(0).elements[i], width);
  });
}

static double keep(double value, unsigned) { return value; }

/// A boolean is 0 or 1 as an element, but -1 as a signed number.
static double toSigned(double value, unsigned width) {
  return width == 1 ? -value : value;
}

static double toUnsigned(double value, unsigned width) {
  return value < 0 ? value + std::ldexp(1.0, width) : value;
}

/// Towards zero; undefined in arith beyond the integer's range, here 0.
static double truncate(double value, unsigned) {
  return std::fabs(value) < 0x1p63 ? std::trunc(value) : 0.0;
}

//===----------------------------------------------------------------------===//
// Bitcast
//===----------------------------------------------------------------------===//

static const llvm::fltSemantics *getSemantics(Type type) {
  auto floatType = dyn_cast<FloatType>(type);
  return floatType ? &floatType.getFloatSemantics() : nullptr;
}

/// The bits of `value` as an element of `type`.
static APInt toBits(double value, Type type) {
  const llvm::fltSemantics *semantics = getSemantics(type);
  if (!semantics)
    return APInt(type.getIntOrFloatBitWidth(), static_cast<int64_t>(value),
                 true,
                 /*implicitTrunc=*/true);
  APFloat number(value);
  bool losesInfo = false;
  number.convert(*semantics, APFloat::rmNearestTiesToEven, &losesInfo);
  return number.bitcastToAPInt();
}

static double fromBits(const APInt &bits, Type type) {
  const llvm::fltSemantics *semantics = getSemantics(type);
  if (!semantics)
    return roundToType(double(bits.getSExtValue()), type);
  APFloat number(*semantics, bits);
  bool losesInfo = false;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                 &losesInfo);
  return number.convertToDouble();
}

static LogicalResult evaluateBitcast(arith::BitcastOp op, Invocation &in) {
  Type from = in.operand(0).elementType, to = in.result().elementType;
  if (from.getIntOrFloatBitWidth() > 32)
    return op.emitOpError(
        "cannot be evaluated on 64-bit elements: the evaluator "
        "holds integers only up to 2^53; use 32 bits");
  for (int64_t i = 0, e = in.result().size(); i < e; ++i)
    in.result().elements[i] =
        fromBits(toBits(in.operand(0).elements[i], from), to);
  return success();
}

void addCasts(OpTable &table) {
  addFloatCast<arith::ExtFOp>(table, keep);
  addFloatCast<arith::TruncFOp>(table, keep);
  addFloatCast<arith::SIToFPOp>(table, toSigned);
  addFloatCast<arith::UIToFPOp>(table, toUnsigned);
  addIntegerCast<arith::FPToSIOp>(table, truncate);
  addIntegerCast<arith::FPToUIOp>(table, truncate);
  addIntegerCast<arith::TruncIOp>(table, keep);
  addIntegerCast<arith::ExtSIOp>(table, toSigned);
  addIntegerCast<arith::ExtUIOp>(table, toUnsigned);
  table.add<arith::BitcastOp>(evaluateBitcast);
}

} // namespace vernier::reference
