//===- RangeModels.cpp - Bounds of upstream ops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Integer arithmetic has no models: what it writes is bounded by its type.
//
//===----------------------------------------------------------------------===//

#include "vernier/Interfaces/ExternalModels/ExternalModels.h"
#include "vernier/Interfaces/RangeOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;
using namespace vernier;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static constexpr double kPi = 3.14159265358979323846;

namespace {

//===----------------------------------------------------------------------===//
// A model from a function of intervals
//===----------------------------------------------------------------------===//

using Unary = Interval (*)(const Interval &);
using Binary = Interval (*)(const Interval &, const Interval &);

template <typename OpT, Unary function>
struct UnaryModel
    : RangeOpInterface::ExternalModel<UnaryModel<OpT, function>, OpT> {
  void inferRanges(Operation *, ArrayRef<Interval> x,
                   MutableArrayRef<Interval> results) const {
    results[0] = function(x[0]);
  }
};

template <typename OpT, Binary function>
struct BinaryModel
    : RangeOpInterface::ExternalModel<BinaryModel<OpT, function>, OpT> {
  void inferRanges(Operation *, ArrayRef<Interval> x,
                   MutableArrayRef<Interval> results) const {
    results[0] = function(x[0], x[1]);
  }
};

Interval same(const Interval &x) { return x; }
Interval negate(const Interval &x) { return -x; }
Interval add(const Interval &x, const Interval &y) { return x + y; }
Interval subtract(const Interval &x, const Interval &y) { return x - y; }
Interval divide(const Interval &x, const Interval &y) { return x / y; }

//===----------------------------------------------------------------------===//
// arith
//===----------------------------------------------------------------------===//

/// x * x is a square: never negative.
struct MulModel : RangeOpInterface::ExternalModel<MulModel, arith::MulFOp> {
  void inferRanges(Operation *op, ArrayRef<Interval> x,
                   MutableArrayRef<Interval> results) const {
    bool isSquare = op->getOperand(0) == op->getOperand(1);
    results[0] = isSquare ? square(x[0]) : x[0] * x[1];
  }
};

/// The number where one operand is NaN: the other may be the result.
Interval maximumNumber(const Interval &x, const Interval &y) {
  Interval result = maximum(x, y);
  if (x.mayBeNaN)
    result = result.joined(y);
  if (y.mayBeNaN)
    result = result.joined(x);
  result.mayBeNaN = x.mayBeNaN && y.mayBeNaN;
  return result;
}
Interval minimumNumber(const Interval &x, const Interval &y) {
  return -maximumNumber(-x, -y);
}

struct SelectModel
    : RangeOpInterface::ExternalModel<SelectModel, arith::SelectOp> {
  void inferRanges(Operation *, ArrayRef<Interval> x,
                   MutableArrayRef<Interval> results) const {
    results[0] = x[1].joined(x[2]);
  }
};

struct ConstantModel
    : RangeOpInterface::ExternalModel<ConstantModel, arith::ConstantOp> {
  void inferRanges(Operation *op, ArrayRef<Interval>,
                   MutableArrayRef<Interval> results) const {
    results[0] = getRangeOfConstant(cast<arith::ConstantOp>(op).getValue());
  }
};

/// Integers between the operand's bounds, within the integers of the type.
template <typename OpT>
struct IntegerToFloatModel
    : RangeOpInterface::ExternalModel<IntegerToFloatModel<OpT>, OpT> {
  void inferRanges(Operation *op, ArrayRef<Interval> x,
                   MutableArrayRef<Interval> results) const {
    Interval range = x[0];
    if (isa<arith::UIToFPOp>(op) && range.low < 0)
      range = Interval::integers(
          0, std::ldexp(1.0, getElementTypeOrSelf(op->getOperand(0).getType())
                                 .getIntOrFloatBitWidth()));
    results[0] = range;
  }
};

//===----------------------------------------------------------------------===//
// math
//===----------------------------------------------------------------------===//

Interval exponential(const Interval &x) { return increasing(x, std::exp); }
Interval exponential2(const Interval &x) { return increasing(x, std::exp2); }
Interval exponentialM1(const Interval &x) { return increasing(x, std::expm1); }
/// A logarithm is near zero at 1, where an error is absolute.
Interval logarithm(const Interval &x) {
  return increasing(x, std::log, 0).widened(0, kRelativeSlack);
}
Interval logarithm2(const Interval &x) {
  return increasing(x, std::log2, 0).widened(0, kRelativeSlack);
}
Interval logarithm10(const Interval &x) {
  return increasing(x, std::log10, 0).widened(0, kRelativeSlack);
}
Interval logarithm1P(const Interval &x) {
  return increasing(x, std::log1p, -1).widened(0, kRelativeSlack);
}
Interval squareRoot(const Interval &x) { return increasing(x, std::sqrt, 0); }
Interval reciprocalRoot(const Interval &x) {
  return decreasing(
      x, +[](double v) { return v == 0 ? kInfinity : 1 / std::sqrt(v); }, 0);
}
Interval cubeRoot(const Interval &x) { return increasing(x, std::cbrt); }
Interval sine(const Interval &x) { return oscillating(x, -1, 1); }
Interval tangent(const Interval &x) {
  return oscillating(x, -kInfinity, kInfinity);
}
Interval arcSine(const Interval &x) {
  return increasing(x, std::asin, -1, 1).widened(0, kRelativeSlack);
}
Interval arcCosine(const Interval &x) {
  return decreasing(x, std::acos, -1, 1).widened(0, kRelativeSlack);
}
Interval arcTangent(const Interval &x) { return increasing(x, std::atan); }
Interval hyperbolicSine(const Interval &x) { return increasing(x, std::sinh); }
Interval hyperbolicCosine(const Interval &x) {
  return increasing(abs(x), std::cosh);
}
Interval hyperbolicTangent(const Interval &x) {
  return increasing(x, std::tanh);
}
Interval areaSine(const Interval &x) { return increasing(x, std::asinh); }
Interval areaCosine(const Interval &x) {
  return increasing(x, std::acosh, 1).widened(0, kRelativeSlack);
}
Interval areaTangent(const Interval &x) {
  return increasing(x, std::atanh, -1, 1);
}
Interval errorFunction(const Interval &x) { return increasing(x, std::erf); }
Interval errorFunctionC(const Interval &x) {
  return decreasing(x, std::erfc).widened(0, kRelativeSlack);
}

/// A rounding to integers: exact, and never beyond the rounded bounds.
template <double (*function)(double)> Interval step(const Interval &x) {
  Interval result = Interval::integers(function(x.low), function(x.high));
  result.mayBeNaN = x.mayBeNaN;
  return result;
}

Interval copySign(const Interval &x, const Interval &) {
  Interval magnitude = abs(x);
  return magnitude.joined(-magnitude);
}

Interval angle(const Interval &y, const Interval &x) {
  Interval result = Interval::between(-kPi, kPi).widened(kRelativeSlack);
  result.mayBeNaN = x.mayBeNaN || y.mayBeNaN;
  return result;
}

Interval flag(const Interval &) { return Interval::integers(0, 1); }

struct FmaModel : RangeOpInterface::ExternalModel<FmaModel, math::FmaOp> {
  void inferRanges(Operation *, ArrayRef<Interval> x,
                   MutableArrayRef<Interval> results) const {
    results[0] = x[0] * x[1] + x[2];
  }
};

struct ClampModel
    : RangeOpInterface::ExternalModel<ClampModel, math::ClampFOp> {
  void inferRanges(Operation *, ArrayRef<Interval> x,
                   MutableArrayRef<Interval> results) const {
    results[0] = minimum(maximum(x[0], x[1]), x[2]);
  }
};

struct ConcatModel
    : RangeOpInterface::ExternalModel<ConcatModel, tensor::ConcatOp> {
  void inferRanges(Operation *, ArrayRef<Interval> x,
                   MutableArrayRef<Interval> results) const {
    results[0] = x[0];
    for (const Interval &operand : x.drop_front())
      results[0] = results[0].joined(operand);
  }
};

struct PadModel : RangeOpInterface::ExternalModel<PadModel, tensor::PadOp> {
  void inferRanges(Operation *op, ArrayRef<Interval> x,
                   MutableArrayRef<Interval> results) const {
    FloatAttr padding;
    Value value = cast<tensor::PadOp>(op).getConstantPaddingValue();
    if (value && matchPattern(value, m_Constant(&padding)))
      results[0] = x[0].joined(Interval::exactly(padding.getValueAsDouble()));
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// Attaching
//===----------------------------------------------------------------------===//

template <typename OpT, Unary function> static void attach(MLIRContext &c) {
  OpT::template attachInterface<UnaryModel<OpT, function>>(c);
}
template <typename OpT, Binary function> static void attach(MLIRContext &c) {
  OpT::template attachInterface<BinaryModel<OpT, function>>(c);
}

static void attachArith(MLIRContext *context, arith::ArithDialect *) {
  MLIRContext &c = *context;
  arith::ConstantOp::attachInterface<ConstantModel>(c);
  arith::MulFOp::attachInterface<MulModel>(c);
  arith::SelectOp::attachInterface<SelectModel>(c);
  arith::SIToFPOp::attachInterface<IntegerToFloatModel<arith::SIToFPOp>>(c);
  arith::UIToFPOp::attachInterface<IntegerToFloatModel<arith::UIToFPOp>>(c);
  attach<arith::ExtFOp, same>(c);
  attach<arith::TruncFOp, same>(c);
  attach<arith::NegFOp, negate>(c);
  attach<arith::AddFOp, add>(c);
  attach<arith::SubFOp, subtract>(c);
  attach<arith::DivFOp, divide>(c);
  attach<arith::RemFOp, remainder>(c);
  attach<arith::MaximumFOp, maximum>(c);
  attach<arith::MinimumFOp, minimum>(c);
  attach<arith::MaxNumFOp, maximumNumber>(c);
  attach<arith::MinNumFOp, minimumNumber>(c);
}

static void attachMath(MLIRContext *context, math::MathDialect *) {
  MLIRContext &c = *context;
  math::FmaOp::attachInterface<FmaModel>(c);
  math::ClampFOp::attachInterface<ClampModel>(c);
  attach<math::ExpOp, exponential>(c);
  attach<math::Exp2Op, exponential2>(c);
  attach<math::ExpM1Op, exponentialM1>(c);
  attach<math::LogOp, logarithm>(c);
  attach<math::Log2Op, logarithm2>(c);
  attach<math::Log10Op, logarithm10>(c);
  attach<math::Log1pOp, logarithm1P>(c);
  attach<math::SqrtOp, squareRoot>(c);
  attach<math::RsqrtOp, reciprocalRoot>(c);
  attach<math::CbrtOp, cubeRoot>(c);
  attach<math::PowFOp, power>(c);
  attach<math::SinOp, sine>(c);
  attach<math::CosOp, sine>(c);
  attach<math::TanOp, tangent>(c);
  attach<math::AsinOp, arcSine>(c);
  attach<math::AcosOp, arcCosine>(c);
  attach<math::AtanOp, arcTangent>(c);
  attach<math::Atan2Op, angle>(c);
  attach<math::SinhOp, hyperbolicSine>(c);
  attach<math::CoshOp, hyperbolicCosine>(c);
  attach<math::TanhOp, hyperbolicTangent>(c);
  attach<math::AsinhOp, areaSine>(c);
  attach<math::AcoshOp, areaCosine>(c);
  attach<math::AtanhOp, areaTangent>(c);
  attach<math::ErfOp, errorFunction>(c);
  attach<math::ErfcOp, errorFunctionC>(c);
  attach<math::AbsFOp, abs>(c);
  attach<math::CopySignOp, copySign>(c);
  attach<math::CeilOp, step<std::ceil>>(c);
  attach<math::FloorOp, step<std::floor>>(c);
  attach<math::RoundOp, step<std::round>>(c);
  attach<math::RoundEvenOp, step<std::nearbyint>>(c);
  attach<math::TruncOp, step<std::trunc>>(c);
  attach<math::IsFiniteOp, flag>(c);
  attach<math::IsInfOp, flag>(c);
  attach<math::IsNaNOp, flag>(c);
  attach<math::IsNormalOp, flag>(c);
}

void vernier::registerRangeExternalModels(DialectRegistry &registry) {
  registry.addExtension(attachArith);
  registry.addExtension(attachMath);
  registry.addExtension(+[](MLIRContext *context, tensor::TensorDialect *) {
    attach<tensor::CollapseShapeOp, same>(*context);
    attach<tensor::ExpandShapeOp, same>(*context);
    attach<tensor::ExtractSliceOp, same>(*context);
    tensor::ConcatOp::attachInterface<ConcatModel>(*context);
    tensor::PadOp::attachInterface<PadModel>(*context);
  });
}
