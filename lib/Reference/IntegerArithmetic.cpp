//===- IntegerArithmetic.cpp - arith ops on integers, select
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace vernier::reference {

/// Registers an op whose `function` sees its operands as signed 64-bit
/// integers; the result wraps around to its width.
template <typename OpTy>
static void addSigned(OpTable &table, int64_t (*function)(int64_t, int64_t)) {
  table.add<OpTy>([function](OpTy, Invocation &in) {
    for (int64_t i = 0, e = in.result().size(); i < e; ++i)
      in.result().elements[i] =
          function(in.operand(0).elements[i], in.operand(1).elements[i]);
  });
}

/// The bits of an integer element of `width` bits, as an unsigned number.
static uint64_t toUnsigned(double value, unsigned width) {
  auto bits = static_cast<uint64_t>(static_cast<int64_t>(value));
  return width >= 64 ? bits : bits & ((uint64_t(1) << width) - 1);
}

/// Likewise for unsigned integers of the operands' width.
template <typename OpTy>
static void addUnsigned(OpTable &table,
                        uint64_t (*function)(uint64_t, uint64_t)) {
  table.add<OpTy>([function](OpTy, Invocation &in) {
    unsigned width = in.operand(0).elementType.getIntOrFloatBitWidth();
    for (int64_t i = 0, e = in.result().size(); i < e; ++i)
      in.result().elements[i] = static_cast<int64_t>(
          function(toUnsigned(in.operand(0).elements[i], width),
                   toUnsigned(in.operand(1).elements[i], width)));
  });
}

/// Whether x stands in the relation to y; `ux` and `uy` are their bits.
static bool compare(arith::CmpIPredicate predicate, int64_t x, int64_t y,
                    uint64_t ux, uint64_t uy) {
  using P = arith::CmpIPredicate;
  switch (predicate) {
  case P::eq:
    return x == y;
  case P::ne:
    return x != y;
  case P::slt:
    return x < y;
  case P::sle:
    return x <= y;
  case P::sgt:
    return x > y;
  case P::sge:
    return x >= y;
  case P::ult:
    return ux < uy;
  case P::ule:
    return ux <= uy;
  case P::ugt:
    return ux > uy;
  case P::uge:
    return ux >= uy;
  }
  llvm_unreachable("unknown predicate");
}

static void evaluateCompare(arith::CmpIOp op, Invocation &in) {
  unsigned width = in.operand(0).elementType.getIntOrFloatBitWidth();
  for (int64_t i = 0, e = in.result().size(); i < e; ++i) {
    double x = in.operand(0).elements[i], y = in.operand(1).elements[i];
    in.result().elements[i] = compare(
        op.getPredicate(), x, y, toUnsigned(x, width), toUnsigned(y, width));
  }
}

/// A condition of rank 0 chooses between whole tensors.
static void evaluateSelect(arith::SelectOp, Invocation &in) {
  const Tensor &condition = in.operand(0);
  for (int64_t i = 0, e = in.result().size(); i < e; ++i) {
    bool first = condition.elements[condition.rank() == 0 ? 0 : i] != 0.0;
    in.result().elements[i] = in.operand(first ? 1 : 2).elements[i];
  }
}

/// Division by zero is undefined in arith; here it gives 0.
static int64_t divide(int64_t x, int64_t y) { return y ? x / y : 0; }
static int64_t remainder(int64_t x, int64_t y) { return y ? x % y : 0; }
static uint64_t divideUnsigned(uint64_t x, uint64_t y) { return y ? x / y : 0; }
static uint64_t remainderUnsigned(uint64_t x, uint64_t y) {
  return y ? x % y : 0;
}

static void addSignedOps(OpTable &table) {
  addSigned<arith::AddIOp>(table, [](int64_t x, int64_t y) { return x + y; });
  addSigned<arith::SubIOp>(table, [](int64_t x, int64_t y) { return x - y; });
  addSigned<arith::MulIOp>(table, [](int64_t x, int64_t y) { return x * y; });
  addSigned<arith::DivSIOp>(table, divide);
  addSigned<arith::RemSIOp>(table, remainder);
  addSigned<arith::AndIOp>(table, [](int64_t x, int64_t y) { return x & y; });
  addSigned<arith::OrIOp>(table, [](int64_t x, int64_t y) { return x | y; });
  addSigned<arith::XOrIOp>(table, [](int64_t x, int64_t y) { return x ^ y; });
  addSigned<arith::MaxSIOp>(
      table, [](int64_t x, int64_t y) { return std::max(x, y); });
  addSigned<arith::MinSIOp>(
      table, [](int64_t x, int64_t y) { return std::min(x, y); });
  addSigned<arith::ShRSIOp>(table,
                            [](int64_t x, int64_t y) { return x >> (y & 63); });
  addUnary<math::AbsIOp>(table, [](double x) { return x < 0 ? -x : x; });
}

static void addUnsignedOps(OpTable &table) {
  addUnsigned<arith::DivUIOp>(table, divideUnsigned);
  addUnsigned<arith::RemUIOp>(table, remainderUnsigned);
  addUnsigned<arith::MaxUIOp>(
      table, [](uint64_t x, uint64_t y) { return std::max(x, y); });
  addUnsigned<arith::MinUIOp>(
      table, [](uint64_t x, uint64_t y) { return std::min(x, y); });
  addUnsigned<arith::ShLIOp>(
      table, [](uint64_t x, uint64_t y) { return x << (y & 63); });
  addUnsigned<arith::ShRUIOp>(
      table, [](uint64_t x, uint64_t y) { return x >> (y & 63); });
}

void addIntegerArithmetic(OpTable &table) {
  addSignedOps(table);
  addUnsignedOps(table);
  table.add<arith::CmpIOp>(evaluateCompare);
  table.add<arith::SelectOp>(evaluateSelect);
}

} // namespace vernier::reference
