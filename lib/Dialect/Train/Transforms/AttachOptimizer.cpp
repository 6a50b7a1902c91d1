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

#include "Clipping.h"

#include "vernier/Dialect/Train/Transforms/OptimizerOptions.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSwitch.h"

#include <algorithm>
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

/// Parameters that share an optimizer.
struct Group {
  /// Empty: those that no train.optimizer assigns elsewhere.
  std::string name;
  TrainAttachOptimizerPassOptions options;
  Attribute optimizer;
  SmallVector<GlobalOp> parameters;
  /// The optimizer's states of each parameter, and its average or null.
  SmallVector<SmallVector<GlobalOp, 2>> states;
  SmallVector<GlobalOp> averages;
  GlobalOp counter;
  /// Of the parameters, as they reach their updates.
  SmallVector<Value> gradients;
  /// The number of this step, from 1, and its learning rate.
  Value number, rate;

  /// `name` of this group: "name" or "name.GROUP".
  std::string getName(StringRef name_) const {
    return name.empty() ? name_.str() : (name_ + "." + name).str();
  }
};

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
  FailureOr<Group *> getGroup(GlobalOp parameter);
  LogicalResult collectClippings();
  LogicalResult createStates();
  LogicalResult createStates(Group &group);
  FailureOr<GlobalOp> createState(const Twine &name, RankedTensorType type,
                                  Attribute initial, StringRef role,
                                  const Group &group);
  void mark(GlobalOp global, const Group &group);
  SmallVector<std::string> getResultNames() const;
  LogicalResult checkResultNames();
  func::FuncOp createFunction();
  GradientOp createGradient(func::FuncOp step);
  Value createStepNumber(GlobalOp counter);
  Value createLearningRate(const Group &group);
  void createUpdate(const Group &group, unsigned index, Value gradient);
  void createAverage(const Group &group, unsigned index, Value parameter);
  void clip(const Clipping &clipping, SmallVectorImpl<Value> &results);
  void createUpdates(Group &group, SmallVectorImpl<Value> &results);

  ModuleOp module;
  func::FuncOp loss;
  const TrainAttachOptimizerPassOptions &options;
  SymbolTable symbols;
  OpBuilder builder;
  std::vector<Group> groups;
  std::vector<Clipping> clippings;
};

} // namespace

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

static LogicalResult checkOptions(ModuleOp module,
                                  const TrainAttachOptimizerPassOptions &o) {
  std::string problem = findOptimizerProblem(o);
  return problem.empty() ? success() : module.emitError("option ") << problem;
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

/// Replace one option by what train.optimizer of a parameter says.
static LogicalResult setOption(NamedAttribute setting,
                               TrainAttachOptimizerPassOptions &o) {
  OptimizerOption option = findOptimizerOption(setting.getName(), o);
  Attribute value = setting.getValue();
  if (auto given = dyn_cast<FloatAttr>(value); given && option.number)
    *option.number = given.getValueAsDouble();
  else if (auto given = dyn_cast<FloatAttr>(value); given && option.count)
    // What is too large for a count stays so.
    *option.count = static_cast<int64_t>(
        std::clamp(given.getValueAsDouble(), -0x1p53, 0x1p53));
  else if (auto given = dyn_cast<StringAttr>(value); given && option.word)
    *option.word = given.str();
  else if (auto given = dyn_cast<BoolAttr>(value); given && option.flag)
    *option.flag = given.getValue();
  else
    return failure(setting.getName() != "group");
  return success();
}

//===----------------------------------------------------------------------===//
// Globals
//===----------------------------------------------------------------------===//

/// The group that `parameter` names, made from its settings on the first call.
FailureOr<Group *> StepBuilder::getGroup(GlobalOp parameter) {
  auto settings = parameter->getAttrOfType<DictionaryAttr>(kOptimizerAttr);
  auto name = settings ? settings.getAs<StringAttr>("group") : StringAttr();
  if (settings && (!name || name.empty()))
    return parameter.emitError("train.optimizer of '@")
           << parameter.getName()
           << "' names no group; give it group = \"...\"";
  for (Group &group : groups)
    if (group.name == (name ? name.getValue() : ""))
      return &group;
  Group &group = groups.emplace_back();
  group.options = options;
  if (settings) {
    group.name = name.str();
    for (NamedAttribute setting : settings)
      if (failed(setOption(setting, group.options)))
        return parameter.emitError("train.optimizer of '@")
               << parameter.getName() << "': no option " << setting.getName()
               << " = " << setting.getValue()
               << "; expected options of --train-attach-optimizer, numbers "
                  "as f64";
  }
  group.optimizer = getOptimizer(module, group.options);
  if (!group.optimizer || failed(checkOptions(module, group.options)))
    return failure();
  return &group;
}

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
    FailureOr<Group *> group = getGroup(global);
    if (failed(group))
      return failure();
    (*group)->parameters.push_back(global);
  }
  if (groups.empty())
    return loss.emitError("no parameter to train: give the globals that "
                          "change train.role = \"parameter\"");
  return success();
}

LogicalResult StepBuilder::collectClippings() {
  SmallVector<ClipRequest> requests;
  for (const Group &group : groups)
    requests.push_back({group.name, group.options.clipNorm,
                        group.options.clipScope == "group"});
  std::string problem;
  clippings = findClippings(requests, options.clipNorm, problem);
  return problem.empty() ? success() : loss.emitError(problem);
}

/// Say which optimizer a state belongs to, if there are several.
void StepBuilder::mark(GlobalOp global, const Group &group) {
  if (groups.size() > 1)
    global->setAttr(
        kGroupAttr,
        builder.getStringAttr(group.name.empty() ? "default" : group.name));
}

/// A new global behind the others.
FailureOr<GlobalOp> StepBuilder::createState(const Twine &name,
                                             RankedTensorType type,
                                             Attribute initial, StringRef role,
                                             const Group &group) {
  std::string text = name.str();
  if (Operation *other = symbols.lookup(text))
    return other->emitError("'@")
           << text << "' is the name of an optimizer's state; rename this";
  auto global = GlobalOp::create(builder, builder.getUnknownLoc(), text, type,
                                 /*is_mutable=*/true, initial,
                                 builder.getStringAttr("private"));
  global->setAttr(kRoleAttr, builder.getStringAttr(role));
  mark(global, group);
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
LogicalResult StepBuilder::createStates(Group &group) {
  Attribute zero = ConstantAttr::get(builder.getContext(), Number(0.0));
  for (GlobalOp parameter : group.parameters) {
    mark(parameter, group);
    auto create = [&](StringRef name, StringRef role) {
      auto state = createState(parameter.getName() + "." + name,
                               cast<RankedTensorType>(parameter.getType()),
                               zero, role, group);
      if (succeeded(state))
        (*state)->setLoc(parameter.getLoc());
      return state;
    };
    auto &created = group.states.emplace_back();
    for (StringRef name : getStateNames(group.optimizer)) {
      auto state = create(name, kMomentRole);
      if (failed(state))
        return failure();
      created.push_back(*state);
    }
    if (group.options.emaDecay == 0)
      continue;
    auto average = create("ema", kStatisticRole);
    if (failed(average))
      return failure();
    group.averages.push_back(*average);
  }
  auto scalar = RankedTensorType::get({}, builder.getI32Type());
  auto created = createState(group.getName("train.step"), scalar,
                             builder.getZeroAttr(scalar), kCounterRole, group);
  if (succeeded(created))
    group.counter = *created;
  return created;
}

LogicalResult StepBuilder::createStates() {
  GlobalOp last;
  for (const Group &group : groups)
    for (GlobalOp parameter : group.parameters)
      if (!last || last->isBeforeInBlock(parameter))
        last = parameter;
  builder.setInsertionPointAfter(last);
  for (Group &group : groups)
    if (failed(createStates(group)))
      return failure();
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

/// What `@step` returns beside the results of `@loss`.
SmallVector<std::string> StepBuilder::getResultNames() const {
  SmallVector<std::string> names;
  for (const Group &group : groups)
    names.push_back(group.getName("learning_rate"));
  for (const Clipping &clipping : clippings)
    names.append({clipping.getNormName(), clipping.getFactorName()});
  return names;
}

LogicalResult StepBuilder::checkResultNames() {
  for (unsigned i = 0; i < loss.getNumResults(); ++i) {
    auto name = loss.getResultAttrOfType<StringAttr>(i, kNameAttr);
    if (name && llvm::is_contained(getResultNames(), name.getValue()))
      return loss.emitError("result ")
             << i << " of '@loss' has the name " << name
             << ", which a result of '@step' has; rename this";
  }
  return success();
}

/// `@step` with the arguments and results of `@loss`, and further named
/// scalars.
func::FuncOp StepBuilder::createFunction() {
  SmallVector<Type> results(loss.getResultTypes());
  SmallVector<DictionaryAttr> resultAttrs;
  loss.getAllResultAttrs(resultAttrs);
  for (const std::string &name : getResultNames()) {
    results.push_back(RankedTensorType::get({}, builder.getF32Type()));
    resultAttrs.push_back(builder.getDictionaryAttr(
        builder.getNamedAttr(kNameAttr, builder.getStringAttr(name))));
  }

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

/// One reverse mode for the parameters of all groups.
GradientOp StepBuilder::createGradient(func::FuncOp step) {
  SmallVector<Type> types(loss.getResultTypes());
  SmallVector<Attribute> names;
  for (const Group &group : groups)
    for (GlobalOp parameter : group.parameters) {
      types.push_back(parameter.getType());
      names.push_back(FlatSymbolRefAttr::get(parameter));
    }
  return GradientOp::create(builder, loss.getLoc(), types,
                            FlatSymbolRefAttr::get(loss), step.getArguments(),
                            builder.getArrayAttr(names));
}

/// The number of this step, from 1; it is stored as the number of steps done.
Value StepBuilder::createStepNumber(GlobalOp counter) {
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

Value StepBuilder::createLearningRate(const Group &group) {
  const TrainAttachOptimizerPassOptions &o = group.options;
  return LearningRateOp::create(
      builder, loss.getLoc(), RankedTensorType::get({}, builder.getF32Type()),
      group.number, *symbolizeSchedule(o.schedule), APFloat(o.learningRate),
      APFloat(o.finalLearningRate), o.warmupSteps, o.totalSteps);
}

void StepBuilder::createUpdate(const Group &group, unsigned index,
                               Value gradient) {
  GlobalOp parameter = group.parameters[index];
  ArrayRef<GlobalOp> states = group.states[index];
  Value value = createLoad(builder, parameter);
  auto values = llvm::map_to_vector(
      states, [&](GlobalOp state) { return createLoad(builder, state); });
  auto update =
      UpdateOp::create(builder, parameter.getLoc(), value.getType(),
                       ValueRange(values).getTypes(), group.optimizer, value,
                       gradient, group.rate, group.number, values);
  createStore(builder, parameter, update.getNewParameter());
  for (auto [state, newValue] : llvm::zip(states, update.getNewStates()))
    createStore(builder, state, newValue);
  if (!group.averages.empty())
    createAverage(group, index, update.getNewParameter());
}

/// average + f * (parameter - average) with f = 1 - decay, in the first step 1:
/// torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn.
void StepBuilder::createAverage(const Group &group, unsigned index,
                                Value parameter) {
  Location loc = parameter.getLoc();
  auto scalar = RankedTensorType::get({}, builder.getF32Type());
  auto constant = [&](Type type, Attribute value) -> Value {
    return arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(cast<ShapedType>(type), value));
  };
  Value isFirst = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::eq, group.number,
      constant(group.number.getType(), builder.getI32IntegerAttr(1)));
  Value factor = arith::SelectOp::create(
      builder, loc, isFirst, constant(scalar, builder.getF32FloatAttr(1.0f)),
      constant(scalar, builder.getF32FloatAttr(1.0 - group.options.emaDecay)));
  Value factors = builder.createOrFold<BroadcastOp>(
      loc, parameter.getType(), factor, ArrayRef<int64_t>());
  Value average = createLoad(builder, group.averages[index]);
  Value difference = arith::SubFOp::create(builder, loc, parameter, average);
  Value part = arith::MulFOp::create(builder, loc, factors, difference);
  createStore(builder, group.averages[index],
              arith::AddFOp::create(builder, loc, average, part));
}

/// Put clipped gradients in the place of those that share a norm.
void StepBuilder::clip(const Clipping &clipping,
                       SmallVectorImpl<Value> &results) {
  SmallVector<Value> gradients;
  for (unsigned member : clipping.members)
    llvm::append_range(gradients, groups[member].gradients);
  auto clip = ClipByGlobalNormOp::create(
      builder, loss.getLoc(), ValueRange(gradients).getTypes(),
      RankedTensorType::get({}, builder.getF32Type()), gradients,
      APFloat(clipping.maxNorm));
  ValueRange clipped = clip.getClipped();
  for (unsigned member : clipping.members)
    for (Value &gradient : groups[member].gradients) {
      gradient = clipped.front();
      clipped = clipped.drop_front();
    }
  results.push_back(clip.getNorm());
  results.push_back(
      createClipFactor(builder, clip.getNorm(), clipping.maxNorm));
  remark::passed(
      loss.getLoc(),
      remark::RemarkOpts::name("clipping").category("train-attach-optimizer"))
      << remark::add("{0}", clipping.describe(gradients.size()));
}

/// The updates of one group.
void StepBuilder::createUpdates(Group &group, SmallVectorImpl<Value> &results) {
  group.number = createStepNumber(group.counter);
  group.rate = createLearningRate(group);
  results.push_back(group.rate);
  for (auto [index, gradient] : llvm::enumerate(group.gradients))
    createUpdate(group, index, gradient);
}

LogicalResult StepBuilder::run() {
  // Before anything is added; a group has what it overrides checked as well.
  if (!getOptimizer(module, options) || failed(checkOptions(module, options)) ||
      failed(collectParameters()) || failed(collectClippings()) ||
      failed(checkResultNames()) || failed(createStates()))
    return failure();
  func::FuncOp step = createFunction();
  GradientOp gradient = createGradient(step);
  unsigned outputCount = loss.getNumResults();
  SmallVector<Value> results(gradient.getResults().take_front(outputCount));
  ValueRange gradients = gradient.getResults().drop_front(outputCount);
  for (Group &group : groups) {
    size_t count = group.parameters.size();
    llvm::append_range(group.gradients, gradients.take_front(count));
    gradients = gradients.drop_front(count);
  }
  SmallVector<Value> ofClippings;
  for (const Clipping &clipping : clippings)
    clip(clipping, ofClippings);
  for (Group &group : groups)
    createUpdates(group, results);
  llvm::append_range(results, ofClippings);
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
            totalSteps,  finalLearningRate, clipNorm, emaDecay, clipScope};
  }
};

} // namespace
