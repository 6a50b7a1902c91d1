//===- AccumulateGradients.cpp - Spreads a step over several micro-batches
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `@accumulate` adds the gradients of a micro-batch to sums in f32, `@step`
// does so with the last of a window, updates from the sums and clears them.
// Works on `train.gradient`, before anything is differentiated: what the
// gradient is made of is the same in both.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/Transforms/Passes.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Remarks.h"

namespace vernier::train {
#define GEN_PASS_DEF_TRAINACCUMULATEGRADIENTSPASS
#include "vernier/Dialect/Train/Transforms/Passes.h.inc"
} // namespace vernier::train

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

using ml_program::GlobalLoadOp;
using ml_program::GlobalOp;
using ml_program::GlobalStoreOp;

namespace {

/// Splits the step of one module.
class WindowBuilder {
public:
  WindowBuilder(ModuleOp module, func::FuncOp step, int64_t count)
      : module(module), step(step), count(count), symbols(module),
        builder(module.getContext()) {}

  LogicalResult run();

private:
  FailureOr<GlobalOp> createState(const Twine &name, RankedTensorType type,
                                  GlobalOp after);
  LogicalResult createStates();
  void addToSums(GradientOp gradient, bool isLast);
  void countMicroBatch(bool isLast);
  LogicalResult createAccumulate();

  ModuleOp module;
  func::FuncOp step;
  int64_t count;
  SymbolTable symbols;
  OpBuilder builder;
  GradientOp gradient;
  /// The sums of the gradients, in the order of `wrt`.
  SmallVector<GlobalOp> sums;
  GlobalOp counter;
};

} // namespace

FailureOr<GlobalOp> WindowBuilder::createState(const Twine &name,
                                               RankedTensorType type,
                                               GlobalOp after) {
  std::string text = name.str();
  if (Operation *other = symbols.lookup(text))
    return other->emitError("'@")
           << text << "' is the name of a state of accumulation; rename this";
  builder.setInsertionPointAfter(after);
  auto global = GlobalOp::create(builder, after.getLoc(), text, type,
                                 /*is_mutable=*/true, builder.getZeroAttr(type),
                                 builder.getStringAttr("private"));
  global->setAttr(kRoleAttr, builder.getStringAttr(kAccumulatorRole));
  symbols.insert(global);
  return global;
}

/// `@P.grad` beside each parameter `@P`, and the number of micro-batches that
/// the window holds so far.
LogicalResult WindowBuilder::createStates() {
  GlobalOp last;
  for (auto name : gradient.getWrt().getAsRange<FlatSymbolRefAttr>()) {
    last = symbols.lookup<GlobalOp>(name.getValue());
    auto type = cast<RankedTensorType>(last.getType());
    auto sum = createState(last.getSymName() + ".grad", type, last);
    if (failed(sum))
      return failure();
    sums.push_back(*sum);
  }
  auto scalar = RankedTensorType::get({}, builder.getI32Type());
  auto created = createState("train.micro_step", scalar, sums.back());
  if (succeeded(created))
    counter = *created;
  return created;
}

static Value createLoad(OpBuilder &builder, GlobalOp global) {
  return GlobalLoadOp::create(builder, global.getLoc(), global.getType(),
                              FlatSymbolRefAttr::get(global));
}

static void createStore(OpBuilder &builder, GlobalOp global, Value value) {
  GlobalStoreOp::create(builder, global.getLoc(),
                        FlatSymbolRefAttr::get(global), value);
}

static Value createZero(OpBuilder &builder, GlobalOp global) {
  auto type = cast<RankedTensorType>(global.getType());
  return arith::ConstantOp::create(builder, global.getLoc(), type,
                                   builder.getZeroAttr(type));
}

/// Behind `gradient`: what it computes joins the sums. The last micro-batch of
/// a window hands the sums to whoever took the gradients, and clears them.
void WindowBuilder::addToSums(GradientOp gradient, bool isLast) {
  builder.setInsertionPointAfter(gradient);
  unsigned outputs = gradient.getNumResults() - sums.size();
  for (auto [sum, result] :
       llvm::zip(sums, gradient.getResults().drop_front(outputs))) {
    Value before = createLoad(builder, sum);
    auto after =
        arith::AddFOp::create(builder, gradient.getLoc(), before, result);
    if (isLast)
      result.replaceAllUsesExcept(after, after);
    createStore(builder, sum, isLast ? createZero(builder, sum) : after);
  }
}

void WindowBuilder::countMicroBatch(bool isLast) {
  if (isLast)
    return createStore(builder, counter, createZero(builder, counter));
  Value before = createLoad(builder, counter);
  Value one = arith::ConstantOp::create(
      builder, counter.getLoc(),
      DenseElementsAttr::get(cast<ShapedType>(before.getType()), APInt(32, 1)));
  createStore(builder, counter,
              arith::AddIOp::create(builder, counter.getLoc(), before, one));
}

/// `@accumulate` with the arguments of `@step` and the results of the model.
LogicalResult WindowBuilder::createAccumulate() {
  if (Operation *other = symbols.lookup(kAccumulateName))
    return other->emitError("'@")
           << kAccumulateName << "' is what --train-accumulate-gradients adds: "
           << "the module has it already, or this is to be renamed";
  auto callee = symbols.lookup<func::FuncOp>(gradient.getCallee());
  builder.setInsertionPoint(step);
  auto function =
      func::FuncOp::create(builder, step.getLoc(), kAccumulateName,
                           builder.getFunctionType(step.getArgumentTypes(),
                                                   callee.getResultTypes()));
  SmallVector<DictionaryAttr> attrs;
  step.getAllArgAttrs(attrs);
  function.setAllArgAttrs(attrs);
  attrs.clear();
  callee.getAllResultAttrs(attrs);
  function.setAllResultAttrs(attrs);
  symbols.insert(function);
  builder.setInsertionPointToStart(function.addEntryBlock());
  auto copy = GradientOp::create(
      builder, gradient.getLoc(), gradient.getResultTypes(),
      gradient.getCalleeAttr(), function.getArguments(), gradient.getWrtAttr());
  copy.setMicroBatches(count);
  addToSums(copy, /*isLast=*/false);
  countMicroBatch(/*isLast=*/false);
  func::ReturnOp::create(builder, step.getLoc(),
                         copy.getResults().take_front(callee.getNumResults()));
  return success();
}

LogicalResult WindowBuilder::run() {
  SmallVector<GradientOp> gradients(step.getOps<GradientOp>());
  if (gradients.size() != 1)
    return step.emitError("expects one train.gradient in '@step' to "
                          "accumulate, got ")
           << gradients.size()
           << ": run --train-accumulate-gradients between "
              "--train-attach-optimizer and --train-differentiate";
  gradient = gradients.front();
  if (!llvm::equal(gradient.getInputs(), step.getArguments()))
    return gradient.emitError("expects the arguments of '@step', which are "
                              "those of '@accumulate'");
  if (failed(createStates()) || failed(createAccumulate()))
    return failure();
  gradient.setMicroBatches(count);
  addToSums(gradient, /*isLast=*/true);
  countMicroBatch(/*isLast=*/true);
  remark::passed(step.getLoc(), remark::RemarkOpts::name("window")
                                    .category("train-accumulate-gradients")
                                    .function(step.getName()))
      << remark::add("{0} gradients are summed in f32 over {1} micro-batches",
                     sums.size(), count);
  return success();
}

namespace {

struct AccumulateGradientsPass
    : train::impl::TrainAccumulateGradientsPassBase<AccumulateGradientsPass> {
  using TrainAccumulateGradientsPassBase::TrainAccumulateGradientsPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (steps < 1) {
      module.emitError("accumulation: option steps is ")
          << int64_t(steps) << ", expected 1 or more micro-batches";
      return signalPassFailure();
    }
    auto step = module.lookupSymbol<func::FuncOp>("step");
    if (!step) {
      module.emitError("no '@step' to spread over micro-batches: run "
                       "--train-attach-optimizer first");
      return signalPassFailure();
    }
    // A window of one is a plain step.
    if (steps > 1 && failed(WindowBuilder(module, step, steps).run()))
      signalPassFailure();
  }
};

} // namespace
