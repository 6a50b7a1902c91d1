//===- LegalizeContractions.cpp - Contractions that the target can run
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Asks the target which operand types it multiplies, and rewrites the other
// contractions so that f32 gives the same numbers: every product of two bf16,
// f16 or tf32 values is exact in f32.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/Transforms/Passes.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Target/IR/TargetDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Support/DebugStringHelper.h"

#include <limits>

namespace vernier::train {
#define GEN_PASS_DEF_TRAINLEGALIZECONTRACTIONSPASS
#include "vernier/Dialect/Train/Transforms/Passes.h.inc"
} // namespace vernier::train

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

static constexpr StringLiteral kTf32Attr = "tf32";
static constexpr StringLiteral kAccumulateTypeAttr = "accumulate_type";

namespace {

/// Builds ops for one contraction; they belong to reverse mode if it does.
struct LegalizationBuilder {
  LegalizationBuilder(Operation *contraction)
      : builder(contraction), loc(contraction->getLoc()),
        backward(contraction->getDiscardableAttr(kBackwardAttr)) {}

  template <typename OpTy, typename... Args> Value create(Args &&...args) {
    auto op = OpTy::create(builder, loc, std::forward<Args>(args)...);
    if (backward)
      op->setDiscardableAttr(kBackwardAttr, backward);
    return op.getResult();
  }

  Value splat(Type type, Attribute value) {
    return create<arith::ConstantOp>(
        SplatElementsAttr::get(cast<ShapedType>(type), value));
  }

  /// An f32 value of every element.
  Value widen(Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getElementType().isF32())
      return value;
    return create<arith::ExtFOp>(type.clone(builder.getF32Type()), value);
  }

  /// The nearest value with 10 mantissa bits, ties to even, as an f32: adding
  /// half of the last kept bit, less one if that bit is 0, carries exactly
  /// where rounding goes up. Infinities and NaN stay.
  Value roundToTf32(Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    RankedTensorType bitsType = type.clone(builder.getI32Type());
    auto bitsSplat = [&](int32_t bits) {
      return splat(bitsType, builder.getI32IntegerAttr(bits));
    };
    Value bits = create<arith::BitcastOp>(bitsType, value);
    Value lastBit = create<arith::AndIOp>(
        create<arith::ShRUIOp>(bits, bitsSplat(13)), bitsSplat(1));
    Value half = create<arith::AddIOp>(lastBit, bitsSplat(0xfff));
    Value kept = create<arith::AndIOp>(create<arith::AddIOp>(bits, half),
                                       bitsSplat(~0x1fff));
    Value rounded = create<arith::BitcastOp>(type, kept);
    Value infinity = splat(
        type, builder.getFloatAttr(builder.getF32Type(),
                                   std::numeric_limits<double>::infinity()));
    Value isFinite = create<arith::CmpFOp>(
        arith::CmpFPredicate::OLT, create<math::AbsFOp>(value), infinity);
    return create<arith::SelectOp>(isFinite, rounded, value);
  }

  OpBuilder builder;
  Location loc;
  Attribute backward;
};

struct LegalizeContractionsPass
    : train::impl::TrainLegalizeContractionsPassBase<LegalizeContractionsPass> {
  using TrainLegalizeContractionsPassBase::TrainLegalizeContractionsPassBase;

  void runOnOperation() override {
    const TargetModel &model = getTarget(getOperation());
    WalkResult result = getOperation().walk([&](ContractionOpInterface op) {
      return WalkResult(legalize(op, model));
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  LogicalResult legalize(ContractionOpInterface op, const TargetModel &model);
};

} // namespace

/// The contraction's result is computed in f32 and rounded afterwards: to the
/// type of the sums where that is narrower, then to its own.
static void roundResult(Operation *contraction, Type sumType) {
  Value result = contraction->getResult(0);
  auto type = cast<RankedTensorType>(result.getType());
  Type f32 = Float32Type::get(contraction->getContext());
  if (type.getElementType() == f32 && sumType == f32)
    return;
  LegalizationBuilder builder(contraction);
  builder.builder.setInsertionPointAfter(contraction);
  result.setType(type.clone(f32));
  Value value = result;
  Operation *first = nullptr;
  auto castTo = [&](Type element) {
    if (getElementTypeOrSelf(value) == element)
      return;
    bool isNarrower = element.getIntOrFloatBitWidth() < 32;
    value = isNarrower
                ? builder.create<arith::TruncFOp>(type.clone(element), value)
                : builder.create<arith::ExtFOp>(type.clone(element), value);
    first = first ? first : value.getDefiningOp();
  };
  castTo(sumType);
  if (type.getElementType() != sumType) {
    castTo(f32);
    castTo(type.getElementType());
  }
  result.replaceAllUsesExcept(value, first);
}

/// What the sums are rounded to.
static Type getSumType(Operation *contraction) {
  if (auto type = contraction->getAttrOfType<TypeAttr>(kAccumulateTypeAttr))
    return type.getValue();
  return Float32Type::get(contraction->getContext());
}

/// Libraries add a bias of f32 or bf16, in f32.
static void widenBias(ContractionOpInterface op, bool keepBf16) {
  Value bias = op.getContractionBias();
  if (!bias || (keepBf16 && getElementTypeOrSelf(bias).isBF16()))
    return;
  Value wide = LegalizationBuilder(op).widen(bias);
  for (OpOperand &operand : op->getOpOperands())
    if (operand.get() == bias && operand.getOperandNumber() > 1)
      operand.set(wide);
}

LogicalResult LegalizeContractionsPass::legalize(ContractionOpInterface op,
                                                 const TargetModel &model) {
  Type elementType = getElementTypeOrSelf(op.getLhsOperand().get());
  bool isTf32 = op->hasAttr(kTf32Attr);
  if (elementType.isF64())
    return op->emitOpError("multiplies f64, which target '")
           << model.getName()
           << "' cannot: f64 is for references; make the operands f32";
  Type sumType = getSumType(op);
  if (sumType.isF64())
    return op->emitOpError("sums in f64, which target '")
           << model.getName() << "' cannot: leave accumulate_type away";
  Type multiplied =
      isTf32 ? Type(FloatTF32Type::get(op->getContext())) : elementType;
  // Devices sum in f32, and round the sums to the result's type themselves.
  if (sumType != getElementTypeOrSelf(op->getResult(0)) && !sumType.isF32())
    roundResult(op, sumType);
  op->removeAttr(kAccumulateTypeAttr);
  Type f32 = Float32Type::get(op->getContext());
  if (model.hasNativeContraction(multiplied)) {
    widenBias(op, /*keepBf16=*/true);
    // A type that is neither f32 nor the operands' is rounded to behind it.
    if (getElementTypeOrSelf(op->getResult(0)) != elementType)
      roundResult(op, f32);
    return success();
  }

  LegalizationBuilder builder(op);
  for (OpOperand *operand : {&op.getLhsOperand(), &op.getRhsOperand()}) {
    Value value = builder.widen(operand->get());
    operand->set(isTf32 ? builder.roundToTf32(value) : value);
  }
  widenBias(op, /*keepBf16=*/false);
  op->removeAttr(kTf32Attr);
  roundResult(op, f32);
  remark::passed(op.getLoc(), remark::RemarkOpts::name("Contraction")
                                  .category("train-legalize-contractions"))
      << remark::reason("{0} of {1} operands runs in f32 on {2}",
                        op->getName().getStringRef(), debugString(multiplied),
                        model.getName());
  return success();
}
