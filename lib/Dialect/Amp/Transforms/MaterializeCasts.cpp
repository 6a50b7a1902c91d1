//===- MaterializeCasts.cpp - Inserts the casts that the decisions ask for
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One walk over each forward function, in order: when an op is reached, its
// operands have their final types. What has no decision (returns, ops without a
// precision rule) keeps the types of the model.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Transforms/Forward.h"
#include "vernier/Dialect/Amp/Transforms/Passes.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace vernier::amp {
#define GEN_PASS_DEF_AMPMATERIALIZECASTSPASS
#include "vernier/Dialect/Amp/Transforms/Passes.h.inc"
} // namespace vernier::amp

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

namespace {

/// Casts values, each to each type once.
class CastCache {
public:
  explicit CastCache(FunctionOpInterface function);

  /// `value` with element type `type`.
  Value cast(Value value, FloatType type);

private:
  Value getRepresentative(Value value);

  /// The casts made so far. f16 and bf16 meet through f32.
  DenseMap<std::pair<Value, Type>, Value> casts;
  /// The first load of each global, where no store can come between loads.
  DenseMap<StringAttr, Value> firstLoads;
  bool mergesLoads;
};

} // namespace

CastCache::CastCache(FunctionOpInterface function) {
  mergesLoads = !function
                     .walk([](ml_program::GlobalStoreOp) {
                       return WalkResult::interrupt();
                     })
                     .wasInterrupted();
}

/// The value whose casts serve `value`: a weight that is loaded twice is still
/// cast once.
Value CastCache::getRepresentative(Value value) {
  auto load = value.getDefiningOp<ml_program::GlobalLoadOp>();
  if (!load || !mergesLoads)
    return value;
  return firstLoads.try_emplace(load.getGlobal().getLeafReference(), value)
      .first->second;
}

Value CastCache::cast(Value value, FloatType type) {
  FloatType from = getAutocastElementType(value.getType());
  if (from == type)
    return value;
  // Widening is exact, so narrowing to where a value came from undoes it. The
  // other way round rounds, and stays.
  if (auto widening = value.getDefiningOp<arith::ExtFOp>())
    if (getAutocastElementType(widening.getIn().getType()) == type)
      return widening.getIn();
  if (!from.isF32() && !type.isF32())
    return cast(cast(value, Float32Type::get(type.getContext())), type);

  value = getRepresentative(value);
  Value &result = casts[{value, type}];
  if (result)
    return result;
  OpBuilder builder(type.getContext());
  builder.setInsertionPointAfterValue(value);
  auto castType = mlir::cast<RankedTensorType>(value.getType()).clone(type);
  result =
      from.isF32()
          ? arith::TruncFOp::create(builder, value.getLoc(), castType, value)
                .getResult()
          : arith::ExtFOp::create(builder, value.getLoc(), castType, value)
                .getResult();
  return result;
}

/// The element type in which a value of `type` is stored: tf32 rounds inside
/// the contraction.
static FloatType getStorageType(Type type) {
  return type.isTF32() ? Float32Type::get(type.getContext())
                       : mlir::cast<FloatType>(type);
}

/// Cast the operands of `op` that changed type back to those of the model.
static void restoreOperands(Operation *op, CastCache &casts,
                            const DenseMap<Value, Type> &modelTypes) {
  for (OpOperand &operand : op->getOpOperands())
    if (Type type = modelTypes.lookup(operand.get()))
      operand.set(casts.cast(operand.get(), getAutocastElementType(type)));
}

/// Tell reverse mode in which types the gradient of each operand is wanted.
static void askForGradients(Operation *op, PrecisionAttr precision) {
  auto input = precision.getInputGradient();
  auto weight = precision.getWeightGradient();
  if (!input && !weight)
    return;
  MLIRContext *context = op->getContext();
  SmallVector<Attribute> entries;
  for (Value operand : op->getOperands()) {
    Attribute types = isWeight(operand) ? weight : input;
    entries.push_back(types ? types : UnitAttr::get(context));
  }
  op->setAttr(train::kOperandGradientsAttr, ArrayAttr::get(context, entries));
}

/// Give `op` the types of its decision.
static void applyDecision(PrecisionOpInterface op, PrecisionAttr precision,
                          CastCache &casts) {
  // A full-inside op reads mixed types, unless it is elementwise.
  bool readsAsTheyCome =
      precision.getPrecisionClass() == PrecisionClass::FullInside &&
      op.computesInFullPrecision();
  FloatType type = getStorageType(precision.getOperand());
  if (!readsAsTheyCome)
    for (OpOperand *operand : op.getPrecisionOperands())
      operand->set(casts.cast(operand->get(), type));
  op.setResultPrecision(getStorageType(precision.getResult()));
  if (precision.getOperand().isTF32())
    op->setAttr("tf32", UnitAttr::get(op->getContext()));
  // 16-bit operands have nothing left that the model's own tf32 could round.
  else if (!type.isF32())
    op->removeAttr("tf32");
  askForGradients(op, precision);
}

static void materializeCasts(FunctionOpInterface function) {
  CastCache casts(function);
  /// The type that each changed value has in the model.
  DenseMap<Value, Type> modelTypes;
  SmallVector<Operation *> operations;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op != function)
      operations.push_back(op);
  });
  for (Operation *op : operations) {
    auto precision = op->getAttrOfType<PrecisionAttr>(kPrecisionAttr);
    auto precisionOp = dyn_cast<PrecisionOpInterface>(op);
    if (!precision || !precisionOp || !precision.getPrecisionClass()) {
      restoreOperands(op, casts, modelTypes);
      continue;
    }
    SmallVector<Type> oldTypes(op->getResultTypes());
    applyDecision(precisionOp, precision, casts);
    for (auto [result, oldType] : llvm::zip(op->getResults(), oldTypes))
      if (result.getType() != oldType)
        modelTypes[result] = oldType;
  }
  // A narrowing of the model that now undoes a widening of ours.
  for (Operation *op : operations)
    if (auto narrowing = dyn_cast<arith::TruncFOp>(op))
      if (auto widening = narrowing.getIn().getDefiningOp<arith::ExtFOp>())
        if (widening.getIn().getType() == narrowing.getType())
          narrowing.getResult().replaceAllUsesWith(widening.getIn());
  // Erase what nobody reads any more, users first.
  for (Operation *op : llvm::reverse(operations))
    if (isa<arith::TruncFOp>(op) && op->use_empty())
      op->erase();
}

namespace {

struct MaterializeCastsPass
    : amp::impl::AmpMaterializeCastsPassBase<MaterializeCastsPass> {
  void runOnOperation() override {
    for (FunctionOpInterface function : getForwardFunctions(getOperation()))
      materializeCasts(function);
  }
};

} // namespace
