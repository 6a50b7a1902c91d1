//===- EvaluationMode.cpp - Entries that measure instead of train
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Only `@step` trains. Every other function becomes what it is in evaluation:
// ops are asked what they are there (EvaluationOpInterface), stores are
// dropped.
// `@loss` must have been differentiated: `@step` has its own copy of the body.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/Transforms/Passes.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace vernier::train {
#define GEN_PASS_DEF_TRAINEVALUATIONMODEPASS
#include "vernier/Dialect/Train/Transforms/Passes.h.inc"
} // namespace vernier::train

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

static remark::detail::InFlightRemark remarkAt(Operation *op,
                                               FunctionOpInterface function) {
  return remark::passed(op->getLoc(), remark::RemarkOpts::name("evaluation")
                                          .category("train-evaluation-mode")
                                          .function(function.getName()));
}

/// Replace `op` by what it is in evaluation.
static void replace(EvaluationOpInterface op, FunctionOpInterface function) {
  OpBuilder builder(op);
  SmallVector<Value> values = op.buildEvaluation(builder);
  Operation *replacement = values.front().getDefiningOp();
  bool isNew = replacement && replacement == op->getPrevNode();
  remarkAt(op, function) << remark::add(
      "'{0}' is {1} in evaluation", op->getName().getStringRef(),
      isNew ? "'" + replacement->getName().getStringRef().str() + "'"
            : std::string("its operand"));
  op->replaceAllUsesWith(values);
  op->erase();
}

/// `@step` and `@accumulate` train, and `@refresh` rounds the copies of what
/// they trained.
static bool isTraining(FunctionOpInterface function) {
  return function.getName() == "step" ||
         function.getName() == kAccumulateName ||
         function.getName() == "refresh";
}

/// What only the stores needed, counters and new statistics.
static void eraseUnused(FunctionOpInterface function) {
  for (Block &block : function.getFunctionBody())
    for (Operation &op :
         llvm::make_early_inc_range(llvm::reverse(block.getOperations())))
      if (isOpTriviallyDead(&op))
        op.erase();
}

static void evaluate(FunctionOpInterface function) {
  function->walk([&](Operation *op) {
    if (auto training = dyn_cast<EvaluationOpInterface>(op)) {
      replace(training, function);
    } else if (auto store = dyn_cast<ml_program::GlobalStoreOp>(op)) {
      remarkAt(op, function) << remark::add(
          "evaluation leaves '@{0}' as it is; only @step changes it",
          store.getGlobal().getLeafReference().getValue());
      store.erase();
    }
  });
  eraseUnused(function);
}

namespace {

struct EvaluationModePass
    : train::impl::TrainEvaluationModePassBase<EvaluationModePass> {
  void runOnOperation() override {
    WalkResult result = getOperation().walk([](GradientOp gradient) {
      gradient.emitOpError("is still to be differentiated; run "
                           "--train-differentiate before "
                           "--train-evaluation-mode");
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    for (auto function : getOperation().getOps<FunctionOpInterface>())
      if (!function.isExternal() && !isTraining(function))
        evaluate(function);
  }
};

} // namespace
