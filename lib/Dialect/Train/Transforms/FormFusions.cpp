//===- FormFusions.cpp - Groups primitives into fusions
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Makes each fusion that FusionPlanner finds a `train.fusion`. Precondition:
// train-prepare-fusions. Afterwards every op of the function is a fusion, a
// contraction, a transpose, a reshape, a constant, a global load or store, or
// the return.
//
//===----------------------------------------------------------------------===//

#include "FusionPlanner.h"

#include "vernier/Dialect/Train/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/SetVector.h"

namespace vernier::train {
#define GEN_PASS_DEF_TRAINFORMFUSIONSPASS
#include "vernier/Dialect/Train/Transforms/Passes.h.inc"
} // namespace vernier::train

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

/// Move loads of globals to the start of the block and stores to its end where
/// no access to the same global is passed, so that they stand in no fusion's
/// way; each value of a global is loaded once.
static void moveGlobalAccesses(Block &block) {
  llvm::DenseSet<Attribute> stored;
  llvm::DenseMap<Attribute, Operation *> loads;
  Operation *start = nullptr;
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (auto store = dyn_cast<ml_program::GlobalStoreOp>(op))
      stored.insert(store.getGlobal());
    auto load = dyn_cast<ml_program::GlobalLoadOp>(op);
    if (!load || stored.contains(load.getGlobal()))
      continue;
    auto [first, isFirst] = loads.insert({load.getGlobal(), &op});
    if (!isFirst) {
      op.replaceAllUsesWith(first->second);
      op.erase();
      continue;
    }
    if (start)
      op.moveAfter(start);
    else
      op.moveBefore(&block, block.begin());
    start = &op;
  }
  SmallVector<Operation *> ops =
      llvm::to_vector(llvm::make_pointer_range(block.without_terminator()));
  llvm::DenseSet<Attribute> accessed;
  Operation *end = block.getTerminator();
  for (Operation *op : llvm::reverse(ops)) {
    if (auto load = dyn_cast<ml_program::GlobalLoadOp>(op))
      accessed.insert(load.getGlobal());
    auto store = dyn_cast<ml_program::GlobalStoreOp>(op);
    if (!store || !accessed.insert(store.getGlobal()).second)
      continue;
    op->moveBefore(end);
    end = op;
  }
}

/// Move reshapes, which cost nothing, in front of their first reader, so that
/// they separate no producer from its readers.
static void sinkReshapes(Block &block) {
  auto isReshape = [](Operation *op) {
    return isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op);
  };
  llvm::DenseSet<Operation *> moved;
  for (Operation &reader : llvm::make_early_inc_range(block)) {
    if (isReshape(&reader))
      continue;
    for (Value operand : reader.getOperands()) {
      // Chains of reshapes end up in their order.
      Operation *place = &reader, *op = operand.getDefiningOp();
      for (; op && isReshape(op) && moved.insert(op).second;
           op = op->getOperand(0).getDefiningOp()) {
        op->moveBefore(place);
        place = op;
      }
    }
  }
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

/// Where the fusion's time is spent, for the explanation: the places of all its
/// ops, each once.
static Location fuseLocations(ArrayRef<Operation *> ops) {
  llvm::SmallSetVector<Location, 8> locations;
  for (Operation *op : ops)
    locations.insert(op->getLoc());
  return FusedLoc::get(ops.front()->getContext(), locations.getArrayRef());
}

/// Bytes that the ops would move if each ran alone, less those of the fusion.
static int64_t countSavedBytes(ArrayRef<Operation *> ops, FusionOp fusion) {
  auto countBytes = [](Operation *op) {
    int64_t bytes = 0;
    for (Value operand : op->getOperands())
      if (!FusionPlanner::isCloned(operand))
        bytes += getTensorBytes(operand);
    for (Value result : op->getResults())
      bytes += getTensorBytes(result);
    return bytes;
  };
  int64_t bytes = -countBytes(fusion);
  for (Operation *op : ops)
    bytes += countBytes(op);
  return bytes;
}

static void emitRemark(FusionOp fusion, ArrayRef<Operation *> ops) {
  remark::passed(fusion.getLoc(), remark::RemarkOpts::name("Fusion").category(
                                      "train-form-fusions"))
      << remark::reason("{0} fusion of {1} ops over {2} x {3} keeps {4} bytes "
                        "out of memory",
                        stringifyFusionSchedule(fusion.getSchedule()),
                        ops.size(), fusion.getRows(), fusion.getCols(),
                        countSavedBytes(ops, fusion));
}

/// Build the fusion of `plan`: the values that it reads become its inputs,
/// splat constants are cloned. What it writes is still to be replaced.
static void
buildFusion(const FusionPlanner &planner, const FusionPlan &plan,
            SmallVectorImpl<std::pair<Value, Value>> &replacements) {
  SmallVector<Operation *> ops = llvm::map_to_vector(
      plan.members, [](const auto &member) { return member.first; });
  llvm::sort(ops, [&](Operation *a, Operation *b) {
    return planner.getIndex(a) < planner.getIndex(b);
  });
  llvm::SetVector<Value> inputs, constants;
  SmallVector<Value> outputs;
  bool isBackward = false;
  for (Operation *op : ops) {
    for (Value operand : op->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (producer && plan.contains(producer))
        continue;
      if (FusionPlanner::isCloned(operand))
        constants.insert(operand);
      else
        inputs.insert(operand);
    }
    if (planner.isReadOutside(op, plan))
      outputs.push_back(op->getResult(0));
    isBackward |= op->hasAttr(kBackwardAttr);
  }

  OpBuilder builder(planner.getInsertionPoint(plan));
  auto fusion = FusionOp::create(builder, fuseLocations(ops),
                                 TypeRange(ValueRange(outputs)),
                                 inputs.getArrayRef(), plan.space.schedule,
                                 plan.space.getRows(), plan.space.getColumns());
  if (isBackward)
    fusion->setAttr(kBackwardAttr, builder.getUnitAttr());
  Block &body = fusion.getBody().emplaceBlock();
  builder.setInsertionPointToStart(&body);
  IRMapping mapping;
  for (Value input : inputs)
    mapping.map(input, body.addArgument(input.getType(), input.getLoc()));
  for (Value constant : constants)
    builder.clone(*constant.getDefiningOp(), mapping)
        ->setDiscardableAttrs(ArrayRef<NamedAttribute>());
  // Inside a kernel it does not matter which part of the step an op is from.
  for (Operation *op : ops)
    builder.clone(*op, mapping)
        ->setDiscardableAttrs(ArrayRef<NamedAttribute>());
  YieldOp::create(builder, fusion.getLoc(),
                  llvm::map_to_vector(outputs, [&](Value output) {
                    return mapping.lookup(output);
                  }));
  emitRemark(fusion, ops);
  for (auto [output, result] : llvm::zip(outputs, fusion.getOutputs()))
    replacements.push_back({output, result});
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

struct FormFusionsPass
    : train::impl::TrainFormFusionsPassBase<FormFusionsPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || !function.getBody().hasOneBlock())
      return;
    Block &block = function.getBody().front();
    moveGlobalAccesses(block);
    sinkReshapes(block);

    FusionPlanner planner(block);
    SmallVector<std::pair<Value, Value>> replacements;
    for (FusionPlan *plan : planner.run())
      buildFusion(planner, *plan, replacements);
    for (auto [output, result] : replacements)
      output.replaceAllUsesWith(result);
    planner.eraseMembers();
  }
};

} // namespace
