//===- LossScaling.cpp - Makes a step scale its loss and skip on overflow
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Works on a differentiated `@step`. The seeds of reverse mode are scaled,
// every gradient is unscaled where the optimizer (or the clipping before it)
// takes it, and every state change is gated by a finite check of the scaled
// gradients, so that a skipped step changes nothing but the scaler
// (Micikevicius et al. 2018; torch.amp.GradScaler). Each group of parameters
// has a check of its own; the scale is one.
//
//===----------------------------------------------------------------------===//

#include "OverflowCounters.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Transforms/Passes.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

namespace vernier::amp {
#define GEN_PASS_DEF_AMPLOSSSCALINGPASS
#include "vernier/Dialect/Amp/Transforms/Passes.h.inc"
} // namespace vernier::amp

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

using ml_program::GlobalLoadOp;
using ml_program::GlobalOp;
using ml_program::GlobalStoreOp;

namespace {

/// The parameters of one optimizer, which is skipped without the others, or of
/// those whose gradients are clipped by one norm: if one of them is not finite,
/// the norm is not, and none can be clipped.
struct Group {
  /// train.group of its parameters, the leader's of several; null if there is
  /// only one group.
  StringAttr name;
  /// Scaled gradients in the order in which reverse mode computes them.
  SmallVector<Value> gradients;
  AllFiniteOp check;
};

/// Puts the scaler, or its gates alone, into `@step` of one module.
class Scaler {
public:
  enum class Mode { Dynamic, Static, Gate };

  Scaler(ModuleOp module, func::FuncOp step,
         const AmpLossScalingPassOptions &options)
      : module(module), step(step),
        accumulate(module.lookupSymbol<func::FuncOp>(train::kAccumulateName)),
        options(options), states(module, step), builder(module.getContext()) {}

  LogicalResult run(Mode mode);

private:
  LogicalResult addScaler(bool isDynamic);
  LogicalResult addGates();
  LogicalResult findSeeds();
  void findGradients();
  void joinGroups(train::ClipByGlobalNormOp clip);
  void addGradient(OpOperand &taker);
  StringAttr getParameterOf(Value gradient);
  ArrayAttr getLabels();
  void createStates(bool isDynamic);
  Value scaleSeeds(func::FuncOp function);
  void checkGradients();
  void checkGroup(Group &group, int64_t offset);
  void countFrom(int64_t offset, Value isFinite, Value first);
  void unscaleGradients();
  Value getFlag(GlobalStoreOp store);
  GlobalOp createSaved(GlobalStoreOp store);
  void gateStores();
  void gate(GlobalStoreOp store, Value oldValue);
  void moveBehindChecks();
  void updateScale();
  void remarkWhatWasDone(StringRef what);

  ModuleOp module;
  func::FuncOp step;
  /// Runs for all but the last micro-batch of a window; often null.
  func::FuncOp accumulate;
  const AmpLossScalingPassOptions &options;
  ScalerStates states;
  OpBuilder builder;

  GlobalOp scaleGlobal, trackerGlobal, hysteresisGlobal;
  std::optional<OverflowCounters> counters;
  /// Who takes each scaled gradient: operands of updates and clippings.
  llvm::MapVector<Value, SmallVector<OpOperand *, 1>> takers;
  llvm::MapVector<StringAttr, Group> groups;
  /// The names of groups that are clipped by one norm.
  llvm::EquivalenceClasses<StringAttr> joined;
  StepOutcome outcome;
  unsigned gateCount = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// What is there
//===----------------------------------------------------------------------===//

LogicalResult Scaler::findSeeds() {
  if (step.getOps<train::SeedOp>().empty())
    return step.emitError("no train.seed in '@step' to scale: run "
                          "--train-attach-optimizer and --train-differentiate "
                          "before --amp-loss-scaling");
  for (train::SeedOp seed : step.getOps<train::SeedOp>())
    if (!getAutocastElementType(seed.getType()))
      return seed.emitError("cannot scale a gradient of type ")
             << seed.getType()
             << ": expected tensor<f32>; exact references in f64 "
             << "need no loss scaling";
  return success();
}

/// A gradient as reverse mode left it. A widening in front of the optimizer is
/// exact, so check and unscale read the 16-bit gradient and halve the traffic.
static Value getRawGradient(Value gradient) {
  if (auto widening = gradient.getDefiningOp<arith::ExtFOp>())
    if (getAutocastElementType(widening.getIn().getType()))
      return widening.getIn();
  return gradient;
}

/// The update that `taker`, an operand of it or of a clipping, serves.
static train::UpdateOp getUpdate(OpOperand &taker) {
  if (auto update = dyn_cast<train::UpdateOp>(taker.getOwner()))
    return update;
  auto clip = cast<train::ClipByGlobalNormOp>(taker.getOwner());
  for (Operation *user : clip.getClipped()[taker.getOperandNumber()].getUsers())
    if (auto update = dyn_cast<train::UpdateOp>(user))
      return update;
  return {};
}

/// The name of the parameter that `update` reads, or null.
static StringAttr getParameter(train::UpdateOp update) {
  if (update)
    if (auto load = update.getParameter().getDefiningOp<GlobalLoadOp>())
      return load.getGlobal().getLeafReference();
  return {};
}

static StringAttr getGroup(GlobalOp global) {
  return global ? global->getAttrOfType<StringAttr>(train::kGroupAttr)
                : StringAttr();
}

/// The group of the parameter that a gradient is taken for, or null.
static StringAttr getGroup(const ScalerStates &states, OpOperand &taker) {
  StringAttr parameter = getParameter(getUpdate(taker));
  return parameter ? getGroup(states.lookup(parameter)) : StringAttr();
}

void Scaler::joinGroups(train::ClipByGlobalNormOp clip) {
  StringAttr first = getGroup(states, clip->getOpOperand(0));
  for (OpOperand &operand : clip->getOpOperands())
    joined.unionSets(first, getGroup(states, operand));
}

void Scaler::addGradient(OpOperand &taker) {
  Value gradient = getRawGradient(taker.get());
  takers[gradient].push_back(&taker);
  StringAttr name = joined.getOrInsertLeaderValue(getGroup(states, taker));
  Group &group = groups[name];
  group.name = name;
  if (!llvm::is_contained(group.gradients, gradient))
    group.gradients.push_back(gradient);
}

void Scaler::findGradients() {
  for (auto clip : step.front().getOps<train::ClipByGlobalNormOp>())
    joinGroups(clip);
  for (Operation &op : step.front()) {
    if (auto clip = dyn_cast<train::ClipByGlobalNormOp>(op)) {
      for (OpOperand &operand : clip.getGradientsMutable())
        addGradient(operand);
    } else if (auto update = dyn_cast<train::UpdateOp>(op)) {
      if (!update.getGradient().getDefiningOp<train::ClipByGlobalNormOp>())
        addGradient(update.getGradientMutable());
    }
  }
  // The first that overflows, in the order of computation, is the culprit.
  auto order = step->getAttrOfType<ArrayAttr>(train::kGradientOrderAttr);
  auto getPosition = [&](Value gradient) {
    return order ? llvm::find(order, getParameterOf(gradient)) - order.begin()
                 : 0;
  };
  for (auto &[name, group] : groups)
    llvm::stable_sort(group.gradients, [&](Value a, Value b) {
      return getPosition(a) < getPosition(b);
    });
}

/// The parameter that `gradient` is of, or the first of several; or null.
StringAttr Scaler::getParameterOf(Value gradient) {
  return getParameter(getUpdate(*takers[gradient].front()));
}

/// The parameter of each gradient, in the order of the checks.
ArrayAttr Scaler::getLabels() {
  SmallVector<Attribute> labels;
  for (auto &[name, group] : groups)
    for (Value gradient : group.gradients) {
      StringAttr parameter = getParameterOf(gradient);
      labels.push_back(parameter ? parameter : builder.getStringAttr("?"));
    }
  return builder.getArrayAttr(labels);
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

void Scaler::createStates(bool isDynamic) {
  auto initial = train::ConstantAttr::get(builder.getContext(),
                                          train::Number(options.initScale));
  scaleGlobal =
      states.create(kScaleName, RankedTensorType::get({}, builder.getF32Type()),
                    initial, train::kLossScaleRole);
  if (isDynamic)
    trackerGlobal =
        states.createCounter(kGrowthTrackerName, 0, train::kLossScaleRole);
  if (isDynamic && options.hysteresis > 1)
    hysteresisGlobal = states.createCounter(
        kHysteresisTrackerName, options.hysteresis, train::kLossScaleRole);
  std::optional<double> minimum;
  if (isDynamic)
    minimum = options.minScale;
  counters.emplace(states, getLabels(), minimum);
}

//===----------------------------------------------------------------------===//
// Scale, check, unscale
//===----------------------------------------------------------------------===//

/// Multiply every seed of `function` by the loss scale, which is returned.
Value Scaler::scaleSeeds(func::FuncOp function) {
  builder.setInsertionPointToStart(&function.front());
  Value scale = createLoad(builder, function.getLoc(), scaleGlobal);
  for (train::SeedOp seed : function.getOps<train::SeedOp>()) {
    builder.setInsertionPointAfter(seed);
    auto scaled = ScaleOp::create(builder, seed.getLoc(), seed.getType(),
                                  seed.getResult(), scale);
    seed.getResult().replaceAllUsesExcept(scaled.getResult(), scaled);
  }
  return scale;
}

/// Check one group; what it finds joins what the groups before it found.
void Scaler::checkGroup(Group &group, int64_t offset) {
  Location loc = step.getLoc();
  Type flag = RankedTensorType::get({}, builder.getI1Type());
  Type counter = RankedTensorType::get({}, builder.getI32Type());
  SmallVector<Type> types = {flag};
  if (counters)
    types.push_back(counter);
  group.check = AllFiniteOp::create(builder, loc, types, group.gradients);
  Value isFinite = group.check.getResult(), first = group.check.getFirst();
  if (!outcome.allFinite) {
    outcome.allFinite = isFinite;
    outcome.firstOverflow = first;
    return;
  }
  if (counters)
    countFrom(offset, isFinite, first);
  outcome.allFinite =
      arith::AndIOp::create(builder, loc, outcome.allFinite, isFinite);
}

/// The first overflow of all: of the groups before, or of this one, whose first
/// gradient is the `offset`th.
void Scaler::countFrom(int64_t offset, Value isFinite, Value first) {
  Location loc = step.getLoc();
  Type counter = first.getType();
  auto shift = arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(cast<ShapedType>(counter), APInt(32, offset)));
  Value shifted = arith::AddIOp::create(builder, loc, first, shift);
  shifted = arith::SelectOp::create(builder, loc, isFinite, first, shifted);
  outcome.firstOverflow = arith::SelectOp::create(
      builder, loc, outcome.allFinite, shifted, outcome.firstOverflow);
}

/// The finite checks, behind the last gradient of all.
void Scaler::checkGradients() {
  Operation *last = nullptr;
  for (auto &[gradient, ignored] : takers) {
    Operation *definition = gradient.getDefiningOp();
    if (definition && (!last || last->isBeforeInBlock(definition)))
      last = definition;
  }
  if (last)
    builder.setInsertionPointAfter(last);
  else
    builder.setInsertionPointToStart(&step.front());
  int64_t offset = 0;
  for (auto &[name, group] : groups) {
    checkGroup(group, offset);
    offset += group.gradients.size();
  }
}

void Scaler::unscaleGradients() {
  for (auto &[gradient, operands] : takers) {
    auto type = cast<RankedTensorType>(gradient.getType());
    builder.setInsertionPoint(operands.front()->getOwner());
    Value unscaled = UnscaleOp::create(
        builder, operands.front()->getOwner()->getLoc(),
        type.clone(builder.getF32Type()), gradient, outcome.scale);
    for (OpOperand *taker : operands) {
      Value widened = taker->get();
      taker->set(unscaled);
      if (widened != gradient && widened.use_empty())
        widened.getDefiningOp()->erase();
    }
  }
}

//===----------------------------------------------------------------------===//
// Gates
//===----------------------------------------------------------------------===//

/// A store in front of the checks cannot be gated there: it goes behind them,
/// and what loads its global in between reads its value directly.
void Scaler::moveBehindChecks() {
  Operation *last = outcome.allFinite.getDefiningOp();
  DenseMap<StringAttr, Value> stored;
  SmallVector<GlobalStoreOp> early;
  for (Operation &op :
       llvm::make_early_inc_range(step.front().getOperations())) {
    if (&op == last)
      break;
    if (auto store = dyn_cast<GlobalStoreOp>(op)) {
      stored[store.getGlobal().getLeafReference()] = store.getValue();
      early.push_back(store);
    } else if (auto load = dyn_cast<GlobalLoadOp>(op)) {
      Value value = stored.lookup(load.getGlobal().getLeafReference());
      if (!value)
        continue;
      load.getResult().replaceAllUsesWith(value);
      load.erase();
    }
  }
  for (GlobalStoreOp store : llvm::reverse(early))
    store->moveAfter(last);
}

/// Whether the store changes what is gathered over a window: a skipped step
/// starts a new window, too.
static bool isAccumulatorStore(const ScalerStates &states,
                               GlobalStoreOp store) {
  GlobalOp global = states.lookup(store.getGlobal().getLeafReference());
  auto role =
      global ? global->getAttrOfType<StringAttr>(train::kRoleAttr) : nullptr;
  return role && role.getValue() == train::kAccumulatorRole;
}

/// What gates a store: the check of the group that the state belongs to; for
/// states of the whole step, all checks.
Value Scaler::getFlag(GlobalStoreOp store) {
  StringAttr name = joined.getOrInsertLeaderValue(
      getGroup(states.lookup(store.getGlobal().getLeafReference())));
  auto found = groups.find(name);
  return name && found != groups.end() ? found->second.check.getResult()
                                       : outcome.allFinite;
}

/// `@S.saved`, the state `@S` from before the window, if @accumulate changes
/// `@S`: a skipped window is undone as a whole.
GlobalOp Scaler::createSaved(GlobalStoreOp store) {
  auto isSame = [&](GlobalStoreOp other) {
    return other.getGlobal() == store.getGlobal();
  };
  if (!accumulate || llvm::none_of(accumulate.getOps<GlobalStoreOp>(), isSame))
    return {};
  GlobalOp global = states.lookup(store.getGlobal().getLeafReference());
  // Both must begin with the same value; a random one follows from the name.
  if (!isa_and_nonnull<train::ConstantAttr, DenseElementsAttr>(
          global.getValueAttr()))
    return states.report(global, "changes in every micro-batch, so its first "
                                 "value must be a constant");
  return states.create((global.getSymName() + ".saved").str(),
                       cast<RankedTensorType>(global.getType()),
                       global.getValueAttr(), train::kStatisticRole);
}

/// Keep the value from before the step (or window) if it is skipped.
void Scaler::gate(GlobalStoreOp store, Value oldValue) {
  GlobalOp saved = createSaved(store);
  if (saved) {
    builder.setInsertionPointToStart(&step.front());
    oldValue = createLoad(builder, store.getLoc(), saved);
  } else if (!oldValue) {
    builder.setInsertionPointToStart(&step.front());
    oldValue = GlobalLoadOp::create(
        builder, store.getLoc(), store.getValue().getType(), store.getGlobal());
  }
  builder.setInsertionPoint(store);
  Value gated =
      GateOp::create(builder, store.getLoc(), store.getValue().getType(),
                     getFlag(store), oldValue, store.getValue());
  store.getValueMutable().assign(gated);
  if (saved)
    createStore(builder, store.getLoc(), saved, gated);
  ++gateCount;
}

void Scaler::gateStores() {
  DenseMap<StringAttr, Value> oldValues;
  SmallVector<GlobalStoreOp> stores;
  llvm::DenseSet<StringAttr> isStored;
  for (Operation &op : step.front()) {
    if (auto load = dyn_cast<GlobalLoadOp>(op)) {
      StringAttr name = load.getGlobal().getLeafReference();
      if (!isStored.contains(name))
        oldValues.try_emplace(name, load);
    } else if (auto store = dyn_cast<GlobalStoreOp>(op)) {
      isStored.insert(store.getGlobal().getLeafReference());
      if (!isAccumulatorStore(states, store))
        stores.push_back(store);
    }
  }
  moveBehindChecks();
  for (GlobalStoreOp store : stores)
    gate(store, oldValues.lookup(store.getGlobal().getLeafReference()));
}

//===----------------------------------------------------------------------===//
// The scaler's own states
//===----------------------------------------------------------------------===//

/// Scale, growth tracker and hysteresis after this step.
void Scaler::updateScale() {
  Location loc = step.getLoc();
  builder.setInsertionPoint(step.front().getTerminator());
  Value tracker = createLoad(builder, loc, trackerGlobal);
  SmallVector<Type> types = {outcome.scale.getType(), tracker.getType()};
  Value hysteresis;
  if (hysteresisGlobal) {
    hysteresis = createLoad(builder, loc, hysteresisGlobal);
    types.push_back(hysteresis.getType());
  }
  auto update = UpdateScaleOp::create(
      builder, loc, types,
      ValueRange{outcome.scale, tracker, outcome.allFinite});
  if (hysteresis)
    update.getHysteresisTrackerMutable().assign(hysteresis);
  update.setGrowthFactor(APFloat(options.growthFactor));
  update.setBackoffFactor(APFloat(options.backoffFactor));
  update.setGrowthInterval(options.growthInterval);
  update.setMinScale(APFloat(options.minScale));
  if (std::isfinite(options.maxScale))
    update.setMaxScale(APFloat(options.maxScale));
  if (hysteresis) {
    update.setHysteresis(options.hysteresis);
    update.setRefill(*symbolizeHysteresisRefill(options.hysteresisRefill));
  }
  createStore(builder, loc, scaleGlobal, update.getNewScale());
  createStore(builder, loc, trackerGlobal, update.getNewTracker());
  if (hysteresis)
    createStore(builder, loc, hysteresisGlobal,
                update.getNewHysteresisTracker());
}

void Scaler::remarkWhatWasDone(StringRef what) {
  remark::passed(step.getLoc(), remark::RemarkOpts::name("scaler")
                                    .category("amp-loss-scaling")
                                    .function(step.getName()))
      << remark::add("{0}: {1} gradients checked, {2} state changes gated",
                     what, takers.size(), gateCount);
}

LogicalResult Scaler::addScaler(bool isDynamic) {
  if (failed(findSeeds()))
    return failure();
  createStates(isDynamic);
  if (!states.isValid())
    return failure();
  if (takers.empty())
    return step.emitError("no train.update in '@step': there is no gradient to "
                          "unscale");
  outcome.scale = scaleSeeds(step);
  if (accumulate)
    scaleSeeds(accumulate);
  checkGradients();
  unscaleGradients();
  gateStores();
  if (isDynamic)
    updateScale();
  if (failed(addResult(step, "loss_scale", outcome.scale)) ||
      failed(addResult(step, "all_finite", outcome.allFinite)) ||
      failed(counters->build(step, outcome)))
    return failure();
  remarkWhatWasDone(llvm::formatv("{0} loss scale of {1}",
                                  isDynamic ? "dynamic" : "static",
                                  double(options.initScale))
                        .str());
  return success(states.isValid());
}

/// Without a scaler no smaller scale can help a step, but it must not be done.
LogicalResult Scaler::addGates() {
  if (takers.empty())
    return success();
  checkGradients();
  gateStores();
  if (failed(addResult(step, "all_finite", outcome.allFinite)))
    return failure();
  remarkWhatWasDone("no loss scale");
  return success(states.isValid());
}

LogicalResult Scaler::run(Mode mode) {
  findGradients();
  return mode == Mode::Gate ? addGates() : addScaler(mode == Mode::Dynamic);
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

static LogicalResult checkOptions(ModuleOp module,
                                  const AmpLossScalingPassOptions &o) {
  auto check = [&](bool isValid, StringRef flag, double value,
                   StringRef expected) -> LogicalResult {
    if (isValid)
      return success();
    return module.emitError("loss scaling: option ")
           << flag << " is " << value << ", expected " << expected;
  };
  // Written so that NaN fails, too.
  // Gradients are divided by the scale: 1 / FLT_MIN is finite.
  auto isScale = [](double scale) {
    return scale >= FLT_MIN && scale <= FLT_MAX;
  };
  StringRef scale = "a positive normal number of f32";
  if (failed(check(isScale(o.initScale), "init-scale", o.initScale, scale)) ||
      failed(check(o.growthFactor > 1 && o.growthFactor <= FLT_MAX,
                   "growth-factor", o.growthFactor,
                   "more than 1, finite in f32")) ||
      failed(check(o.backoffFactor > 0 && o.backoffFactor < 1, "backoff-factor",
                   o.backoffFactor, "a number between 0 and 1")) ||
      failed(check(o.growthInterval >= 1 && o.growthInterval <= INT32_MAX,
                   "growth-interval", o.growthInterval,
                   "1 or more steps, up to 2147483647")) ||
      failed(check(o.minScale == 0 || isScale(o.minScale), "min-scale",
                   o.minScale, "0 or a positive normal number of f32")) ||
      failed(check(o.hysteresis >= 1 && o.hysteresis <= INT32_MAX, "hysteresis",
                   o.hysteresis, "1 or more overflows")))
    return failure();
  if (!symbolizeHysteresisRefill(o.hysteresisRefill))
    return module.emitError("loss scaling: unknown hysteresis-refill '")
           << o.hysteresisRefill
           << "', expected apex, megatron, deepspeed or deepspeed_consecutive";
  bool isLimit = std::isinf(o.maxScale) || isScale(o.maxScale);
  return check(
      isLimit && o.maxScale >= o.minScale, "max-scale", o.maxScale,
      "min-scale or more: a normal number of f32, or inf for no limit");
}

/// Whether any value of the step is in f16, whose range ends at 65504.
static bool usesF16(func::FuncOp step) {
  return step
      .walk([](Operation *op) {
        for (Type type : op->getResultTypes())
          if (FloatType element = getAutocastElementType(type))
            if (element.isF16())
              return WalkResult::interrupt();
        return WalkResult::advance();
      })
      .wasInterrupted();
}

/// Whether --amp-analyze-ranges has proved that gradients stay in the range of
/// f16 by themselves, at both of its ends.
static bool needsNoScaler(func::FuncOp step) {
  return step->hasAttr(kCannotUnderflowAttr) &&
         step->hasAttr(kCannotOverflowAttr);
}

/// The scale of the first step: the usual one, or what --amp-analyze-ranges has
/// found to be safe where that is larger, or where there is nothing to gain
/// from a larger one.
static double chooseInitialScale(func::FuncOp step, double usual) {
  auto safe =
      step ? step->getAttrOfType<FloatAttr>(kSafeScaleAttr) : FloatAttr();
  if (!safe)
    return usual;
  return step->hasAttr(kCannotUnderflowAttr)
             ? safe.getValueAsDouble()
             : std::max(usual, safe.getValueAsDouble());
}

namespace {

struct LossScalingPass : amp::impl::AmpLossScalingPassBase<LossScalingPass> {
  using AmpLossScalingPassBase::AmpLossScalingPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto step = module.lookupSymbol<func::FuncOp>("step");
    std::string chosen = mode;
    if (chosen != "auto" && chosen != "dynamic" && chosen != "static" &&
        chosen != "gate" && chosen != "none") {
      module.emitError("unknown loss scaling mode '")
          << chosen << "': expected auto, dynamic, static, gate or none";
      return signalPassFailure();
    }
    if (chosen == "auto") {
      chosen =
          step && usesF16(step) && !needsNoScaler(step) ? "dynamic" : "gate";
      initScale = chooseInitialScale(step, initScale);
    }
    if (chosen == "none")
      return;
    if (!step || step.isExternal()) {
      module.emitError("no '@step' to scale the loss of: run "
                       "--train-attach-optimizer before --amp-loss-scaling");
      return signalPassFailure();
    }
    auto scalerMode = chosen == "dynamic"  ? Scaler::Mode::Dynamic
                      : chosen == "static" ? Scaler::Mode::Static
                                           : Scaler::Mode::Gate;
    AmpLossScalingPassOptions options{
        mode,     initScale, growthFactor, backoffFactor,   growthInterval,
        minScale, maxScale,  hysteresis,   hysteresisRefill};
    if (failed(checkOptions(module, options)) ||
        failed(Scaler(module, step, options).run(scalerMode)))
      signalPassFailure();
  }
};

} // namespace
