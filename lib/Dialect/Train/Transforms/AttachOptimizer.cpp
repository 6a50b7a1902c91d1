//===- AttachOptimizer.cpp - Writes the training step around the loss
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Adds `@step` with the gradient of `@loss`, the optimizer's updates and
// stores, and the globals of its states. Nothing is differentiated yet.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/Transforms/Passes.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>

namespace vernier::train {
#define GEN_PASS_DEF_TRAINATTACHOPTIMIZERPASS
#include "vernier/Dialect/Train/Transforms/Passes.h.inc"
} // namespace vernier::train

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

using ml_program::GlobalLoadOp;
using ml_program::GlobalOp;
using ml_program::GlobalStoreOp;

namespace {

/// Builds `@step` of one module.
class StepBuilder {
public:
  StepBuilder(ModuleOp module, func::FuncOp loss,
              const TrainAttachOptimizerPassOptions &options)
      : module(module), loss(loss), options(options), symbols(module),
        builder(module.getContext()) {}

  LogicalResult run();

private:
  LogicalResult collectParameters();
  LogicalResult createStates();
  FailureOr<GlobalOp> createState(const Twine &name, RankedTensorType type,
                                  Attribute initial, StringRef role);
  func::FuncOp createFunction();
  GradientOp createGradient(func::FuncOp step);
  Value createStepNumber();
  Value createLearningRate(Value number);
  void createUpdate(unsigned parameter, Value gradient, Value rate,
                    Value number);

  ModuleOp module;
  func::FuncOp loss;
  const TrainAttachOptimizerPassOptions &options;
  SymbolTable symbols;
  OpBuilder builder;
  Attribute optimizer;
  SmallVector<GlobalOp> parameters;
  /// The optimizer's states of each parameter.
  SmallVector<SmallVector<GlobalOp, 2>> states;
  GlobalOp counter;
};

} // namespace

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

/// Complain about a number outside its range.
static LogicalResult checkOption(ModuleOp module, bool isValid, StringRef flag,
                                 double value, StringRef expected) {
  if (isValid)
    return success();
  return module.emitError("option ")
         << flag << " is " << value << ", expected " << expected;
}

static LogicalResult checkOptions(ModuleOp module,
                                  const TrainAttachOptimizerPassOptions &o) {
  auto check = [&](bool isValid, StringRef flag, double value,
                   StringRef expected) {
    return checkOption(module, isValid, flag, value, expected);
  };
  // Written so that NaN fails, too.
  if (failed(check(o.learningRate >= 0, "lr", o.learningRate, "0 or more")) ||
      failed(check(o.beta1 >= 0 && o.beta1 < 1, "beta1", o.beta1,
                   "a number in [0, 1)")) ||
      failed(check(o.beta2 >= 0 && o.beta2 < 1, "beta2", o.beta2,
                   "a number in [0, 1)")) ||
      failed(check(o.epsilon >= 0, "eps", o.epsilon, "0 or more")) ||
      failed(check(!(o.weightDecay < 0), "weight-decay", o.weightDecay,
                   "0 or more")) ||
      failed(check(o.momentum >= 0, "momentum", o.momentum, "0 or more")) ||
      failed(check(o.finalLearningRate >= 0, "final-lr", o.finalLearningRate,
                   "0 or more")) ||
      failed(check(o.clipNorm >= 0, "clip-norm", o.clipNorm,
                   "0 (no clipping) or more")) ||
      failed(check(o.warmupSteps >= 0, "warmup-steps", o.warmupSteps,
                   "0 or more")))
    return failure();
  if (o.nesterov && o.momentum == 0)
    return module.emitError("option nesterov needs a momentum above 0");
  auto schedule = symbolizeSchedule(o.schedule);
  if (!schedule)
    return module.emitError("unknown schedule '")
           << o.schedule << "', expected constant, linear or cosine";
  bool needsTotal = *schedule != Schedule::Constant;
  return check(!needsTotal || o.totalSteps > o.warmupSteps, "total-steps",
               o.totalSteps, "more than warmup-steps with this schedule");
}

/// The optimizer's attribute, or null with a diagnostic.
static Attribute getOptimizer(ModuleOp module,
                              const TrainAttachOptimizerPassOptions &o) {
  MLIRContext *context = module.getContext();
  bool isDefaultDecay = std::isnan(o.weightDecay);
  Number beta1(o.beta1), beta2(o.beta2), epsilon(o.epsilon);
  Number decay(isDefaultDecay ? 0.0 : o.weightDecay);
  if (o.optimizer == "sgd")
    return SgdAttr::get(context, Number(o.momentum), decay, o.nesterov);
  if (o.optimizer == "adam")
    return AdamAttr::get(context, beta1, beta2, epsilon, decay);
  if (o.optimizer == "adamw")
    return AdamWAttr::get(context, beta1, beta2, epsilon,
                          isDefaultDecay ? Number(0.01) : decay);
  module.emitError("unknown optimizer '")
      << o.optimizer << "', expected sgd, adam or adamw";
  return {};
}

//===----------------------------------------------------------------------===//
// Globals
//===----------------------------------------------------------------------===//

LogicalResult StepBuilder::collectParameters() {
  for (GlobalOp global : module.getOps<GlobalOp>()) {
    auto role = global->getAttrOfType<StringAttr>(kRoleAttr);
    if (!role || role.getValue() != kParameterRole)
      continue;
    auto type = dyn_cast<RankedTensorType>(global.getType());
    if (!type || !type.getElementType().isF32() || !global.getIsMutable())
      return global.emitError("parameter '@")
             << global.getName() << "' is trained, so it must be a mutable "
             << "tensor of f32; autocast makes its 16-bit copies";
    parameters.push_back(global);
  }
  if (parameters.empty())
    return module.emitError("no parameter to train: give the globals that "
                            "change train.role = \"parameter\"");
  return success();
}

/// A new global behind the others.
FailureOr<GlobalOp> StepBuilder::createState(const Twine &name,
                                             RankedTensorType type,
                                             Attribute initial,
                                             StringRef role) {
  std::string text = name.str();
  if (Operation *other = symbols.lookup(text))
    return other->emitError("'@")
           << text << "' is the name of an optimizer's state; rename this";
  auto global = GlobalOp::create(builder, builder.getUnknownLoc(), text, type,
                                 /*is_mutable=*/true, initial,
                                 builder.getStringAttr("private"));
  global->setAttr(kRoleAttr, builder.getStringAttr(role));
  symbols.insert(global);
  return global;
}

/// The names of the optimizer's states, in the order of its attribute.
static SmallVector<StringRef, 2> getStateNames(Attribute optimizer) {
  if (UpdateOp::getStateCount(optimizer) == 0)
    return {};
  if (isa<SgdAttr>(optimizer))
    return {"momentum"};
  return {"m", "v"};
}

/// Moments start at zero, as does the number of steps done.
LogicalResult StepBuilder::createStates() {
  Attribute zero = ConstantAttr::get(builder.getContext(), Number(0.0));
  builder.setInsertionPointAfter(parameters.back());
  for (GlobalOp parameter : parameters) {
    auto &created = states.emplace_back();
    for (StringRef name : getStateNames(optimizer)) {
      auto state = createState(parameter.getName() + "." + name,
                               cast<RankedTensorType>(parameter.getType()),
                               zero, kMomentRole);
      if (failed(state))
        return failure();
      (*state)->setLoc(parameter.getLoc());
      created.push_back(*state);
    }
  }
  auto scalar = RankedTensorType::get({}, builder.getI32Type());
  auto created = createState("train.step", scalar, builder.getZeroAttr(scalar),
                             kCounterRole);
  if (failed(created))
    return failure();
  counter = *created;
  return success();
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

static Value createLoad(OpBuilder &builder, GlobalOp global) {
  return GlobalLoadOp::create(builder, global.getLoc(), global.getType(),
                              FlatSymbolRefAttr::get(global));
}

static void createStore(OpBuilder &builder, GlobalOp global, Value value) {
  GlobalStoreOp::create(builder, global.getLoc(),
                        FlatSymbolRefAttr::get(global), value);
}

/// `@step` with the arguments and results of `@loss`, and further named
/// scalars.
func::FuncOp StepBuilder::createFunction() {
  SmallVector<Type> results(loss.getResultTypes());
  SmallVector<DictionaryAttr> resultAttrs;
  loss.getAllResultAttrs(resultAttrs);
  auto addScalar = [&](StringRef name) {
    results.push_back(RankedTensorType::get({}, builder.getF32Type()));
    resultAttrs.push_back(builder.getDictionaryAttr(
        builder.getNamedAttr(kNameAttr, builder.getStringAttr(name))));
  };
  addScalar("learning_rate");
  if (options.clipNorm > 0)
    addScalar("grad_norm");

  builder.setInsertionPointToEnd(module.getBody());
  auto step = func::FuncOp::create(
      builder, loss.getLoc(), "step",
      builder.getFunctionType(loss.getArgumentTypes(), results));
  SmallVector<DictionaryAttr> argAttrs;
  loss.getAllArgAttrs(argAttrs);
  step.setAllArgAttrs(argAttrs);
  step.setAllResultAttrs(resultAttrs);
  builder.setInsertionPointToStart(step.addEntryBlock());
  return step;
}

GradientOp StepBuilder::createGradient(func::FuncOp step) {
  SmallVector<Type> types(loss.getResultTypes());
  SmallVector<Attribute> names;
  for (GlobalOp parameter : parameters) {
    types.push_back(parameter.getType());
    names.push_back(FlatSymbolRefAttr::get(parameter));
  }
  return GradientOp::create(builder, loss.getLoc(), types,
                            FlatSymbolRefAttr::get(loss), step.getArguments(),
                            builder.getArrayAttr(names));
}

/// The number of this step, from 1; it is stored as the number of steps done.
Value StepBuilder::createStepNumber() {
  Location loc = loss.getLoc();
  Value done = createLoad(builder, counter);
  auto type = cast<ShapedType>(done.getType());
  Value one = arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(type, builder.getI32IntegerAttr(1).getValue()));
  Value number = arith::AddIOp::create(builder, loc, done, one);
  createStore(builder, counter, number);
  return number;
}

Value StepBuilder::createLearningRate(Value number) {
  return LearningRateOp::create(
      builder, loss.getLoc(), RankedTensorType::get({}, builder.getF32Type()),
      number, *symbolizeSchedule(options.schedule),
      APFloat(options.learningRate), APFloat(options.finalLearningRate),
      options.warmupSteps, options.totalSteps);
}

void StepBuilder::createUpdate(unsigned index, Value gradient, Value rate,
                               Value number) {
  GlobalOp parameter = parameters[index];
  Value value = createLoad(builder, parameter);
  auto values = llvm::map_to_vector(states[index], [&](GlobalOp state) {
    return createLoad(builder, state);
  });
  auto update = UpdateOp::create(builder, parameter.getLoc(), value.getType(),
                                 ValueRange(values).getTypes(), optimizer,
                                 value, gradient, rate, number, values);
  createStore(builder, parameter, update.getNewParameter());
  for (auto [state, newValue] : llvm::zip(states[index], update.getNewStates()))
    createStore(builder, state, newValue);
}

LogicalResult StepBuilder::run() {
  optimizer = getOptimizer(module, options);
  if (!optimizer || failed(checkOptions(module, options)) ||
      failed(collectParameters()) || failed(createStates()))
    return failure();
  func::FuncOp step = createFunction();
  GradientOp gradient = createGradient(step);
  Value number = createStepNumber();
  Value rate = createLearningRate(number);

  unsigned outputCount = loss.getNumResults();
  SmallVector<Value> results(gradient.getResults().take_front(outputCount));
  ValueRange gradients = gradient.getResults().drop_front(outputCount);
  results.push_back(rate);
  if (options.clipNorm > 0) {
    auto clip = ClipByGlobalNormOp::create(
        builder, loss.getLoc(), gradients.getTypes(),
        RankedTensorType::get({}, builder.getF32Type()), gradients,
        APFloat(options.clipNorm));
    gradients = clip.getClipped();
    results.push_back(clip.getNorm());
  }
  for (auto [index, value] : llvm::enumerate(gradients))
    createUpdate(index, value, rate, number);
  func::ReturnOp::create(builder, loss.getLoc(), results);
  return success();
}

//===----------------------------------------------------------------------===//
// A step written by hand
//===----------------------------------------------------------------------===//

/// The globals that `update` reads its parameter from or stores it to.
static llvm::SmallSetVector<StringRef, 2> getUpdatedGlobals(UpdateOp update) {
  llvm::SmallSetVector<StringRef, 2> globals;
  if (auto load = update.getParameter().getDefiningOp<GlobalLoadOp>())
    globals.insert(load.getGlobal().getLeafReference());
  for (Operation *user : update.getNewParameter().getUsers())
    if (auto store = dyn_cast<GlobalStoreOp>(user))
      globals.insert(store.getGlobal().getLeafReference());
  return globals;
}

/// (U3) A second update would overwrite the first.
static LogicalResult checkUpdates(func::FuncOp step) {
  llvm::StringMap<UpdateOp> updates;
  WalkResult result = step.walk([&](UpdateOp update) {
    for (StringRef global : getUpdatedGlobals(update)) {
      auto [first, isNew] = updates.try_emplace(global, update);
      if (isNew)
        continue;
      InFlightDiagnostic error =
          update.emitOpError("(U3) is a second update of '@")
          << global << "' in '@" << step.getName()
          << "'; keep one update for each parameter";
      error.attachNote(first->second.getLoc()) << "the first update";
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

namespace {

struct AttachOptimizerPass
    : train::impl::TrainAttachOptimizerPassBase<AttachOptimizerPass> {
  using TrainAttachOptimizerPassBase::TrainAttachOptimizerPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (auto step = module.lookupSymbol<func::FuncOp>("step")) {
      if (failed(checkUpdates(step)))
        signalPassFailure();
      return;
    }
    auto loss = module.lookupSymbol<func::FuncOp>("loss");
    if (!loss || loss.isExternal() || loss.getNumResults() == 0) {
      module.emitError("nothing to train: expected a function '@loss' whose "
                       "first result is the loss");
      return signalPassFailure();
    }
    if (failed(StepBuilder(module, loss, getOptions()).run()))
      signalPassFailure();
  }

  TrainAttachOptimizerPassOptions getOptions() const {
    return {optimizer,   learningRate,      beta1,    beta2,    epsilon,
            weightDecay, momentum,          nesterov, schedule, warmupSteps,
            totalSteps,  finalLearningRate, clipNorm};
  }
};

} // namespace
