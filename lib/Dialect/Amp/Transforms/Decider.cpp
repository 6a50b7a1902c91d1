//===- Decider.cpp - The precision of one op after the other
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decider.h"

#include "vernier/Interfaces/ContractionOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

bool amp::isNarrow(FloatType type) { return type.getWidth() == 16; }

std::string amp::getTypeName(Type type) {
  // Printing a type takes longer than deciding an op.
  if (type.isF32())
    return "f32";
  if (type.isBF16())
    return "bf16";
  if (type.isF16())
    return "f16";
  std::string name;
  llvm::raw_string_ostream os(name);
  os << type;
  return name;
}

bool amp::makesScalars(Operation *op) {
  return llvm::all_of(op->getResultTypes(), [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getRank() == 0;
  });
}

//===----------------------------------------------------------------------===//
// Subjects
//===----------------------------------------------------------------------===//

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
    return "the model asks for " + getTypeName(result) + " from " +
           getTypeName(operand) + " here";
  return "";
}

std::vector<Subject> amp::collectSubjects(FunctionOpInterface function,
                                          Policy &policy) {
  std::vector<Subject> subjects;
  function.walk<WalkOrder::PreOrder>([&](PrecisionOpInterface op) {
    if (op->hasTrait<OpTrait::ConstantLike>())
      return;
    Subject &subject = subjects.emplace_back(
        Subject{op, policy.choose(op), getReasonToKeep(op)});
    if (subject.isDecided() && subject.choice.isDisabled)
      subject.reasonToKeep = subject.choice.reason.empty()
                                 ? "the policy leaves it as the model has it"
                                 : subject.choice.reason.str();
  });
  return subjects;
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

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

Value ConstantTracker::get(Value value) const {
  return matchPattern(value, m_Constant()) ? value : constants.lookup(value);
}

void ConstantTracker::track(const Subject &subject) {
  PrecisionOpInterface op = subject.op;
  if (!subject.isDecided() || op->getNumOperands() != 1 ||
      subject.choice.precisionClass != PrecisionClass::Follow)
    return;
  if (Value constant = get(op->getOperand(0)))
    for (Value result : op->getResults())
      constants[result] = constant;
}

bool ConstantTracker::overflows(PrecisionOpInterface op, FloatType type) const {
  return llvm::any_of(op.getPrecisionOperands(), [&](OpOperand *operand) {
    Value constant = get(operand->get());
    return constant && !fitsIn(constant, type);
  });
}

//===----------------------------------------------------------------------===//
// Decider
//===----------------------------------------------------------------------===//

FloatType Decider::getType(Value value) const {
  if (FloatType type = decided.lookup(value))
    return type;
  return getAutocastElementType(value.getType());
}

Decision Decider::decideLow(const Subject &subject) const {
  PrecisionOpInterface op = subject.op;
  FloatType compute = subject.choice.compute;
  bool isContraction = isa<ContractionOpInterface>(op.getOperation());
  if (compute.isF32())
    return {f32, f32, f32, "the policy computes in f32"};
  if (compute.isTF32() && !isContraction)
    return {f32, f32, f32, "tf32 exists inside contractions only"};
  if (compute.isTF32())
    return {compute, f32, f32, "contraction of f32 values rounded to tf32"};
  if (!isContraction)
    return {compute, f32, compute, "the policy asks for it"};
  return {compute, f32, compute, "contraction, summed in f32"};
}

Decision Decider::decideFullInside(PrecisionOpInterface op) const {
  FloatType input = getType(op.getPrecisionOperands().front()->get());
  if (op.keepsFullPrecisionResult())
    return {input, f32, f32,
            "reads " + getTypeName(input) +
                ", computes in f32; a loss stays f32"};
  if (isNarrow(input))
    return {input, f32, input,
            "reads and writes " + getTypeName(input) + ", computes in f32"};
  return {input, f32, input, "its input is " + getTypeName(input)};
}

/// PyTorch promotes the type that it computes in and f32, and no other.
LogicalResult Decider::checkOperands(const Subject &subject) const {
  PrecisionOpInterface op = subject.op;
  FloatType refused = subject.choice.refusedOperand;
  for (OpOperand *operand : op.getPrecisionOperands())
    if (refused && getType(operand->get()) == refused)
      return op->emitOpError("reads ")
             << refused << " as operand " << operand->getOperandNumber()
             << ", where '" << subject.choice.rule << "' computes in "
             << subject.choice.compute
             << " and refuses the other 16-bit type: cast the operand with "
                "arith.extf to f32 in the model, or give '"
             << op->getName() << "' the class full in the policy";
  return success();
}

FailureOr<Decision> Decider::decideWidest(PrecisionOpInterface op) const {
  // The types that decide are those of the operands that are not constants; a
  // constant takes part if there is nothing else, or if casting it would
  // overflow.
  FloatType narrow, widest;
  std::string reason;
  for (OpOperand *operand : op.getPrecisionOperands()) {
    FloatType type = getType(operand->get());
    if (constants.get(operand->get()))
      continue;
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
  if (constants.overflows(op, narrow))
    return Decision{f32, f32, f32,
                    "a constant operand overflows in " + getTypeName(narrow)};
  return Decision{narrow, f32, narrow,
                  "every operand is " + getTypeName(narrow)};
}

/// What a loss and a scalar are written in, whatever the class.
void Decider::keepFullResults(const Subject &subject,
                              Decision &decision) const {
  PrecisionOpInterface op = subject.op;
  if (!isNarrow(decision.result))
    return;
  if (op.keepsFullPrecisionResult()) {
    decision.result = f32;
  } else if (subject.choice.keepsFullResult && op.computesInFullPrecision()) {
    decision.result = f32;
    decision.reason += "; the policy keeps its result in f32";
  } else if (makesScalars(op) && op.computesInFullPrecision()) {
    decision.result = f32;
    decision.reason = "reads " + getTypeName(decision.operand) +
                      ", computes in f32; a scalar stays f32";
  } else if (makesScalars(op)) {
    decision = {f32, f32, f32, "a scalar stays f32"};
  }
}

/// An elementwise op has one type for all its operands, and computes each
/// element in f32 whatever that type is: full-inside says nothing about it.
FailureOr<Decision> Decider::decideByClass(const Subject &subject,
                                           const Decision *assigned) const {
  PrecisionOpInterface op = subject.op;
  switch (subject.choice.precisionClass) {
  case PrecisionClass::Low:
    return decideLow(subject);
  case PrecisionClass::Full:
    return Decision{f32, f32, f32, "its values need f32"};
  case PrecisionClass::FullInside:
    if (op.computesInFullPrecision()) {
      Decision decision = decideFullInside(op);
      if (assigned && !op.keepsFullPrecisionResult()) {
        decision.result = assigned->result;
        decision.reason = assigned->reason;
      }
      return decision;
    }
    [[fallthrough]];
  case PrecisionClass::Widest:
    if (failed(checkOperands(subject)))
      return failure();
    [[fallthrough]];
  case PrecisionClass::Follow:
    return assigned ? *assigned : decideWidest(op);
  }
  llvm_unreachable("unknown precision class");
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

/// "bf16 -> f32"
static std::string describe(train::GradientTypesAttr types) {
  return getTypeName(types.getOperand()) + " -> " +
         getTypeName(types.getResult());
}

static void record(const Subject &subject, PrecisionAttr attr) {
  PrecisionOpInterface op = subject.op;
  op->setAttr(kPrecisionAttr, attr);
  auto function = op->getParentOfType<FunctionOpInterface>();
  auto remark = remark::passed(
      op.getLoc(), remark::RemarkOpts::name(op->getName().getStringRef())
                       .category("amp-autocast")
                       .function(function.getName()));
  // The texts below are built even if nobody wants them.
  if (!remark)
    return;
  remark << remark::add("{0} -> {1}, computed in {2}",
                        getTypeName(attr.getOperand()),
                        getTypeName(attr.getResult()),
                        getTypeName(attr.getAccumulate()))
         << remark::metric("Rule", attr.getRule());
  if (auto gradient = attr.getInputGradient())
    remark << remark::metric("InputGradient", describe(gradient));
  if (auto gradient = attr.getWeightGradient())
    remark << remark::metric("WeightGradient", describe(gradient));
  remark << remark::reason("{0}", attr.getReason());
}

/// The types of a gradient: what the policy leaves open are the op's own, and a
/// result is of the type that was multiplied, f32 if that was tf32.
static train::GradientTypesAttr decideGradient(const Policy::Gradient &asked,
                                               const Decision &decision) {
  if (!asked)
    return {};
  FloatType operand = asked.compute ? asked.compute : decision.operand;
  FloatType result = asked.result ? asked.result : operand;
  MLIRContext *context = operand.getContext();
  if (result.isTF32())
    result = Float32Type::get(context);
  return train::GradientTypesAttr::get(context, operand, result);
}

static void leaveUntouched(const Subject &subject) {
  Type type = getAnyElementType(subject.op);
  StringRef owner = subject.choice.rule.rsplit(": ").first;
  record(subject, PrecisionAttr::get(type.getContext(), type, type, type,
                                     (owner + ": " + kUntouchedVerdict).str(),
                                     subject.reasonToKeep, {}, {}));
}

LogicalResult Decider::decide(const Subject &subject,
                              const Decision *assigned) {
  if (!subject.isDecided()) {
    leaveUntouched(subject);
    return success();
  }
  FailureOr<Decision> decision = decideByClass(subject, assigned);
  if (failed(decision))
    return failure();
  PrecisionOpInterface op = subject.op;
  keepFullResults(subject, *decision);
  const Policy::Choice &choice = subject.choice;
  StringRef reason =
      choice.reason.empty() ? StringRef(decision->reason) : choice.reason;
  train::GradientTypesAttr inputGradient, weightGradient;
  if (isa<ContractionOpInterface>(op.getOperation())) {
    inputGradient = decideGradient(*choice.inputGradient, *decision);
    weightGradient = decideGradient(*choice.weightGradient, *decision);
  }
  record(subject,
         PrecisionAttr::get(op->getContext(), decision->operand,
                            decision->accumulate, decision->result, choice.rule,
                            reason, inputGradient, weightGradient));
  constants.track(subject);
  for (OpResult result : op.getPrecisionResults())
    if (getAutocastElementType(result.getType()) != decision->result)
      decided[result] = decision->result;
  return success();
}
