//===- FunctionGraph.cpp - The precision graph of a function
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FunctionGraph.h"

#include "vernier/Interfaces/ContractionOpInterface.h"
#include "vernier/Interfaces/CostOpInterface.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

FunctionGraph::FunctionGraph(FunctionOpInterface function,
                             ArrayRef<Subject> subjects, FloatType compute,
                             const RangeHazards *ranges)
    : subjects(subjects), compute(compute),
      f32(Float32Type::get(function.getContext())), ranges(ranges) {
  function.walk([&](ml_program::GlobalStoreOp) { mergesLoads = false; });
  for (const Subject &subject : subjects)
    add(subject);
  addOthers(function);
  graph.indexNeighbours();
}

/// The variable of a type that is not to be chosen.
PrecisionGraph::Index FunctionGraph::getFixed(FloatType type) {
  if (type.isF32() || type.isTF32())
    return PrecisionGraph::kWide;
  hasOtherNarrow |= type != compute;
  return PrecisionGraph::kNarrow;
}

/// The graph's value for `value`; none for constants, which cost nothing to
/// cast, and for values without a choice of type.
std::optional<PrecisionGraph::Index> FunctionGraph::getValue(Value value) {
  FloatType type = getAutocastElementType(value.getType());
  if (!type || (value.getDefiningOp() &&
                value.getDefiningOp()->hasTrait<OpTrait::ConstantLike>()))
    return std::nullopt;
  auto known = values.find(value);
  if (known != values.end())
    return known->second;
  int64_t elements = cast<RankedTensorType>(value.getType()).getNumElements();
  auto load = value.getDefiningOp<ml_program::GlobalLoadOp>();
  if (!load || !mergesLoads)
    return values[value] = graph.addValue(getFixed(type), elements);
  auto [entry, isNew] = loads.try_emplace(load.getGlobalAttr());
  if (isNew)
    entry->second = graph.addValue(getFixed(type), elements);
  return values[value] = entry->second;
}

/// How painting sees a class. What may only be narrow near narrow ops is what
/// the policy calls full-inside or widest; follow is for ops that do not mind.
static Paint getPaint(PrecisionClass precisionClass) {
  switch (precisionClass) {
  case PrecisionClass::Low:
    return Paint::Allow;
  case PrecisionClass::Full:
    return Paint::Deny;
  case PrecisionClass::FullInside:
  case PrecisionClass::Widest:
    return Paint::Infer;
  case PrecisionClass::Follow:
    return Paint::Clear;
  }
  llvm_unreachable("unknown precision class");
}

/// The variables of an op: which are given, and which is to be chosen.
PrecisionGraph::Op FunctionGraph::getShape(const Subject &subject) {
  constexpr Index wide = PrecisionGraph::kWide;
  PrecisionOpInterface op = subject.op;
  PrecisionClass precisionClass = subject.choice.precisionClass;
  Paint paint = getPaint(precisionClass);
  if (precisionClass == PrecisionClass::Full)
    return {wide, wide, paint};
  bool mixesTypes = op.computesInFullPrecision();
  bool isScalar = makesScalars(op);
  if (isScalar && !mixesTypes)
    return {wide, wide, Paint::None};
  bool hasFullResult = op.keepsFullPrecisionResult() || isScalar ||
                       (subject.choice.keepsFullResult && mixesTypes);
  if (precisionClass == PrecisionClass::Low) {
    if (!isNarrow(subject.choice.compute))
      return {wide, wide, Paint::None};
    Index operands = getFixed(subject.choice.compute);
    return {operands, hasFullResult ? wide : operands, paint};
  }
  if (precisionClass == PrecisionClass::FullInside && mixesTypes)
    return {PrecisionGraph::kAsItComes,
            hasFullResult ? wide : graph.addVariable(), paint};
  std::optional<ConstantLoss> loss = constants.getLoss(op, compute);
  if (loss && (subject.choice.keepsUnsafe || loss->isOverflow))
    return {wide, wide, Paint::None};
  Index operands = graph.addVariable();
  return {operands, hasFullResult ? wide : operands, paint};
}

/// Whether one of `values` must not be rounded to the 16-bit type.
bool FunctionGraph::leavesRange(ValueRange values) const {
  return llvm::any_of(values, [&](Value value) {
    FloatType type = getAutocastElementType(value.getType());
    return type && type.isF32() && !constants.get(value) &&
           !ranges->getHazard(value, compute).empty();
  });
}

/// What the Decider will keep in f32 is not to be chosen.
PrecisionGraph::Op
FunctionGraph::keepRange(const Subject &subject,
                         const PrecisionGraph::Op &shape) const {
  constexpr Index wide = PrecisionGraph::kWide;
  if (!ranges || !subject.choice.keepsUnsafe || subject.choice.isForced)
    return shape;
  PrecisionOpInterface op = subject.op;
  SmallVector<Value> operands, results;
  for (OpOperand *operand : op.getPrecisionOperands())
    operands.push_back(operand->get());
  for (OpResult result : op.getPrecisionResults())
    results.push_back(result);
  if (leavesRange(operands))
    return {wide, wide, Paint::None};
  if (!leavesRange(results))
    return shape;
  return op.computesInFullPrecision()
             ? PrecisionGraph::Op{shape.operands, wide, shape.paint}
             : PrecisionGraph::Op{wide, wide, Paint::None};
}

void FunctionGraph::add(const Subject &subject) {
  opOfSubject.push_back(graph.getOps().size());
  if (!subject.isDecided())
    return;
  PrecisionOpInterface op = subject.op;
  PrecisionGraph::Op shape = keepRange(subject, getShape(subject));
  SmallVector<Index> operands, results;
  for (OpOperand *operand : op.getPrecisionOperands())
    if (std::optional<Index> value = getValue(operand->get()))
      operands.push_back(*value);
  for (OpResult result : op.getPrecisionResults()) {
    int64_t elements =
        cast<RankedTensorType>(result.getType()).getNumElements();
    results.push_back(graph.addValue(shape.results, elements));
    values[result] = results.back();
  }
  graph.addOp(shape, operands, results);
  if (shape.operands > PrecisionGraph::kNarrow &&
      shape.operands != PrecisionGraph::kAsItComes &&
      isa<ContractionOpInterface>(op.getOperation()))
    graph.addFlops(shape.operands,
                   cast<CostOpInterface>(op.getOperation()).getFlops());
  constants.track(subject);
}

/// Everything that is not decided reads the types of the model.
void FunctionGraph::addOthers(FunctionOpInterface function) {
  DenseSet<Operation *> decided;
  for (const Subject &subject : subjects)
    if (subject.isDecided())
      decided.insert(subject.op);
  function.walk([&](Operation *op) {
    if (op == function || decided.contains(op))
      return;
    for (Value operand : op->getOperands())
      if (std::optional<Index> value = getValue(operand))
        graph.addReader(*value,
                        getFixed(getAutocastElementType(operand.getType())));
  });
}

Decision
FunctionGraph::getDecision(size_t index,
                           const PrecisionGraph::Assignment &assignment) const {
  const PrecisionGraph::Op &op = graph.getOps()[opOfSubject[index]];
  FloatType result = getType(assignment[op.results]);
  if (op.operands == PrecisionGraph::kAsItComes)
    return {result, f32, result, ""};
  return {getType(assignment[op.operands]), f32, result, ""};
}

PrecisionGraph::Assignment FunctionGraph::readDecisions() const {
  PrecisionGraph::Assignment assignment = graph.getAllWide();
  for (auto [index, subject] : llvm::enumerate(subjects)) {
    if (!subject.isDecided())
      continue;
    auto precision = subject.op->getAttrOfType<PrecisionAttr>(kPrecisionAttr);
    const PrecisionGraph::Op &op = graph.getOps()[opOfSubject[index]];
    auto set = [&](Index variable, Type type) {
      if (variable > PrecisionGraph::kNarrow &&
          variable != PrecisionGraph::kAsItComes && type == compute)
        assignment[variable] = Width::Narrow;
    };
    set(op.operands, precision.getOperand());
    set(op.results, precision.getResult());
  }
  return assignment;
}
