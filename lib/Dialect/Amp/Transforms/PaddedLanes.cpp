//===- PaddedLanes.cpp - What ops make of padding
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Composites are expanded into a scratch block; what an elementwise op makes of
// constant lanes is what it folds to. Two rules are added to folding: zero
// times or over anything finite is zero, and a select between equals is that.
//
//===----------------------------------------------------------------------===//

#include "PaddedLanes.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

PaddedLanes PaddedLanes::constant(Attribute value) {
  PaddedLanes lanes{Constant, value};
  if (auto number = dyn_cast<FloatAttr>(value))
    lanes.isNonNegative =
        number.getValue().isZero() || !number.getValue().isNegative();
  return lanes;
}

PaddedLanes PaddedLanes::zero(Type elementType) {
  return constant(Builder(elementType.getContext()).getZeroAttr(elementType));
}

bool PaddedLanes::isZero() const {
  return kind == Constant && (matchPattern(value, m_AnyZeroFloat()) ||
                              matchPattern(value, m_Zero()));
}

namespace {

using LanesOrFailure = FailureOr<SmallVector<PaddedLanes>>;

/// Evaluates the ops of an expansion.
class LaneEvaluator {
public:
  LanesOrFailure run(Operation *op, ArrayRef<PaddedLanes> operands);
  /// The constants of all expansions, which must not depend on the padding.
  llvm::SmallSetVector<Attribute, 8> constants;

private:
  LanesOrFailure runExpansion(Operation *op, ArrayRef<PaddedLanes> operands);
  PaddedLanes runElementwise(Operation *op, ArrayRef<PaddedLanes> operands);
  LanesOrFailure runReduce(train::ReduceOp op, PaddedLanes operand);
};

} // namespace

static bool isScalar(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return !tensor || tensor.getRank() == 0;
}

/// What `op` folds to on scalars, or null.
static Attribute foldScalars(Operation *op, ArrayRef<PaddedLanes> operands) {
  Block scratch;
  OperationState state(op->getLoc(), op->getName());
  SmallVector<Attribute> values;
  for (auto [operand, lanes] : llvm::zip(op->getOperands(), operands)) {
    state.operands.push_back(scratch.addArgument(
        getElementTypeOrSelf(operand.getType()), op->getLoc()));
    values.push_back(lanes.isConstant() ? lanes.value : Attribute());
  }
  state.types.push_back(getElementTypeOrSelf(op->getResult(0).getType()));
  state.propertiesAttr = op->getPropertiesAsAttribute();
  Operation *scalar = Operation::create(state);
  scratch.push_back(scalar);
  SmallVector<OpFoldResult> results;
  if (failed(scalar->fold(values, results)) || results.size() != 1)
    return {};
  if (auto attribute = dyn_cast<Attribute>(results.front()))
    return attribute;
  auto argument = dyn_cast<BlockArgument>(cast<Value>(results.front()));
  return argument ? values[argument.getArgNumber()] : Attribute();
}

PaddedLanes LaneEvaluator::runElementwise(Operation *op,
                                          ArrayRef<PaddedLanes> operands) {
  PaddedLanes result;
  if (Attribute folded = foldScalars(op, operands)) {
    result = PaddedLanes::constant(folded);
  } else if (llvm::all_of(op->getOperandTypes(), isScalar)) {
    result.kind = PaddedLanes::Finite;
  } else if (isa<arith::MulFOp>(op)) {
    for (unsigned i : {0, 1})
      if (operands[i].isZero() && operands[1 - i].kind != PaddedLanes::Unknown)
        result = operands[i];
  } else if (isa<arith::DivFOp>(op)) {
    if (operands[0].isZero() && operands[1].kind == PaddedLanes::Finite)
      result = operands[0];
  } else if (isa<arith::SelectOp>(op)) {
    if (operands[1].isConstant() && operands[1].value == operands[2].value)
      result = operands[1];
  }
  // Of all elements: only a choice between values that are not negative.
  result.isNonNegative = isa<arith::SelectOp>(op) &&
                         operands[1].isNonNegative && operands[2].isNonNegative;
  return result;
}

/// Zeros add nothing to a sum, and are no maximum of what is not negative. The
/// rows and columns that remain padded hold such sums.
LanesOrFailure LaneEvaluator::runReduce(train::ReduceOp op,
                                        PaddedLanes operand) {
  if (isScalar(op.getInput().getType()))
    return SmallVector<PaddedLanes>{operand};
  bool isHarmless =
      operand.isZero() &&
      (op.getKind() == train::ReduceKind::Sum ||
       (op.getKind() == train::ReduceKind::Max && operand.isNonNegative));
  if (!isHarmless)
    return failure();
  PaddedLanes result = PaddedLanes::zero(op.getType().getElementType());
  if (isScalar(op.getType()))
    result = {PaddedLanes::Finite, {}};
  result.isNonNegative = operand.isNonNegative;
  return SmallVector<PaddedLanes>{result};
}

/// The meaning of a composite, expanded where nobody sees it.
LanesOrFailure LaneEvaluator::runExpansion(Operation *op,
                                           ArrayRef<PaddedLanes> operands) {
  Block scratch;
  IRMapping mapping;
  DenseMap<Value, PaddedLanes> lanes;
  for (auto [operand, its] : llvm::zip(op->getOperands(), operands)) {
    if (mapping.contains(operand))
      continue;
    Value argument = scratch.addArgument(operand.getType(), op->getLoc());
    mapping.map(operand, argument);
    lanes[argument] = its;
  }
  OpBuilder builder(op->getContext());
  builder.setInsertionPointToStart(&scratch);
  Operation *composite = builder.clone(*op, mapping);
  builder.setInsertionPoint(composite);
  auto replacements = cast<FusionOpInterface>(composite).expand(builder);
  if (failed(replacements))
    return failure();
  for (Operation &inner : scratch) {
    if (&inner == composite)
      break;
    auto its = llvm::map_to_vector(inner.getOperands(), [&](Value operand) {
      return lanes.lookup(operand);
    });
    LanesOrFailure results = run(&inner, its);
    if (failed(results))
      return failure();
    for (auto [result, value] : llvm::zip(inner.getResults(), *results))
      lanes[result] = value;
  }
  return llvm::map_to_vector(*replacements,
                             [&](Value value) { return lanes.lookup(value); });
}

LanesOrFailure LaneEvaluator::run(Operation *op,
                                  ArrayRef<PaddedLanes> operands) {
  using Results = SmallVector<PaddedLanes>;
  SplatElementsAttr splat;
  if (op->hasTrait<OpTrait::ConstantLike>()) {
    if (!matchPattern(op, m_Constant(&splat)))
      return Results{PaddedLanes::unknown()};
    constants.insert(splat.getSplatValue<Attribute>());
    return Results{PaddedLanes::constant(splat.getSplatValue<Attribute>())};
  }
  // Elements move, padding to padding.
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, train::TransposeOp>(
          op))
    return Results(operands);
  if (isa<train::GatherOp>(op))
    return Results{operands.front().isZero() ? operands.front()
                                             : PaddedLanes::unknown()};
  // Rows behind the real ones get no updates: they are empty sums.
  if (auto scatter = dyn_cast<train::ScatterAddOp>(op))
    return Results{operands.front().isZero()
                       ? PaddedLanes::zero(scatter.getType().getElementType())
                       : PaddedLanes::unknown()};
  if (auto reduce = dyn_cast<train::ReduceOp>(op))
    return runReduce(reduce, operands.front());
  if (isa<train::BroadcastOp>(op)) {
    // Of a vector only its padding is known; what it repeats along is not.
    bool repeatsReal = operands.front().kind == PaddedLanes::Finite &&
                       !isScalar(op->getOperand(0).getType());
    return repeatsReal ? Results{PaddedLanes::unknown()} : Results(operands);
  }
  if (op->hasTrait<OpTrait::Elementwise>())
    return Results{runElementwise(op, operands)};
  auto fusible = dyn_cast<FusionOpInterface>(op);
  if (fusible && fusible.getFusionKind() == FusionKind::Composite)
    return runExpansion(op, operands);
  return Results(op->getNumResults());
}

FailureOr<SmallVector<PaddedLanes>>
vernier::amp::computePaddedLanes(Operation *original, Operation *padded,
                                 ArrayRef<PaddedLanes> operands) {
  LaneEvaluator real, ours;
  LanesOrFailure result = ours.run(padded, operands);
  // A mean divides by its number of elements, which the padding changes. Zeros
  // stand for real values here: all that is wanted are the constants.
  auto zeros = llvm::map_to_vector(original->getOperands(), [](Value operand) {
    return PaddedLanes::zero(getElementTypeOrSelf(operand.getType()));
  });
  if (failed(result) || failed(real.run(original, zeros)))
    return failure();
  bool isSame = real.constants.size() == ours.constants.size() &&
                llvm::all_of(real.constants, [&](Attribute value) {
                  return ours.constants.contains(value);
                });
  return isSame ? std::move(result) : LanesOrFailure(failure());
}
