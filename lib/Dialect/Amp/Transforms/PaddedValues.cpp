//===- PaddedValues.cpp - Values computed in a padded shape
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In two steps: `infer` says whether a value can be had in a shape, and what
// its padding holds, and changes nothing; `materialize` then builds it.
//
//===----------------------------------------------------------------------===//

#include "PaddedShapes.h"
#include "PaddingPropagation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;
using ml_program::GlobalLoadOp;

/// Chains of ops are followed this far: recursion needs a bound.
static constexpr int kMaxDepth = 64;

static RankedTensorType getType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static ArrayRef<int64_t> getShape(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getShape() : ArrayRef<int64_t>();
}

bool vernier::amp::holds(ArrayRef<int64_t> shape, ArrayRef<int64_t> part) {
  return shape.size() == part.size() &&
         llvm::all_of(llvm::zip(shape, part), [](auto extents) {
           return std::get<0>(extents) >= std::get<1>(extents);
         });
}

//===----------------------------------------------------------------------===//
// What can be had
//===----------------------------------------------------------------------===//

/// The lanes of an operand that stays as it is: it has no padding, so that the
/// rows that are summed may be said to have zeros there; other ops must know
/// that its elements are real ones.
static PaddedLanes getRealLanes(OpOperand &operand) {
  if (isa<train::ScatterAddOp>(operand.getOwner()))
    return PaddedLanes::zero(getType(operand.get()).getElementType());
  return {PaddedLanes::Finite, {}};
}

/// Whether a copy of `operand` is small beside the result: rows that are summed
/// into a table.
static bool isWorthCopying(OpOperand &operand) {
  return isa<train::ScatterAddOp>(operand.getOwner());
}

/// What `op` makes of operands of `types` with `lanes`.
static FailureOr<SmallVector<PaddedLanes>>
computeLanes(Operation *op, ArrayRef<RankedTensorType> types,
             ArrayRef<Type> resultTypes, ArrayRef<PaddedLanes> lanes) {
  Block scratch;
  Operation *padded = op->clone();
  scratch.push_back(padded);
  for (auto [i, type] : llvm::enumerate(types))
    padded->setOperand(i, scratch.addArgument(type, op->getLoc()));
  for (auto [value, type] : llvm::zip(padded->getResults(), resultTypes))
    value.setType(type);
  ScopedDiagnosticHandler quiet(op->getContext(),
                                [](Diagnostic &) { return success(); });
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(padded))
    expand.setStaticOutputShape(getShape(expand.getResult()));
  if (failed(mlir::verify(padded)))
    return failure();
  return computePaddedLanes(op, padded, lanes);
}

/// `op` computes the padded shape if all operands that it needs can be had: a
/// kernel reads slices and writes a padded result without a copy, which is
/// cheaper than padding an operand.
std::optional<PaddedLanes>
PaddingPropagation::inferComputed(OpResult result, Shape shape, int depth) {
  Operation *op = result.getOwner();
  bool isUniform = llvm::all_of(op->getResults(), [&](Value other) {
    return getShape(other) == getShape(result);
  });
  if (!canComputePadded(op) || !isUniform)
    return std::nullopt;
  SmallVector<RankedTensorType> types;
  SmallVector<PaddedLanes> lanes;
  for (OpOperand &operand : op->getOpOperands()) {
    auto wanted = getPaddedOperandShape(operand, shape);
    if (!wanted)
      return std::nullopt;
    RankedTensorType type = getType(operand.get());
    types.push_back(type.clone(*wanted));
    std::optional<PaddedLanes> its = getRealLanes(operand);
    if (types.back() != type)
      its = infer(operand.get(), *wanted, depth + 1);
    if (!its && isWorthCopying(operand))
      its = PaddedLanes::zero(type.getElementType());
    if (!its)
      return std::nullopt;
    lanes.push_back(*its);
  }
  auto resultTypes =
      llvm::map_to_vector(op->getResultTypes(), [&](Type type) -> Type {
        return cast<RankedTensorType>(type).clone(shape);
      });
  auto results = computeLanes(op, types, resultTypes, lanes);
  if (failed(results))
    return std::nullopt;
  for (auto [value, its] : llvm::zip(op->getResults(), *results))
    inferred[{value, getType(value).clone(shape)}] = its;
  return (*results)[result.getResultNumber()];
}

std::optional<PaddedLanes> PaddingPropagation::infer(Value value, Shape shape,
                                                     int depth) {
  Operation *op = value.getDefiningOp();
  RankedTensorType type = getType(value), padded = type.clone(shape);
  auto slice = slices.find(op);
  if (slice != slices.end() && holds(getShape(op->getOperand(0)), shape))
    return slice->second;
  SplatElementsAttr splat;
  if (matchPattern(value, m_Constant(&splat)))
    return PaddedLanes::constant(splat.getSplatValue<Attribute>());
  if (auto known = inferred.find({value, padded}); known != inferred.end())
    return known->second;
  std::optional<PaddedLanes> result;
  if (!failures.contains({value, padded})) {
    auto load = dyn_cast_or_null<GlobalLoadOp>(op);
    if (load && canStore(getGlobal(load), shape))
      result = PaddedLanes::zero(type.getElementType());
    else if (op && !load && depth < kMaxDepth)
      result = inferComputed(cast<OpResult>(value), shape, depth);
    if (!result)
      failures.insert({value, padded});
  }
  // Nested demands may read what another contraction had padded.
  if (!result && depth > 0 && pads.contains({value, padded}))
    result = PaddedLanes::zero(type.getElementType());
  return result;
}

//===----------------------------------------------------------------------===//
// Indices
//===----------------------------------------------------------------------===//

/// Indices at or behind `rows` become -1, which names no row: a sum over more
/// rows must leave those that padding added alone.
static Value dropIndicesBehind(OpBuilder &builder, Value indices,
                               int64_t rows) {
  RankedTensorType type = getType(indices);
  Location loc = indices.getLoc();
  auto splat = [&](int64_t value) -> Value {
    Attribute number = builder.getIntegerAttr(type.getElementType(), value);
    return arith::ConstantOp::create(builder, loc,
                                     SplatElementsAttr::get(type, number));
  };
  Value isRow = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                      indices, splat(rows));
  return arith::SelectOp::create(builder, loc, isRow, indices, splat(-1));
}

/// More rows or classes are no reason to accept more indices than `op` does.
void PaddingPropagation::keepIndices(Operation *op, Operation *padded) {
  OpBuilder builder(padded);
  auto limit = [&](Value indices, int64_t count) {
    if (auto argument = dyn_cast<BlockArgument>(indices))
      if (auto function = dyn_cast<func::FuncOp>(op->getParentOp()))
        function.setArgAttr(argument.getArgNumber(), train::kClassesAttr,
                            builder.getI64IntegerAttr(count));
  };
  if (auto oneHot = dyn_cast<train::OneHotOp>(op))
    limit(oneHot->getOperand(0), getShape(oneHot.getResult()).back());
  if (auto gather = dyn_cast<train::GatherOp>(op))
    limit(gather.getIndices(), getShape(gather.getTable()).front());
  auto scatter = dyn_cast<train::ScatterAddOp>(op);
  if (!scatter)
    return;
  int64_t rows = getShape(scatter.getResult()).front();
  limit(scatter.getIndices(), rows);
  if (rows != getShape(padded->getResult(0)).front())
    padded->setOperand(1,
                       dropIndicesBehind(builder, scatter.getIndices(), rows));
}

//===----------------------------------------------------------------------===//
// What is built
//===----------------------------------------------------------------------===//

Value PaddingPropagation::compute(OpResult result, Shape shape) {
  Operation *op = result.getOwner();
  SmallVector<Value> operands;
  for (OpOperand &operand : op->getOpOperands()) {
    auto wanted = getPaddedOperandShape(operand, shape);
    bool isSame = ArrayRef(*wanted) == getShape(operand.get());
    bool isCopied = !isSame && isWorthCopying(operand) &&
                    !infer(operand.get(), *wanted, /*depth=*/1);
    operands.push_back(isSame     ? operand.get()
                       : isCopied ? createPad(operand.get(), *wanted)
                                  : materialize(operand.get(), *wanted));
  }
  OpBuilder builder(op);
  Operation *padded = builder.clone(*op);
  padded->setOperands(operands);
  setPaddedResultShape(padded, shape);
  keepIndices(op, padded);
  for (auto [old, value] : llvm::zip(op->getResults(), padded->getResults())) {
    PaddedLanes lanes = inferred.lookup({old, value.getType()});
    old.replaceAllUsesWith(createSlice(value, getType(old), lanes));
  }
  return padded->getResult(result.getResultNumber());
}

Value PaddingPropagation::materialize(Value value, Shape shape) {
  Operation *op = value.getDefiningOp();
  RankedTensorType padded = getType(value).clone(shape);
  auto slice = slices.find(op);
  if (slice != slices.end() && holds(getShape(op->getOperand(0)), shape)) {
    Value source = op->getOperand(0);
    PaddedLanes lanes = slice->second;
    return source.getType() == padded ? source
                                      : createSlice(source, padded, lanes);
  }
  SplatElementsAttr splat;
  if (matchPattern(value, m_Constant(&splat))) {
    OpBuilder builder(op);
    return arith::ConstantOp::create(builder, value.getLoc(),
                                     splat.resizeSplat(padded));
  }
  if (inferred.contains({value, padded}))
    return compute(cast<OpResult>(value), shape);
  if (failures.contains({value, padded}))
    return pads.lookup({value, padded});
  auto load = cast<GlobalLoadOp>(op);
  storePadded(getGlobal(load), shape);
  // The padded load and its slice stand before the load that they replace.
  return load->getPrevNode()->getOperand(0);
}

//===----------------------------------------------------------------------===//
// Readers of padded values
//===----------------------------------------------------------------------===//

/// A look-up in a table that is stored padded: its rows are padded as well.
bool PaddingPropagation::widenGather(train::GatherOp op) {
  auto slice = op.getTable().getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice || !slices.contains(slice) || op->use_empty())
    return false;
  SmallVector<int64_t> shape(getShape(op.getResult()));
  auto row = slice.getSourceType().getShape().drop_front();
  llvm::copy(row, shape.end() - row.size());
  PaddedLanes lanes = slices.lookup(slice);
  OpBuilder builder(op);
  Operation *padded = builder.clone(*op);
  padded->setOperand(0, slice.getSource());
  setPaddedResultShape(padded, shape);
  keepIndices(op, padded);
  Value result = padded->getResult(0);
  if (result.getType() != op.getType())
    result = createSlice(result, getType(op.getResult()), lanes);
  op.getResult().replaceAllUsesWith(result);
  return true;
}

/// The shape of the padded value that `value` is a slice of, or computed from,
/// one element from one.
static std::optional<SmallVector<int64_t>>
getPaddedSource(Value value,
                llvm::function_ref<bool(Operation *)> isPaddedSlice) {
  SmallVector<int64_t> real(getShape(value));
  SmallVector<Value> worklist = {value};
  for (unsigned i = 0; i < worklist.size() && i < kMaxDepth; ++i) {
    Operation *op = worklist[i].getDefiningOp();
    if (!op)
      continue;
    if (isPaddedSlice(op))
      return SmallVector<int64_t>(getShape(op->getOperand(0)));
    if (canComputePadded(op))
      llvm::copy_if(
          op->getOperands(), std::back_inserter(worklist),
          [&](Value operand) { return getShape(operand) == ArrayRef(real); });
  }
  return std::nullopt;
}

/// Reductions of whole tensors (a finite check, a norm) over padded tensors,
/// where the zeros change nothing.
bool PaddingPropagation::widenReductions(Operation *op) {
  auto fusible = dyn_cast<FusionOpInterface>(op);
  bool isReduction =
      fusible && fusible.getFusionKind() == FusionKind::Composite &&
      op->getNumResults() > 0 && getShape(op->getResults().back()).empty() &&
      !op->use_empty();
  if (!isReduction)
    return false;
  inferred.clear();
  SmallVector<PaddedLanes> lanes;
  SmallVector<RankedTensorType> types;
  SmallVector<Type> resultTypes(op->getResultTypes());
  bool isWider = false;
  for (OpOperand &operand : op->getOpOperands()) {
    unsigned i = operand.getOperandNumber();
    RankedTensorType type = getType(operand.get());
    types.push_back(type);
    lanes.push_back({PaddedLanes::Finite, {}});
    if (type.getRank() == 0)
      continue;
    lanes.back() = PaddedLanes::zero(type.getElementType());
    auto shape = getPaddedSource(operand.get(), [&](Operation *definition) {
      return slices.contains(definition);
    });
    std::optional<PaddedLanes> its;
    if (shape)
      its = infer(operand.get(), *shape, /*depth=*/1);
    if (!its || !its->isZero())
      continue;
    types.back() = type.clone(*shape);
    // A result for each operand: clipped gradients.
    if (i < op->getNumResults() &&
        getShape(op->getResult(i)) == type.getShape())
      resultTypes[i] = getType(op->getResult(i)).clone(*shape);
    isWider = true;
  }
  if (!isWider)
    return false;
  auto results = computeLanes(op, types, resultTypes, lanes);
  if (failed(results))
    return false;
  SmallVector<Value> operands;
  for (auto [operand, type] : llvm::zip(op->getOperands(), types))
    operands.push_back(operand.getType() == type
                           ? operand
                           : materialize(operand, type.getShape()));
  Operation *padded = OpBuilder(op).clone(*op);
  padded->setOperands(operands);
  for (auto [old, value, type, its] : llvm::zip(
           op->getResults(), padded->getResults(), resultTypes, *results)) {
    value.setType(type);
    bool isSame = old.getType() == type;
    old.replaceAllUsesWith(isSame ? value
                                  : createSlice(value, getType(old), its));
  }
  return true;
}
