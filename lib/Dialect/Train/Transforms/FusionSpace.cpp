//===- FusionSpace.cpp - How ops fit the iteration space of a fusion
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusionSpace.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace vernier::train;

static ArrayRef<int64_t> getShape(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

static int64_t countElements(ArrayRef<int64_t> shape) {
  return ShapedType::getNumElements(shape);
}

int64_t FusionSpace::getNumElements() const { return countElements(shape); }

int64_t FusionSpace::getRows() const {
  if (schedule == FusionSchedule::Flat)
    return 1;
  return countElements(ArrayRef(shape).take_front(split));
}

int64_t FusionSpace::getColumns() const {
  if (schedule == FusionSchedule::Flat)
    return getNumElements();
  return countElements(ArrayRef(shape).drop_front(split));
}

bool FusionSpace::canStore(ValueClass valueClass) const {
  switch (schedule) {
  case FusionSchedule::Flat:
    return true;
  case FusionSchedule::Rows:
    return valueClass != ValueClass::PerColumn;
  case FusionSchedule::Columns:
    return valueClass == ValueClass::PerColumn;
  }
  llvm_unreachable("unknown schedule");
}

/// Whether `dims` are [first, first + size).
static bool areConsecutive(ArrayRef<int64_t> dims, int64_t first) {
  return llvm::equal(dims, llvm::seq<int64_t>(first, first + dims.size()));
}

bool vernier::train::reducesTrailingDims(ReduceOp reduce) {
  int64_t rank = getShape(reduce.getInput()).size();
  return areConsecutive(reduce.getDims(), rank - reduce.getDims().size());
}

bool vernier::train::reducesLeadingDims(ReduceOp reduce) {
  return areConsecutive(reduce.getDims(), 0);
}

bool vernier::train::isCheap(Operation *op) {
  if (isa<BroadcastOp, OneHotOp, IotaOp, math::AbsFOp>(op))
    return true;
  return isa<arith::ArithDialect>(op->getDialect()) &&
         !isa<arith::DivFOp, arith::RemFOp, arith::DivSIOp, arith::DivUIOp,
              arith::RemSIOp, arith::RemUIOp>(op);
}

//===----------------------------------------------------------------------===//
// Joining a reader
//===----------------------------------------------------------------------===//

/// The split of `space` is, or from now on will be, `split`.
static bool decideSplit(FusionSpace &space, int64_t split) {
  if (space.split != -1 && space.split != split)
    return false;
  space.split = split;
  return true;
}

/// Whether the rank-0 value that is repeated over `space` is its full
/// reduction, the value of its only row. Other scalars are computed apart, for
/// all fusions.
static bool reducesSpace(const FusionSpace &space, Value scalar) {
  auto reduce = scalar.getDefiningOp<ReduceOp>();
  return reduce && getShape(reduce.getInput()) == ArrayRef(space.shape);
}

/// The class of what a broadcast member repeats: leading dims are rows,
/// trailing dims columns. Other scalars are not computed in the loop.
static std::optional<FusionFit> fitBroadcastInput(FusionFit fit,
                                                  BroadcastOp broadcast) {
  ArrayRef<int64_t> input = getShape(broadcast.getInput());
  FusionSpace &space = fit.space;
  fit.isBroadcast = true;
  if (countElements(input) == 1 && space.isScalar())
    return fit;
  if (fit.valueClass != ValueClass::Full)
    return std::nullopt;
  if (input.empty() && !reducesSpace(space, broadcast.getInput()))
    return std::nullopt;
  if (space.schedule == FusionSchedule::Flat)
    space.schedule = FusionSchedule::Rows;
  ArrayRef<int64_t> shape = space.shape, dims = broadcast.getDims();
  int64_t size = dims.size(), rank = shape.size();
  if (areConsecutive(dims, 0) && input == shape.take_front(size) &&
      decideSplit(space, size)) {
    fit.valueClass = ValueClass::PerRow;
    return fit;
  }
  if (areConsecutive(dims, rank - size) && input == shape.take_back(size) &&
      decideSplit(space, rank - size)) {
    fit.valueClass = ValueClass::PerColumn;
    return fit;
  }
  return std::nullopt;
}

/// The class of what a member reads.
static std::optional<FusionFit> classifyUse(FusionFit fit, OpOperand &use) {
  Operation *owner = use.getOwner();
  if (auto broadcast = dyn_cast<BroadcastOp>(owner))
    return fitBroadcastInput(fit, broadcast);
  if (isa<OneHotOp>(owner)) {
    if (fit.valueClass != ValueClass::Full || !decideSplit(fit.space, 1))
      return std::nullopt;
    fit.valueClass = ValueClass::PerRow;
    return fit;
  }
  if (isa<ReduceOp>(owner))
    fit.valueClass = ValueClass::Full;
  return fit;
}

/// A reduction joins the readers of its result: they are row (column) values of
/// a space, or become those of a new and larger one.
static std::optional<FusionFit> fitReduce(FusionFit fit, ReduceOp reduce) {
  FusionSpace &space = fit.space;
  ArrayRef<int64_t> input = getShape(reduce.getInput());
  int64_t kept = input.size() - reduce.getDims().size();
  bool sameShape = ArrayRef(space.shape) == input;
  if (reducesTrailingDims(reduce) && fit.valueClass == ValueClass::PerRow &&
      space.schedule == FusionSchedule::Rows && sameShape &&
      decideSplit(space, kept))
    return fit;
  if (reducesLeadingDims(reduce) && fit.valueClass == ValueClass::PerColumn &&
      !fit.isBroadcast && space.schedule == FusionSchedule::Columns &&
      sameShape && space.split == int64_t(input.size()) - kept)
    return fit;
  // Only a flat fusion can still become rows or columns. Scalars stay among
  // themselves: several reductions may end in one scalar.
  if (space.schedule != FusionSchedule::Flat || space.isScalar() ||
      fit.isBroadcast || fit.valueClass != ValueClass::Full)
    return std::nullopt;
  FusionFit start = startSpace(reduce);
  start.fullBecomes = start.valueClass;
  return start;
}

/// Whether `op` can be computed as `fit` says.
static std::optional<FusionFit> fitProducer(FusionFit fit, Operation *op) {
  FusionSpace &space = fit.space;
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return fitReduce(fit, reduce);
  // What is one element belongs to the scalars, or to the only row.
  bool isScalar = countElements(getShape(op->getResult(0))) == 1;
  if (isScalar && !space.isScalar() && fit.valueClass != ValueClass::PerRow)
    return std::nullopt;
  // Values that a broadcast repeats along the inner loop's other dim would be
  // computed again and again.
  bool isRecomputed =
      fit.isBroadcast && (fit.valueClass == ValueClass::PerColumn ||
                          space.schedule == FusionSchedule::Columns);
  if (isRecomputed && !isCheap(op))
    return std::nullopt;
  if (auto oneHot = dyn_cast<OneHotOp>(op)) {
    if (fit.valueClass != ValueClass::Full || !decideSplit(space, 1))
      return std::nullopt;
  } else if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
    if (countElements(getShape(broadcast.getInput())) == 1)
      return fit;
    if (fit.valueClass != ValueClass::Full)
      return std::nullopt;
  } else {
    return fit;
  }
  if (space.schedule == FusionSchedule::Flat)
    space.schedule = FusionSchedule::Rows;
  return fit;
}

std::optional<FusionFit> vernier::train::fitUse(const FusionSpace &space,
                                                ValueClass ownerClass,
                                                OpOperand &use) {
  std::optional<FusionFit> fit = classifyUse({space, ownerClass}, use);
  return fit ? fitProducer(*fit, use.get().getDefiningOp()) : std::nullopt;
}

bool vernier::train::readsClass(FusionSpace &space, ValueClass ownerClass,
                                OpOperand &use, ValueClass producerClass) {
  std::optional<FusionFit> fit = classifyUse({space, ownerClass}, use);
  if (!fit || fit->valueClass != producerClass)
    return false;
  space = fit->space;
  return true;
}

//===----------------------------------------------------------------------===//
// Starting and joining spaces
//===----------------------------------------------------------------------===//

FusionFit vernier::train::startSpace(Operation *op) {
  FusionFit fit;
  fit.valueClass = ValueClass::Full;
  FusionSpace &space = fit.space;
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    space.shape = llvm::to_vector(getShape(reduce.getInput()));
    int64_t reduced = reduce.getDims().size(), rank = space.shape.size();
    bool isTrailing = reducesTrailingDims(reduce);
    space.schedule =
        isTrailing ? FusionSchedule::Rows : FusionSchedule::Columns;
    space.split = isTrailing ? rank - reduced : reduced;
    fit.valueClass = isTrailing ? ValueClass::PerRow : ValueClass::PerColumn;
    return fit;
  }
  space.shape = llvm::to_vector(getShape(op->getResult(0)));
  auto broadcast = dyn_cast<BroadcastOp>(op);
  bool repeatsTensor =
      broadcast && countElements(getShape(broadcast.getInput())) != 1;
  if (repeatsTensor || isa<OneHotOp>(op))
    space.schedule = FusionSchedule::Rows;
  if (isa<OneHotOp>(op))
    space.split = 1;
  return fit;
}

std::optional<FusionSpace>
vernier::train::joinSpaces(const FusionSpace &first,
                           const FusionSpace &second) {
  // Flat values are Full values of rows of the same shape.
  if (first.schedule == FusionSchedule::Flat &&
      second.schedule == FusionSchedule::Rows)
    return joinSpaces(second, first);
  if (first.isScalar() != second.isScalar())
    return std::nullopt;
  bool areFlat = first.schedule == FusionSchedule::Flat &&
                 second.schedule == FusionSchedule::Flat;
  if (areFlat)
    return first.getNumElements() == second.getNumElements()
               ? std::optional(first)
               : std::nullopt;
  if (first.shape != second.shape)
    return std::nullopt;
  bool joinable = first.schedule == second.schedule ||
                  (first.schedule == FusionSchedule::Rows &&
                   second.schedule == FusionSchedule::Flat);
  FusionSpace joined = first;
  if (!joinable || (second.split != -1 && !decideSplit(joined, second.split)))
    return std::nullopt;
  return joined;
}
