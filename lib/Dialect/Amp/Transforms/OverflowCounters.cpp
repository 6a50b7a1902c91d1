//===- OverflowCounters.cpp - Counts skipped steps and whose gradients overflow
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OverflowCounters.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

using ml_program::GlobalOp;

OverflowCounters::OverflowCounters(ScalerStates &states, ArrayAttr labels,
                                   std::optional<double> minScale)
    : minScale(minScale) {
  skipped = states.createCounter(kSkippedStepsName, 0, train::kCounterRole);
  steps = states.createCounter(kStepsName, 0, train::kCounterRole);
  first = states.createCounter(kFirstOverflowName, -1, train::kCounterRole);
  firstStep =
      states.createCounter(kFirstOverflowStepName, 0, train::kCounterRole);
  if (minScale)
    atMinimum =
        states.createCounter(kStepsAtMinimumName, 0, train::kCounterRole);
  auto type = RankedTensorType::get({static_cast<int64_t>(labels.size())},
                                    IntegerType::get(labels.getContext(), 32));
  overflows = states.create(kOverflowsName, type,
                            Builder(labels.getContext()).getZeroAttr(type),
                            train::kCounterRole);
  if (overflows)
    overflows->setAttr(train::kLabelsAttr, labels);
}

namespace {

/// Arithmetic on i32 tensors at the end of a step.
struct Counting {
  OpBuilder &builder;
  Location loc;

  Value constant(Type type, int32_t value) {
    return arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(cast<ShapedType>(type), APInt(32, value, true)));
  }
  Value plusOne(Value value) {
    return arith::AddIOp::create(builder, loc, value,
                                 constant(value.getType(), 1));
  }
  Value isNegative(Value value) {
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, value,
                                 constant(value.getType(), 0));
  }
  Value select(Value condition, Value yes, Value no) {
    return arith::SelectOp::create(builder, loc, condition, yes, no);
  }
};

} // namespace

/// Add one to element `index` of `counts`, to none if it is negative.
static Value countAt(Counting c, Value counts, Value index) {
  auto type = cast<RankedTensorType>(counts.getType());
  auto numbers = llvm::to_vector(llvm::seq<int32_t>(0, type.getDimSize(0)));
  Value all = arith::ConstantOp::create(
      c.builder, c.loc, DenseElementsAttr::get(type, ArrayRef(numbers)));
  Value wanted = train::BroadcastOp::create(c.builder, c.loc, type, index,
                                            ArrayRef<int64_t>());
  Value isWanted = arith::CmpIOp::create(c.builder, c.loc,
                                         arith::CmpIPredicate::eq, all, wanted);
  return c.select(isWanted, c.plusOne(counts), counts);
}

LogicalResult OverflowCounters::build(func::FuncOp step,
                                      const StepOutcome &outcome) {
  OpBuilder builder(step.front().getTerminator());
  Location loc = step.getLoc();
  Counting c{builder, loc};
  Value number = c.plusOne(createLoad(builder, loc, steps));
  createStore(builder, loc, steps, number);
  Value skippedBefore = createLoad(builder, loc, skipped);
  createStore(
      builder, loc, skipped,
      c.select(outcome.allFinite, skippedBefore, c.plusOne(skippedBefore)));
  Value counts = createLoad(builder, loc, overflows);
  createStore(builder, loc, overflows,
              countAt(c, counts, outcome.firstOverflow));

  // The first overflow of all is kept with its step.
  Value firstBefore = createLoad(builder, loc, first);
  Value stepBefore = createLoad(builder, loc, firstStep);
  Value isOpen = c.isNegative(firstBefore);
  Value stepNow = c.select(outcome.allFinite, stepBefore, number);
  createStore(builder, loc, first,
              c.select(isOpen, outcome.firstOverflow, firstBefore));
  createStore(builder, loc, firstStep, c.select(isOpen, stepNow, stepBefore));
  if (failed(addResult(step, "first_overflow", outcome.firstOverflow)))
    return failure();
  if (!minScale)
    return success();

  // Skipped steps in a row whose scale could not fall any more.
  Value before = createLoad(builder, loc, atMinimum);
  auto minimum = DenseElementsAttr::get(
      cast<ShapedType>(outcome.scale.getType()), static_cast<float>(*minScale));
  Value isLowest = arith::CmpFOp::create(
      builder, loc, arith::CmpFPredicate::OLE, outcome.scale,
      arith::ConstantOp::create(builder, loc, minimum));
  Value none = c.constant(before.getType(), 0);
  Value after = c.select(isLowest, c.plusOne(before), none);
  after = c.select(outcome.allFinite, none, after);
  createStore(builder, loc, atMinimum, after);
  return addResult(step, "steps_at_minimum", after);
}
