//===- FloatArithmetic.cpp - arith and math ops on floats
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;

namespace vernier::reference {

/// IEEE 754-2019 maximum: NaN if either is NaN, and +0 above -0.
static double maximum(double x, double y) {
  if (std::isnan(x) || std::isnan(y))
    return NAN;
  if (x == 0.0 && y == 0.0)
    return std::signbit(x) ? y : x;
  return x > y ? x : y;
}

static double minimum(double x, double y) { return -maximum(-x, -y); }

/// Ordered predicates are false on NaN, unordered ones true.
static bool compare(arith::CmpFPredicate predicate, double x, double y) {
  bool unordered = std::isnan(x) || std::isnan(y);
  using P = arith::CmpFPredicate;
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::OEQ:
    return x == y;
  case P::OGT:
    return x > y;
  case P::OGE:
    return x >= y;
  case P::OLT:
    return x < y;
  case P::OLE:
    return x <= y;
  case P::ONE:
    return !unordered && x != y;
  case P::ORD:
    return !unordered;
  case P::UEQ:
    return unordered || x == y;
  case P::UGT:
    return unordered || x > y;
  case P::UGE:
    return unordered || x >= y;
  case P::ULT:
    return unordered || x < y;
  case P::ULE:
    return unordered || x <= y;
  case P::UNE:
    return x != y;
  case P::UNO:
    return unordered;
  case P::AlwaysTrue:
    return true;
  }
  llvm_unreachable("unknown predicate");
}

static void addArith(OpTable &table) {
  addUnary<arith::NegFOp>(table, [](double x) { return -x; });
  addBinary<arith::AddFOp>(table, [](double x, double y) { return x + y; });
  addBinary<arith::SubFOp>(table, [](double x, double y) { return x - y; });
  addBinary<arith::MulFOp>(table, [](double x, double y) { return x * y; });
  addBinary<arith::DivFOp>(table, [](double x, double y) { return x / y; });
  addBinary<arith::RemFOp>(table, std::fmod);
  addBinary<arith::MaximumFOp>(table, maximum);
  addBinary<arith::MinimumFOp>(table, minimum);
  addBinary<arith::MaxNumFOp>(table, std::fmax);
  addBinary<arith::MinNumFOp>(table, std::fmin);
  table.add<arith::CmpFOp>([](arith::CmpFOp op, Invocation &in) {
    for (int64_t i = 0, e = in.result().size(); i < e; ++i)
      in.result().elements[i] =
          compare(op.getPredicate(), in.operand(0).elements[i],
                  in.operand(1).elements[i]);
  });
}

static void addMath(OpTable &table) {
  addUnary<math::AbsFOp>(table, std::fabs);
  addUnary<math::CeilOp>(table, std::ceil);
  addUnary<math::FloorOp>(table, std::floor);
  addUnary<math::RoundOp>(table, std::round);
  addUnary<math::RoundEvenOp>(table, std::nearbyint);
  addUnary<math::TruncOp>(table, std::trunc);
  addUnary<math::ExpOp>(table, std::exp);
  addUnary<math::Exp2Op>(table, std::exp2);
  addUnary<math::ExpM1Op>(table, std::expm1);
  addUnary<math::LogOp>(table, std::log);
  addUnary<math::Log10Op>(table, std::log10);
  addUnary<math::Log1pOp>(table, std::log1p);
  addUnary<math::Log2Op>(table, std::log2);
  addUnary<math::SqrtOp>(table, std::sqrt);
  addUnary<math::RsqrtOp>(table, [](double x) { return 1.0 / std::sqrt(x); });
  addUnary<math::CbrtOp>(table, std::cbrt);
  addUnary<math::ErfOp>(table, std::erf);
  addUnary<math::ErfcOp>(table, std::erfc);
  addBinary<math::PowFOp>(table, std::pow);
  addBinary<math::FPowIOp>(table, std::pow);
  addBinary<math::CopySignOp>(table, std::copysign);
  table.add<math::FmaOp>([](math::FmaOp, Invocation &in) {
    for (int64_t i = 0, e = in.result().size(); i < e; ++i)
      in.result().elements[i] =
          std::fma(in.operand(0).elements[i], in.operand(1).elements[i],
                   in.operand(2).elements[i]);
  });
  table.add<math::ClampFOp>([](math::ClampFOp, Invocation &in) {
    for (int64_t i = 0, e = in.result().size(); i < e; ++i)
      in.result().elements[i] = maximum(
          in.operand(1).elements[i],
          minimum(in.operand(0).elements[i], in.operand(2).elements[i]));
  });
}

static void addTrigonometry(OpTable &table) {
  addUnary<math::SinOp>(table, std::sin);
  addUnary<math::CosOp>(table, std::cos);
  addUnary<math::TanOp>(table, std::tan);
  addUnary<math::SinhOp>(table, std::sinh);
  addUnary<math::CoshOp>(table, std::cosh);
  addUnary<math::TanhOp>(table, std::tanh);
  addUnary<math::AsinOp>(table, std::asin);
  addUnary<math::AcosOp>(table, std::acos);
  addUnary<math::AtanOp>(table, std::atan);
  addUnary<math::AsinhOp>(table, std::asinh);
  addUnary<math::AcoshOp>(table, std::acosh);
  addUnary<math::AtanhOp>(table, std::atanh);
  addBinary<math::Atan2Op>(table, std::atan2);
}

static void addClassification(OpTable &table) {
  addUnary<math::IsFiniteOp>(table,
                             [](double x) { return double(std::isfinite(x)); });
  addUnary<math::IsInfOp>(table,
                          [](double x) { return double(std::isinf(x)); });
  addUnary<math::IsNaNOp>(table,
                          [](double x) { return double(std::isnan(x)); });
  table.add<math::IsNormalOp>([](math::IsNormalOp, Invocation &in) {
    auto type = cast<FloatType>(in.operand(0).elementType);
    double smallest =
        llvm::APFloat::getSmallestNormalized(type.getFloatSemantics())
            .convertToDouble();
    for (int64_t i = 0, e = in.result().size(); i < e; ++i) {
      double x = in.operand(0).elements[i];
      in.result().elements[i] = std::isfinite(x) && std::fabs(x) >= smallest;
    }
  });
}

void addFloatArithmetic(OpTable &table) {
  addArith(table);
  addMath(table);
  addTrigonometry(table);
  addClassification(table);
}

} // namespace vernier::reference
