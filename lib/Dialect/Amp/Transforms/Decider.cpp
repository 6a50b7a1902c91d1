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
// Decider
//===----------------------------------------------------------------------===//

FloatType Decider::getType(Value value) const {
  if (FloatType type = decided.lookup(value))
    return type;
  return getAutocastElementType(value.getType());
}

FloatType Decider::getTypeForReaders(Value value) const {
  if (FloatType type = rounded.lookup(value))
    return type;
  return getType(value);
}

/// f32 if anything that `op` reads is to be read as such, else the 16-bit type.
FloatType Decider::getWidestForReaders(PrecisionOpInterface op) const {
  FloatType narrow;
  for (OpOperand *operand : op.getPrecisionOperands()) {
    FloatType type = getTypeForReaders(operand->get());
    if (constants.get(operand->get()))
      continue;
    if (!isNarrow(type) || (narrow && narrow != type))
      return f32;
    narrow = type;
  }
  return narrow ? narrow : f32;
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
  FloatType output =
      getTypeForReaders(op.getPrecisionOperands().front()->get());
  if (output != input)
    return {input, f32, output,
            "reads f32 that is rounded, writes " + getTypeName(output)};
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
  // A comparison reads what there is: rounded, equal values could differ.
  bool hasResult = !op.getPrecisionResults().empty();
  for (OpOperand *operand : op.getPrecisionOperands()) {
    FloatType type =
        hasResult ? getTypeForReaders(operand->get()) : getType(operand->get());
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

/// Compute in f32 where a constant would lose its meaning in 16 bits. What
/// only computes in f32 has no constants to cast, contractions aside.
void Decider::keepConstants(const Subject &subject, Decision &decision) {
  PrecisionOpInterface op = subject.op;
  bool castsOperands = isa<ContractionOpInterface>(op.getOperation()) ||
                       !op.computesInFullPrecision();
  if (!isNarrow(decision.operand) || !castsOperands)
    return;
  std::optional<ConstantLoss> loss = constants.getLoss(op, decision.operand);
  if (!loss)
    return;
  // Infinity is no rounding: a list that leaves the op open does not ask for
  // it.
  bool isOpen = subject.choice.precisionClass != PrecisionClass::Low;
  if (subject.choice.keepsUnsafe || (loss->isOverflow && isOpen))
    decision = {f32, f32, f32, loss->reason};
  else
    unsafe.push_back({op, loss->reason});
}

/// Why one of `values`, which are not in `type` already, must not become so.
std::string Decider::getRangeHazard(ValueRange values, FloatType type) {
  for (Value value : values) {
    if (getType(value) == type || constants.get(value))
      continue;
    std::string hazard = ranges->getHazard(value, type);
    if (!hazard.empty())
      return hazard;
  }
  return "";
}

/// Keep f32, or warn where the policy or one of its overrides insists.
void Decider::keepRange(const Subject &subject, Decision &decision,
                        const std::string &reason, bool isOfResult) {
  PrecisionOpInterface op = subject.op;
  if (!subject.choice.keepsUnsafe || subject.choice.isForced) {
    bool isConsequence = llvm::any_of(
        op->getOperands(), [&](Value v) { return ruined.contains(v); });
    if (!isConsequence)
      unsafe.push_back({op, reason});
    ruined.insert_range(op->getResults());
    return;
  }
  if (isOfResult && op.computesInFullPrecision())
    decision.result = f32;
  else
    decision = {f32, f32, f32, ""};
  decision.reason = reason;
  remark::passed(op.getLoc(),
                 remark::RemarkOpts::name("range").category("amp-keep-range"))
      << remark::add("'{0}' {1} f32", op->getName().getStringRef().str(),
                     isOfResult ? "writes" : "computes in")
      << remark::reason("{0}", reason);
}

/// Ranges say what 16 bits do not hold of what an op reads, or of what it
/// writes.
void Decider::keepRanges(const Subject &subject, Decision &decision) {
  PrecisionOpInterface op = subject.op;
  if (!ranges)
    return;
  SmallVector<Value> operands, results;
  for (OpOperand *operand : op.getPrecisionOperands())
    operands.push_back(operand->get());
  for (OpResult result : op.getPrecisionResults())
    results.push_back(result);
  if (isNarrow(decision.operand))
    if (std::string hazard = getRangeHazard(operands, decision.operand);
        !hazard.empty())
      return keepRange(subject, decision, "an operand " + hazard, false);
  if (isNarrow(decision.result))
    if (std::string hazard = getRangeHazard(results, decision.result);
        !hazard.empty())
      keepRange(subject, decision, "its result " + hazard, true);
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
  keepConstants(subject, *decision);
  keepFullResults(subject, *decision);
  keepRanges(subject, *decision);
  const Policy::Choice &choice = subject.choice;
  StringRef reason = subject.isKept()        ? StringRef(subject.hazard)
                     : choice.reason.empty() ? StringRef(decision->reason)
                                             : choice.reason;
  train::GradientTypesAttr inputGradient, weightGradient;
  if (isa<ContractionOpInterface>(op.getOperation())) {
    inputGradient = decideGradient(*choice.inputGradient, *decision);
    weightGradient = decideGradient(*choice.weightGradient, *decision);
  }
  record(subject,
         PrecisionAttr::get(op->getContext(), decision->operand,
                            decision->accumulate, decision->result, choice.rule,
                            reason, inputGradient, weightGradient));
  remember(subject, *decision);
  return success();
}

/// What a result in f32 is rounded to by who reads it, where f32 was for the
/// sake of the op itself: its activations cost no more than without. Null where
/// f32 is to go on, as behind a constant that 16 bits do not hold.
FloatType Decider::getRoundedType(const Subject &subject,
                                  const Decision &decision) const {
  if (!subject.isKept() || !decision.result.isF32())
    return {};
  FloatType type = isNarrow(decision.operand) ? decision.operand
                                              : getWidestForReaders(subject.op);
  return isNarrow(type) ? type : FloatType();
}

/// What later decisions ask about the results of `subject`.
void Decider::remember(const Subject &subject, const Decision &decision) {
  PrecisionOpInterface op = subject.op;
  bool isNarrowed = isNarrow(decision.operand) || isNarrow(decision.result);
  if (!subject.hazard.empty() && !subject.isKept() && isNarrowed)
    unsafe.push_back({op, subject.hazard});
  constants.track(subject);
  FloatType roundedType = getRoundedType(subject, decision);
  for (OpResult result : op.getPrecisionResults()) {
    if (getAutocastElementType(result.getType()) != decision.result)
      decided[result] = decision.result;
    if (roundedType)
      rounded[result] = roundedType;
  }
}
