//===- Autocast.cpp - Decides the precision of every op, and says why
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One walk over each forward function: the policy gives an op its class, the
// class and the decided types of the operands give its types. Decisions are
// attributes; --amp-materialize-casts makes them true.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Policies/Policy.h"
#include "vernier/Dialect/Amp/Transforms/Forward.h"
#include "vernier/Dialect/Amp/Transforms/Passes.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Target/TargetModel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"

namespace vernier::amp {
#define GEN_PASS_DEF_AMPAUTOCASTPASS
#include "vernier/Dialect/Amp/Transforms/Passes.h.inc"
} // namespace vernier::amp

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

namespace {

/// The types of one op, and why.
struct Decision {
  FloatType operand, accumulate, result;
  std::string reason;
};

/// Decides the ops of one function in order.
class Decider {
public:
  Decider(Policy &policy, MLIRContext *context)
      : policy(policy), f32(Float32Type::get(context)) {}

  LogicalResult decide(PrecisionOpInterface op);

private:
  FloatType getType(Value value) const;
  /// The constant that `value` is or repeats, or null. A constant is cast to
  /// what it meets rather than widening it.
  Value getConstant(Value value) const;

  void leaveUntouched(PrecisionOpInterface op, StringRef ruleOwner,
                      std::string reason);
  Decision decideLow(PrecisionOpInterface op, FloatType compute) const;
  Decision decideFullInside(PrecisionOpInterface op) const;
  FailureOr<Decision> decideWidest(PrecisionOpInterface op) const;
  void keepScalar(PrecisionOpInterface op, Decision &decision) const;
  void record(PrecisionOpInterface op, PrecisionAttr attr);

  Policy &policy;
  FloatType f32;
  /// Results whose decided type differs from their type in the IR.
  DenseMap<Value, FloatType> decided;
  /// Results of follow ops on one constant (broadcast, transpose), with it.
  DenseMap<Value, Value> constants;
};

} // namespace

static bool isNarrow(FloatType type) { return type.getWidth() == 16; }

/// "bf16", "f32", "tf32".
static std::string typeName(Type type) {
  std::string name;
  llvm::raw_string_ostream os(name);
  os << type;
  return name;
}

/// The element type of the first operand or result that is a tensor.
static Type getAnyElementType(Operation *op) {
  for (Type type : op->getOperandTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      return tensor.getElementType();
  for (Type type : op->getResultTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      return tensor.getElementType();
  return NoneType::get(op->getContext());
}

/// Why `op` keeps the types of the model, or nothing if autocast decides them.
static std::string getReasonToKeep(PrecisionOpInterface op) {
  if (isa<arith::ExtFOp, arith::TruncFOp>(op))
    return "a cast of the model";
  FloatType operand, result;
  auto isF64 = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getElementType().isF64();
  };
  if (llvm::any_of(op->getOperandTypes(), isF64) ||
      llvm::any_of(op->getResultTypes(), isF64))
    return "f64 is never cast";
  for (OpOperand *candidate : llvm::reverse(op.getPrecisionOperands()))
    operand = getAutocastElementType(candidate->get().getType());
  for (Type type : llvm::reverse(op->getResultTypes()))
    if (FloatType element = getAutocastElementType(type))
      result = element;
  if (!operand)
    return result ? "no operand to cast" : "no floating values";
  // An explicit narrowing or widening inside one op is the modeller's choice;
  // PyTorch likewise respects an explicit dtype argument.
  if (result && operand != result && !op.keepsFullPrecisionResult())
    return "the model asks for " + typeName(result) + " from " +
           typeName(operand) + " here";
  return "";
}

FloatType Decider::getType(Value value) const {
  if (FloatType type = decided.lookup(value))
    return type;
  return getAutocastElementType(value.getType());
}

/// Whether every finite element of a constant is finite in `type`.
static bool fitsIn(Value constant, FloatType type) {
  DenseFPElementsAttr elements;
  if (!matchPattern(constant, m_Constant(&elements)))
    return false;
  auto fits = [&](APFloat element) {
    bool wasFinite = element.isFinite(), losesInfo;
    element.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                    &losesInfo);
    return !wasFinite || element.isFinite();
  };
  if (elements.isSplat())
    return fits(elements.getSplatValue<APFloat>());
  return llvm::all_of(elements.getValues<APFloat>(), fits);
}

Value Decider::getConstant(Value value) const {
  return matchPattern(value, m_Constant()) ? value : constants.lookup(value);
}

Decision Decider::decideLow(PrecisionOpInterface op, FloatType compute) const {
  bool isContraction = isa<ContractionOpInterface>(op.getOperation());
  FloatType result = op.keepsFullPrecisionResult() ? f32 : compute;
  if (compute.isF32())
    return {f32, f32, f32, "the policy computes in f32"};
  if (compute.isTF32() && !isContraction)
    return {f32, f32, f32, "tf32 exists inside contractions only"};
  if (compute.isTF32())
    return {compute, f32, f32, "contraction of f32 values rounded to tf32"};
  if (!isContraction)
    return {compute, f32, result, "the policy asks for it"};
  return {compute, f32, result, "contraction, summed in f32"};
}

Decision Decider::decideFullInside(PrecisionOpInterface op) const {
  FloatType input = getType(op.getPrecisionOperands().front()->get());
  if (op.keepsFullPrecisionResult())
    return {input, f32, f32,
            "reads " + typeName(input) + ", computes in f32; a loss stays f32"};
  if (isNarrow(input))
    return {input, f32, input,
            "reads and writes " + typeName(input) + ", computes in f32"};
  return {input, f32, input, "its input is " + typeName(input)};
}

FailureOr<Decision> Decider::decideWidest(PrecisionOpInterface op) const {
  // The types that decide are those of the operands that are not constants; a
  // constant takes part if there is nothing else, or if casting it would
  // overflow.
  FloatType narrow, widest;
  std::string reason;
  SmallVector<Value> constantOperands;
  for (OpOperand *operand : op.getPrecisionOperands()) {
    FloatType type = getType(operand->get());
    if (getConstant(operand->get())) {
      constantOperands.push_back(operand->get());
      continue;
    }
    if (type.isF32()) {
      if (!widest)
        reason = "operand " + std::to_string(operand->getOperandNumber()) +
                 " is f32";
      widest = type;
      continue;
    }
    if (narrow && narrow != type)
      return op->emitOpError("mixes bf16 and f16 operands, neither of which "
                             "holds the other's values: cast one of them with "
                             "arith.extf to f32 in the model, or give '")
             << op->getName() << "' the class full in the policy";
    narrow = type;
  }
  if (widest)
    return Decision{f32, f32, f32, reason};
  if (!narrow)
    return Decision{f32, f32, f32, "every operand is constant"};
  for (Value constant : constantOperands)
    if (!fitsIn(getConstant(constant), narrow))
      return Decision{f32, f32, f32,
                      "a constant operand overflows in " + typeName(narrow)};
  return Decision{narrow, f32, narrow, "every operand is " + typeName(narrow)};
}

/// Whether every result of `op` is a scalar.
static bool makesScalars(Operation *op) {
  return llvm::all_of(op->getResultTypes(), [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getRank() == 0;
  });
}

/// A scalar is a loss, a norm or a mean: in 16 bits it would save nothing and
/// could overflow.
void Decider::keepScalar(PrecisionOpInterface op, Decision &decision) const {
  if (op.computesInFullPrecision()) {
    decision.result = f32;
    decision.reason = "reads " + typeName(decision.operand) +
                      ", computes in f32; a scalar stays f32";
  } else {
    decision = {f32, f32, f32, "a scalar stays f32"};
  }
}

void Decider::record(PrecisionOpInterface op, PrecisionAttr attr) {
  op->setAttr(kPrecisionAttr, attr);
  auto function = op->getParentOfType<FunctionOpInterface>();
  remark::passed(op.getLoc(),
                 remark::RemarkOpts::name(op->getName().getStringRef())
                     .category("amp-autocast")
                     .function(function.getName()))
      << remark::add("{0} -> {1}, computed in {2}", typeName(attr.getOperand()),
                     typeName(attr.getResult()), typeName(attr.getAccumulate()))
      << remark::metric("Rule", attr.getRule())
      << remark::reason("{0}", attr.getReason());
}

void Decider::leaveUntouched(PrecisionOpInterface op, StringRef rule,
                             std::string reason) {
  Type type = getAnyElementType(op);
  StringRef owner = rule.rsplit(": ").first;
  record(op,
         PrecisionAttr::get(op->getContext(), type, type, type,
                            (owner + ": " + kUntouchedVerdict).str(), reason));
}

LogicalResult Decider::decide(PrecisionOpInterface op) {
  // A constant is cast by what reads it.
  if (op->hasTrait<OpTrait::ConstantLike>())
    return success();
  Policy::Choice choice = policy.choose(op);
  std::string reasonToKeep = getReasonToKeep(op);
  if (!reasonToKeep.empty()) {
    leaveUntouched(op, choice.rule, reasonToKeep);
    return success();
  }

  FailureOr<Decision> decision;
  switch (choice.precisionClass) {
  case PrecisionClass::Low:
    decision = decideLow(op, choice.compute);
    break;
  case PrecisionClass::Full:
    decision = Decision{f32, f32, f32, "its values need f32"};
    break;
  case PrecisionClass::FullInside:
    // An elementwise op has one type for all its operands, and computes each
    // element in f32 whatever that type is.
    if (op.computesInFullPrecision())
      decision = decideFullInside(op);
    else
      decision = decideWidest(op);
    break;
  case PrecisionClass::Widest:
  case PrecisionClass::Follow:
    decision = decideWidest(op);
    break;
  }
  if (failed(decision))
    return failure();
  if (isNarrow(decision->result) && makesScalars(op))
    keepScalar(op, *decision);
  StringRef reason =
      choice.reason.empty() ? StringRef(decision->reason) : choice.reason;
  record(op, PrecisionAttr::get(op->getContext(), decision->operand,
                                decision->accumulate, decision->result,
                                choice.rule, reason));

  Value constant;
  if (op->getNumOperands() == 1 &&
      choice.precisionClass == PrecisionClass::Follow)
    constant = getConstant(op->getOperand(0));
  for (Value result : op->getResults())
    if (getAutocastElementType(result.getType())) {
      decided[result] = decision->result;
      if (constant)
        constants[result] = constant;
    }
  return success();
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {

struct AutocastPass : amp::impl::AmpAutocastPassBase<AutocastPass> {
  using AmpAutocastPassBase::AmpAutocastPassBase;

  void runOnOperation() override {
    FailureOr<Policy> loaded = Policy::load(policy, &getContext());
    if (failed(loaded) || failed(overrideCompute(*loaded)) ||
        failed(checkTarget(*loaded)))
      return signalPassFailure();
    for (FunctionOpInterface function : getForwardFunctions(getOperation())) {
      Decider decider(*loaded, &getContext());
      WalkResult result = function.walk<WalkOrder::PreOrder>(
          [&](PrecisionOpInterface op) -> WalkResult {
            return decider.decide(op);
          });
      if (result.wasInterrupted())
        return signalPassFailure();
    }
    for (const std::string &label : loaded->getUnusedOverrides())
      remark::missed(
          getOperation().getLoc(),
          remark::RemarkOpts::name("policy").category("amp-autocast"))
          << remark::add("{0} matches no op", label);
  }

  LogicalResult overrideCompute(Policy &loaded) {
    if (compute.empty())
      return success();
    FloatType type = symbolizeComputeType(compute, &getContext());
    if (!type)
      return getOperation().emitError("unknown compute type '")
             << compute << "': expected f32, tf32, bf16 or f16";
    loaded.setComputeType(type);
    return success();
  }

  /// A type that the device cannot multiply is not refused: the device computes
  /// in f32 with the roundings of the IR, so the results are those of a device
  /// that can. It only saves no time, which a remark says.
  LogicalResult checkTarget(const Policy &loaded) {
    if (target.empty())
      return success();
    llvm::Expected<TargetModel> model = TargetModel::parse(target);
    if (!model)
      return getOperation().emitError(llvm::toString(model.takeError()));
    FloatType type = loaded.getComputeType();
    if (!model->hasNativeContraction(type))
      remark::analysis(
          getOperation().getLoc(),
          remark::RemarkOpts::name("target").category("amp-autocast"))
          << remark::add(
                 "{0} has no {1} contractions: they are computed in f32 "
                 "with the roundings of {1}",
                 model->getName().str(), typeName(type));
    return success();
  }
};

} // namespace
