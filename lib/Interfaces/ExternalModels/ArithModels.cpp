//===- ArithModels.cpp - Our interfaces on arith ops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Interfaces/ExternalModels/ExternalModels.h"

#include "ElementwiseModels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace vernier;

namespace {

//===----------------------------------------------------------------------===//
// Vjps: g is the result's gradient, x and y the operands
//===----------------------------------------------------------------------===//

using BinaryGradient = TensorExpr (*)(TensorExpr g, TensorExpr x, TensorExpr y);

/// An op of two floating operands. A gradient of one operation is built in the
/// op's own type, where it rounds once anyway; a longer one widens itself.
template <typename OpT, BinaryGradient dx, BinaryGradient dy>
struct BinaryVjp
    : DifferentiableOpInterface::ExternalModel<BinaryVjp<OpT, dx, dy>, OpT> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder,
                         ArrayRef<Value> resultGradients, ArrayRef<bool> needed,
                         MutableArrayRef<Value> operandGradients) const {
    TensorExpr g = expr(builder, op, resultGradients.front());
    TensorExpr x = g.with(op->getOperand(0)), y = g.with(op->getOperand(1));
    if (needed[0])
      operandGradients[0] = dx(g, x, y);
    if (needed[1])
      operandGradients[1] = dy(g, x, y);
    return success();
  }
};

TensorExpr pass(TensorExpr g, TensorExpr, TensorExpr) { return g; }
TensorExpr negate(TensorExpr g, TensorExpr, TensorExpr) { return -g; }
TensorExpr timesX(TensorExpr g, TensorExpr x, TensorExpr) { return g * x; }
TensorExpr timesY(TensorExpr g, TensorExpr, TensorExpr y) { return g * y; }

TensorExpr overY(TensorExpr g, TensorExpr, TensorExpr y) { return g / y; }
/// d(x / y) / dy = -(x / y) / y, rounded once. In this order 0 / y is 0 however
/// small y is.
TensorExpr divisorGradient(TensorExpr g, TensorExpr x, TensorExpr y) {
  TensorExpr wideY = y.widen();
  TensorExpr quotient = x.widen() / wideY;
  return (-(g.widen() * quotient) / wideY).castTo(g.getType().getElementType());
}

// Maxima and minima, as in PyTorch.

/// Of maximumf and minimumf: the winner gets the gradient, equal operands half
/// each, and both get it if one is NaN.
TensorExpr passUnless(Value loses, TensorExpr g, TensorExpr x, TensorExpr y) {
  return select(loses, g.splat(0.0), select(isEqual(x, y), 0.5 * g, g));
}
TensorExpr maximumX(TensorExpr g, TensorExpr x, TensorExpr y) {
  return passUnless(isGreater(y, x), g, x, y);
}
TensorExpr maximumY(TensorExpr g, TensorExpr x, TensorExpr y) {
  return passUnless(isGreater(x, y), g, x, y);
}

/// Of maxnumf and minnumf: all to the operand that is the result, to x if they
/// are equal or both NaN.
template <bool toX>
TensorExpr passToWinner(Value xWins, TensorExpr g, TensorExpr y) {
  TensorExpr x = toX ? g : g.splat(0.0), other = toX ? g.splat(0.0) : g;
  return select(xWins, x, select(isNan(y), x, other));
}
template <bool toX>
TensorExpr maxnum(TensorExpr g, TensorExpr x, TensorExpr y) {
  return passToWinner<toX>(isAtLeast(x, y), g, y);
}
template <bool toX>
TensorExpr minnum(TensorExpr g, TensorExpr x, TensorExpr y) {
  return passToWinner<toX>(isAtLeast(y, x), g, y);
}

struct NegVjp
    : DifferentiableOpInterface::ExternalModel<NegVjp, arith::NegFOp> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder,
                         ArrayRef<Value> resultGradients, ArrayRef<bool>,
                         MutableArrayRef<Value> operandGradients) const {
    operandGradients[0] = -expr(builder, op, resultGradients.front());
    return success();
  }
};

/// The gradient goes where the value came from.
struct SelectVjp
    : DifferentiableOpInterface::ExternalModel<SelectVjp, arith::SelectOp> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder,
                         ArrayRef<Value> resultGradients, ArrayRef<bool> needed,
                         MutableArrayRef<Value> operandGradients) const {
    TensorExpr g = expr(builder, op, resultGradients.front());
    TensorExpr zero = g.splat(0.0);
    Value condition = cast<arith::SelectOp>(op).getCondition();
    if (needed[1])
      operandGradients[1] = select(condition, g, zero);
    if (needed[2])
      operandGradients[2] = select(condition, zero, g);
    return success();
  }
};

/// The gradient of a cast is cast back.
template <typename OpT>
struct CastVjp : DifferentiableOpInterface::ExternalModel<CastVjp<OpT>, OpT> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder,
                         ArrayRef<Value> resultGradients, ArrayRef<bool>,
                         MutableArrayRef<Value> operandGradients) const {
    operandGradients[0] =
        expr(builder, op, resultGradients.front())
            .castTo(getElementTypeOrSelf(op->getOperand(0).getType()));
    return success();
  }
  bool takesAnyGradientType(Operation *) const { return true; }
};

//===----------------------------------------------------------------------===//
// Fusion and cost where they are not the usual ones
//===----------------------------------------------------------------------===//

/// A splat is a number inside a kernel; any other constant lives in memory.
struct ConstantFusionModel
    : FusionOpInterface::ExternalModel<ConstantFusionModel, arith::ConstantOp> {
  FusionKind getFusionKind(Operation *op) const {
    return isa<SplatElementsAttr>(cast<arith::ConstantOp>(op).getValue())
               ? FusionKind::Elementwise
               : FusionKind::Opaque;
  }
};

struct ConstantCostModel
    : CostOpInterface::ExternalModel<ConstantCostModel, arith::ConstantOp> {
  int64_t getFlops(Operation *) const { return 0; }
  int64_t getBytes(Operation *) const { return 0; }
};

} // namespace

/// Attach the precision, fusion and cost models of every op on tensors.
static void attachCommonModels(MLIRContext &context) {
  attachElementwise<PrecisionClass::Follow, arith::AddFOp, arith::SubFOp,
                    arith::MulFOp, arith::DivFOp, arith::RemFOp, arith::NegFOp,
                    arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
                    arith::MinNumFOp, arith::SelectOp, arith::CmpFOp>(context);
  attachUntouchedElementwise<arith::ExtFOp, arith::TruncFOp, arith::SIToFPOp,
                             arith::UIToFPOp, arith::FPToSIOp, arith::FPToUIOp,
                             arith::BitcastOp>(context);
  attachUntouchedElementwise<arith::AddIOp, arith::SubIOp, arith::MulIOp,
                             arith::DivSIOp, arith::DivUIOp, arith::RemSIOp,
                             arith::RemUIOp, arith::AndIOp, arith::OrIOp,
                             arith::XOrIOp, arith::ShLIOp, arith::ShRSIOp,
                             arith::ShRUIOp, arith::MaxSIOp, arith::MaxUIOp,
                             arith::MinSIOp, arith::MinUIOp, arith::CmpIOp,
                             arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp>(
      context);
  arith::ConstantOp::attachInterface<UntouchedModel<arith::ConstantOp>,
                                     ConstantFusionModel, ConstantCostModel>(
      context);
}

static void attachVjps(MLIRContext &context) {
  arith::AddFOp::attachInterface<BinaryVjp<arith::AddFOp, pass, pass>>(context);
  arith::SubFOp::attachInterface<BinaryVjp<arith::SubFOp, pass, negate>>(
      context);
  arith::MulFOp::attachInterface<BinaryVjp<arith::MulFOp, timesY, timesX>>(
      context);
  arith::DivFOp::attachInterface<
      BinaryVjp<arith::DivFOp, overY, divisorGradient>>(context);
  arith::MaximumFOp::attachInterface<
      BinaryVjp<arith::MaximumFOp, maximumX, maximumY>>(context);
  arith::MaxNumFOp::attachInterface<
      BinaryVjp<arith::MaxNumFOp, maxnum<true>, maxnum<false>>>(context);
  arith::MinimumFOp::attachInterface<
      BinaryVjp<arith::MinimumFOp, maximumY, maximumX>>(context);
  arith::MinNumFOp::attachInterface<
      BinaryVjp<arith::MinNumFOp, minnum<true>, minnum<false>>>(context);
  arith::NegFOp::attachInterface<NegVjp>(context);
  arith::SelectOp::attachInterface<SelectVjp>(context);
  arith::ExtFOp::attachInterface<CastVjp<arith::ExtFOp>>(context);
  arith::TruncFOp::attachInterface<CastVjp<arith::TruncFOp>>(context);
}

void vernier::registerArithExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    attachCommonModels(*context);
    attachVjps(*context);
  });
}
