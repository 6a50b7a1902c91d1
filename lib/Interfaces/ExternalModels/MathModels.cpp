//===- MathModels.cpp - Our interfaces on math ops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Interfaces/ExternalModels/ExternalModels.h"

#include "ElementwiseModels.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vernier;

namespace {

//===----------------------------------------------------------------------===//
// Unary functions: the table of derivatives
//===----------------------------------------------------------------------===//

/// The derivative of y = f(x), in the widened type. What a formula does not
/// read is not built: unused widenings are dropped by `--train-differentiate`.
template <typename OpT> TensorExpr derivative(TensorExpr x, TensorExpr y);

#define DERIVATIVE(OP, FORMULA)                                                \
  template <>                                                                  \
  [[maybe_unused]] TensorExpr derivative<math::OP>(                            \
      [[maybe_unused]] TensorExpr x, [[maybe_unused]] TensorExpr y) {          \
    return FORMULA;                                                            \
  }

DERIVATIVE(ExpOp, y)
DERIVATIVE(Exp2Op, llvm::numbers::ln2 *y)
DERIVATIVE(ExpM1Op, y + 1.0)
DERIVATIVE(LogOp, 1.0 / x)
DERIVATIVE(Log2Op, llvm::numbers::log2e / x)
DERIVATIVE(Log10Op, llvm::numbers::log10e / x)
DERIVATIVE(Log1pOp, 1.0 / (x + 1.0))
DERIVATIVE(SqrtOp, 0.5 / y)
DERIVATIVE(RsqrtOp, -0.5 * y / x)
DERIVATIVE(CbrtOp, 1.0 / (3.0 * y * y))
DERIVATIVE(SinOp, cos(x))
DERIVATIVE(CosOp, -sin(x))
DERIVATIVE(TanOp, 1.0 + y * y)
DERIVATIVE(AsinOp, rsqrt(1.0 - x * x))
DERIVATIVE(AcosOp, -rsqrt(1.0 - x * x))
DERIVATIVE(AtanOp, 1.0 / (1.0 + x * x))
DERIVATIVE(SinhOp, cosh(x))
DERIVATIVE(CoshOp, sinh(x))
DERIVATIVE(TanhOp, 1.0 - y * y)
DERIVATIVE(AsinhOp, rsqrt(x *x + 1.0))
DERIVATIVE(AcoshOp, rsqrt(x *x - 1.0))
DERIVATIVE(AtanhOp, 1.0 / (1.0 - x * x))
DERIVATIVE(ErfOp, 2.0 * llvm::numbers::inv_sqrtpi * exp(-(x * x)))
DERIVATIVE(ErfcOp, -2.0 * llvm::numbers::inv_sqrtpi * exp(-(x * x)))
// The sign of x; 0 at 0.
DERIVATIVE(AbsFOp,
           select(isGreater(x, 0.0), x.splat(1.0),
                  select(isGreater(-x, 0.0), x.splat(-1.0), x.splat(0.0))))
#undef DERIVATIVE

template <typename OpT>
struct UnaryVjp : DifferentiableOpInterface::ExternalModel<UnaryVjp<OpT>, OpT> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder,
                         ArrayRef<Value> resultGradients, ArrayRef<bool>,
                         MutableArrayRef<Value> operandGradients) const {
    TensorExpr g = expr(builder, op, resultGradients.front());
    TensorExpr x = g.with(op->getOperand(0)).widen();
    TensorExpr y = g.with(op->getResult(0)).widen();
    operandGradients[0] = (g.widen() * derivative<OpT>(x, y))
                              .castTo(g.getType().getElementType());
    return success();
  }
};

/// Steps: the derivative is 0 wherever it exists.
template <typename OpT>
struct StepVjp : DifferentiableOpInterface::ExternalModel<StepVjp<OpT>, OpT> {
  LogicalResult buildVjp(Operation *, OpBuilder &, ArrayRef<Value>,
                         ArrayRef<bool>, MutableArrayRef<Value>) const {
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Functions of more operands
//===----------------------------------------------------------------------===//

/// d x^y / dx = y x^(y - 1), and 0 for y = 0; d x^y / dy = log(x) x^y, and 0
/// for x = 0 and y >= 0: no NaN where the power itself is finite (as in
/// PyTorch).
struct PowVjp : DifferentiableOpInterface::ExternalModel<PowVjp, math::PowFOp> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder,
                         ArrayRef<Value> resultGradients, ArrayRef<bool> needed,
                         MutableArrayRef<Value> operandGradients) const {
    TensorExpr result = expr(builder, op, resultGradients.front());
    Type element = result.getType().getElementType();
    TensorExpr g = result.widen();
    TensorExpr x = g.with(op->getOperand(0)).widen();
    TensorExpr y = g.with(op->getOperand(1)).widen();
    if (needed[0]) {
      Value isFlat = isEqual(y, 0.0);
      TensorExpr power = pow(x, select(isFlat, y.splat(1.0), y - 1.0));
      operandGradients[0] =
          (g * select(isFlat, y.splat(0.0), y * power)).castTo(element);
    }
    if (needed[1]) {
      TensorExpr one = x.splat(1.0);
      TensorExpr base =
          select(isEqual(x, 0.0), select(isAtLeast(y, 0.0), one, x), x);
      operandGradients[1] = (g * (log(base) * pow(x, y))).castTo(element);
    }
    return success();
  }
};

/// a * b + c.
struct FmaVjp : DifferentiableOpInterface::ExternalModel<FmaVjp, math::FmaOp> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder,
                         ArrayRef<Value> resultGradients, ArrayRef<bool> needed,
                         MutableArrayRef<Value> operandGradients) const {
    TensorExpr g = expr(builder, op, resultGradients.front());
    if (needed[0])
      operandGradients[0] = g * g.with(op->getOperand(1));
    if (needed[1])
      operandGradients[1] = g * g.with(op->getOperand(0));
    if (needed[2])
      operandGradients[2] = g;
    return success();
  }
};

/// The angle of (x, y): d / dy = x / (x^2 + y^2), d / dx = -y / (x^2 + y^2), of
/// numbers divided by the larger of both, whose squares neither overflow nor
/// vanish. 0 at the origin, where the angle jumps; infinity counts as the
/// largest number.
struct Atan2Vjp
    : DifferentiableOpInterface::ExternalModel<Atan2Vjp, math::Atan2Op> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder,
                         ArrayRef<Value> resultGradients, ArrayRef<bool> needed,
                         MutableArrayRef<Value> operandGradients) const {
    TensorExpr result = expr(builder, op, resultGradients.front());
    Type element = result.getType().getElementType();
    TensorExpr g = result.widen();
    auto type = cast<FloatType>(g.getType().getElementType());
    double largest =
        APFloat::getLargest(type.getFloatSemantics()).convertToDouble();
    TensorExpr y = clamp(g.with(op->getOperand(0)).widen(), largest);
    TensorExpr x = clamp(g.with(op->getOperand(1)).widen(), largest);
    TensorExpr length = maximum(abs(x), abs(y));
    length = select(isEqual(length, 0.0), x.splat(1.0), length);
    x = x / length;
    y = y / length;
    TensorExpr square = x * x + y * y;
    square = select(isEqual(square, 0.0), x.splat(1.0), square);
    TensorExpr scaled = g / square / length;
    if (needed[0])
      operandGradients[0] = (scaled * x).castTo(element);
    if (needed[1])
      operandGradients[1] = (-(scaled * y)).castTo(element);
    return success();
  }
};

/// x cut to [low, high]: to x where it lies inside, bounds included (as in
/// PyTorch), else to the bound that cut it.
struct ClampVjp
    : DifferentiableOpInterface::ExternalModel<ClampVjp, math::ClampFOp> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder,
                         ArrayRef<Value> resultGradients, ArrayRef<bool> needed,
                         MutableArrayRef<Value> operandGradients) const {
    TensorExpr g = expr(builder, op, resultGradients.front());
    TensorExpr zero = g.splat(0.0);
    auto clamp = cast<math::ClampFOp>(op);
    TensorExpr x = g.with(clamp.getValue()), low = g.with(clamp.getMin()),
               high = g.with(clamp.getMax());
    if (needed[0])
      operandGradients[0] =
          select(isAtLeast(x, low), select(isAtLeast(high, x), g, zero), zero);
    if (needed[1])
      operandGradients[1] = select(isGreater(low, x), g, zero);
    if (needed[2])
      operandGradients[2] = select(isGreater(x, high), g, zero);
    return success();
  }
};

/// |x| with the sign of y: d / dx is the product of the signs, 0 for x = 0 (as
/// in PyTorch); d / dy is 0.
struct CopySignVjp
    : DifferentiableOpInterface::ExternalModel<CopySignVjp, math::CopySignOp> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder,
                         ArrayRef<Value> resultGradients, ArrayRef<bool> needed,
                         MutableArrayRef<Value> operandGradients) const {
    if (!needed[0])
      return success();
    TensorExpr g = expr(builder, op, resultGradients.front());
    auto getSign = [&](Value value) {
      Value one = g.splat(1.0);
      return g.with(math::CopySignOp::create(builder, op->getLoc(), one, value)
                        .getResult());
    };
    TensorExpr signs = getSign(op->getOperand(0)) * getSign(op->getOperand(1));
    Value isZero = isEqual(g.with(op->getOperand(0)), 0.0);
    operandGradients[0] = g * select(isZero, g.splat(0.0), signs);
    return success();
  }
};

} // namespace

template <typename... OpTs> static void attachUnaryVjps(MLIRContext &context) {
  (OpTs::template attachInterface<UnaryVjp<OpTs>>(context), ...);
}

template <typename... OpTs> static void attachStepVjps(MLIRContext &context) {
  (OpTs::template attachInterface<StepVjp<OpTs>>(context), ...);
}

/// Functions that 16 bits serve badly, by range or by cancellation, ask for
/// f32; the others run in the type of what they read.
static void attachCommonModels(MLIRContext &context) {
  attachElementwise<PrecisionClass::Full, math::ExpOp, math::Exp2Op,
                    math::ExpM1Op, math::LogOp, math::Log2Op, math::Log10Op,
                    math::Log1pOp, math::RsqrtOp, math::PowFOp, math::SinhOp,
                    math::CoshOp, math::TanOp, math::AcosOp, math::AsinOp,
                    math::AcoshOp, math::AtanhOp, math::ErfcOp>(context);
  attachElementwise<PrecisionClass::Follow, math::TanhOp, math::ErfOp,
                    math::SqrtOp, math::CbrtOp, math::SinOp, math::CosOp,
                    math::AtanOp, math::AsinhOp, math::Atan2Op, math::AbsFOp,
                    math::FmaOp, math::ClampFOp, math::CopySignOp, math::CeilOp,
                    math::FloorOp, math::RoundOp, math::RoundEvenOp,
                    math::TruncOp, math::FPowIOp, math::IsFiniteOp,
                    math::IsInfOp, math::IsNaNOp, math::IsNormalOp>(context);
  attachUntouchedElementwise<math::AbsIOp, math::IPowIOp>(context);
}

void vernier::registerMathExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, math::MathDialect *) {
    attachCommonModels(*context);
    attachUnaryVjps<
        math::ExpOp, math::Exp2Op, math::ExpM1Op, math::LogOp, math::Log2Op,
        math::Log10Op, math::Log1pOp, math::SqrtOp, math::RsqrtOp, math::CbrtOp,
        math::SinOp, math::CosOp, math::TanOp, math::AsinOp, math::AcosOp,
        math::AtanOp, math::SinhOp, math::CoshOp, math::TanhOp, math::AsinhOp,
        math::AcoshOp, math::AtanhOp, math::ErfOp, math::ErfcOp, math::AbsFOp>(
        *context);
    attachStepVjps<math::CeilOp, math::FloorOp, math::RoundOp,
                   math::RoundEvenOp, math::TruncOp>(*context);
    math::PowFOp::attachInterface<PowVjp>(*context);
    math::FmaOp::attachInterface<FmaVjp>(*context);
    math::Atan2Op::attachInterface<Atan2Vjp>(*context);
    math::ClampFOp::attachInterface<ClampVjp>(*context);
    math::CopySignOp::attachInterface<CopySignVjp>(*context);
  });
}
