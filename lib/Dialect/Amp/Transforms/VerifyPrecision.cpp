//===- VerifyPrecision.cpp - Checks that the decisions are true
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compares each op with its amp.precision, and that with the class that gave
// it. Ops without a precision rule (loads, casts, returns) may have any type.
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
#include "mlir/IR/TypeUtilities.h"

namespace vernier::amp {
#define GEN_PASS_DEF_AMPVERIFYPRECISIONPASS
#include "vernier/Dialect/Amp/Transforms/Passes.h.inc"
} // namespace vernier::amp

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

/// The type in memory: tf32 rounds inside the contraction.
static Type getStorageType(Type type) {
  return type.isTF32() ? Float32Type::get(type.getContext()) : type;
}

static bool isNarrow(Type type) { return type.isBF16() || type.isF16(); }

/// What the class of a decision forbids whatever the op is.
static LogicalResult verifyClass(Operation *op, PrecisionAttr precision) {
  if (precision.getPrecisionClass() == PrecisionClass::Full &&
      !(precision.getOperand().isF32() && precision.getResult().isF32()))
    return op->emitOpError("decided ")
           << precision.getOperand() << " -> " << precision.getResult()
           << " by '" << precision.getRule()
           << "', but the class full allows f32 alone";
  if (!precision.getAccumulate().isF32())
    return op->emitOpError("decided to compute in ")
           << precision.getAccumulate() << " by '" << precision.getRule()
           << "', but sums are kept in f32";
  return success();
}

static LogicalResult verifyOperands(PrecisionOpInterface op,
                                    PrecisionAttr precision) {
  // Mixed operands are what a full-inside op is for, unless it is elementwise.
  if (precision.getPrecisionClass() == PrecisionClass::FullInside &&
      op.computesInFullPrecision())
    return success();
  Type expected = getStorageType(precision.getOperand());
  for (OpOperand *operand : op.getPrecisionOperands()) {
    FloatType actual = getAutocastElementType(operand->get().getType());
    if (actual != expected)
      return op->emitOpError("operand ")
             << operand->getOperandNumber() << " is " << actual << ", but '"
             << precision.getRule() << "' decided " << precision.getOperand()
             << ": run --amp-materialize-casts after --amp-autocast";
  }
  if (precision.getOperand().isTF32() && !op->hasAttr("tf32"))
    return op->emitOpError("lacks the flag tf32 that '")
           << precision.getRule() << "' decided";
  return success();
}

static LogicalResult verifyResults(PrecisionOpInterface op,
                                   PrecisionAttr precision) {
  Type expected = getStorageType(precision.getResult());
  for (OpResult result : op.getPrecisionResults()) {
    FloatType actual = getAutocastElementType(result.getType());
    if (actual != expected)
      return op->emitOpError("result is ")
             << actual << ", but '" << precision.getRule() << "' decided "
             << precision.getResult();
  }
  return success();
}

/// Reverse mode does what `train.operand_gradients` says, which must be what
/// was decided.
static LogicalResult verifyGradientRequest(Operation *op,
                                           PrecisionAttr precision) {
  auto asked = op->getAttrOfType<ArrayAttr>(train::kOperandGradientsAttr);
  auto input = precision.getInputGradient();
  auto weight = precision.getWeightGradient();
  for (OpOperand &operand : op->getOpOperands()) {
    Attribute decided = isWeight(operand.get()) ? weight : input;
    Attribute found = asked ? asked[operand.getOperandNumber()] : Attribute();
    if (decided && decided != found)
      return op->emitOpError("the gradient of operand ")
             << operand.getOperandNumber() << " was decided to be " << decided
             << " by '" << precision.getRule()
             << "', but train.operand_gradients does not ask for it: run "
                "--amp-materialize-casts after --amp-autocast";
  }
  return success();
}

/// Whether a contraction multiplies what was asked for.
static bool multiplies(ContractionOpInterface op, Type operand) {
  Type storage = getStorageType(operand);
  return getElementTypeOrSelf(op.getLhsOperand().get()) == storage &&
         getElementTypeOrSelf(op.getRhsOperand().get()) == storage &&
         op->hasAttr("tf32") == operand.isTF32();
}

/// What computes a gradient in reverse mode has the types that were asked for.
static LogicalResult verifyGradient(PrecisionOpInterface op) {
  auto types =
      op->getAttrOfType<train::GradientTypesAttr>(train::kGradientTypesAttr);
  if (!types || op->getNumResults() != 1)
    return success();
  auto contraction = dyn_cast<ContractionOpInterface>(op.getOperation());
  bool isRight = !contraction || multiplies(contraction, types.getOperand());
  Type result = getElementTypeOrSelf(op->getResult(0));
  // Several contributions to a gradient are summed in f32, and so is what a
  // batch of products yields: f32 is rounded later.
  if (isRight && (result == types.getResult() || result.isF32()))
    return success();
  return op->emitOpError("computes a gradient from ")
         << getElementTypeOrSelf(op->getOperand(0)) << " to " << result
         << ", but the policy asks for " << types.getOperand() << " to "
         << types.getResult();
}

static LogicalResult verifyOp(PrecisionOpInterface op) {
  auto precision = op->getAttrOfType<PrecisionAttr>(kPrecisionAttr);
  // Casts, constants and integers have nothing to decide.
  if (!precision && op.getPrecisionOperands().empty())
    return success();
  if (!precision)
    return op->emitOpError("has no amp.precision: run --amp-autocast first");
  if (!precision.getPrecisionClass())
    return success();
  if (failed(verifyClass(op, precision)) ||
      failed(verifyOperands(op, precision)) ||
      failed(verifyGradientRequest(op, precision)))
    return failure();
  return verifyResults(op, precision);
}

/// The first result of `@loss` is what is differentiated and scaled.
static LogicalResult verifyLoss(FunctionOpInterface function) {
  if (function.getName() != "loss" || function.getNumResults() == 0)
    return success();
  FloatType type = getAutocastElementType(function.getResultTypes().front());
  if (!type || !isNarrow(type))
    return success();
  return function.emitError("'@loss' returns its loss in ")
         << type << ", which rounds what the gradients start from: return f32";
}

/// What is trained is kept in f32; 16-bit copies are made of it.
static LogicalResult verifyMasters(ModuleOp module) {
  for (auto global : module.getOps<ml_program::GlobalOp>()) {
    auto role = global->getAttrOfType<StringAttr>(train::kRoleAttr);
    FloatType type = getAutocastElementType(global.getType());
    if (role && type && isNarrow(type) &&
        (role.getValue() == train::kParameterRole ||
         role.getValue() == train::kMomentRole))
      return global.emitError("the ")
             << role.getValue() << " '@" << global.getSymName()
             << "' is kept in " << type
             << ", where small updates are lost: make it f32; autocast "
             << "makes the 16-bit copies";
  }
  return success();
}

namespace {

struct VerifyPrecisionPass
    : amp::impl::AmpVerifyPrecisionPassBase<VerifyPrecisionPass> {
  void runOnOperation() override {
    if (failed(verifyMasters(getOperation())))
      return signalPassFailure();
    bool hasGradients = true;
    getOperation().walk([&](PrecisionOpInterface op) {
      hasGradients &= succeeded(verifyGradient(op));
    });
    if (!hasGradients)
      return signalPassFailure();
    for (FunctionOpInterface function : getForwardFunctions(getOperation())) {
      // Report every op, not the first alone: they tend to have one cause.
      bool isValid = succeeded(verifyLoss(function));
      function.walk(
          [&](PrecisionOpInterface op) { isValid &= succeeded(verifyOp(op)); });
      if (!isValid)
        return signalPassFailure();
    }
    markAllAnalysesPreserved();
  }
};

} // namespace
