//===- LossScaling.cpp - Makes a step scale its loss and skip on overflow
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Works on a differentiated `@step`. The seed of reverse mode is scaled, every
// gradient is unscaled where the optimizer (or the clipping before it) takes
// it, and every state change is gated by one finite check of the scaled
// gradients, so that a skipped step changes nothing but the scaler
// (Micikevicius et al. 2018; torch.amp.GradScaler).
//
//===----------------------------------------------------------------------===//

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
#include "llvm/ADT/MapVector.h"

#include <algorithm>
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

/// Puts the scaler into `@step` of one module.
class Scaler {
public:
  Scaler(ModuleOp module, func::FuncOp step,
         const AmpLossScalingPassOptions &options)
      : module(module), step(step), options(options), symbols(module),
        builder(module.getContext()) {}

  LogicalResult run(bool isDynamic);

private:
  LogicalResult findSeed();
  LogicalResult createStates(bool isDynamic);
  FailureOr<GlobalOp> createState(StringRef name, Type element,
                                  Attribute initial, StringRef role);
  void findGradients();
  void scaleSeed();
  void checkGradients();
  void unscaleGradients();
  void gateStores();
  void moveBehindCheck();
  void updateScale();
  void countSkipped();
  void addResult(StringRef name, Value value);
  void remarkWhatWasDone(bool isDynamic);

  ModuleOp module;
  func::FuncOp step;
  const AmpLossScalingPassOptions &options;
  SymbolTable symbols;
  OpBuilder builder;

  train::SeedOp seed;
  GlobalOp scaleGlobal, trackerGlobal, hysteresisGlobal, skippedGlobal;
  /// The loss scale of this step.
  Value scale;
  /// The scaled gradients, in the order in which they are taken, and who takes
  /// them: the gradient operands of updates and clippings.
  llvm::MapVector<Value, SmallVector<OpOperand *, 1>> gradients;
  AllFiniteOp allFinite;
  unsigned gateCount = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// What is there
//===----------------------------------------------------------------------===//

LogicalResult Scaler::findSeed() {
  SmallVector<train::SeedOp> seeds(step.getOps<train::SeedOp>());
  if (seeds.empty())
    return step.emitError("no train.seed in '@step' to scale: run "
                          "--train-attach-optimizer and --train-differentiate "
                          "before --amp-loss-scaling");
  seed = seeds.front();
  if (seeds.size() > 1)
    return seeds[1].emitError("a second train.seed in '@step': one loss scale "
                              "serves one loss; sum the losses first");
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

void Scaler::findGradients() {
  auto add = [&](OpOperand &operand) {
    gradients[getRawGradient(operand.get())].push_back(&operand);
  };
  for (Operation &op : step.front()) {
    if (auto clip = dyn_cast<train::ClipByGlobalNormOp>(op)) {
      for (OpOperand &operand : clip.getGradientsMutable())
        add(operand);
    } else if (auto update = dyn_cast<train::UpdateOp>(op)) {
      if (!update.getGradient().getDefiningOp<train::ClipByGlobalNormOp>())
        add(update.getGradientMutable());
    }
  }
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

FailureOr<GlobalOp> Scaler::createState(StringRef name, Type element,
                                        Attribute initial, StringRef role) {
  if (Operation *other = symbols.lookup(name))
    return other->emitError("'@")
           << name
           << "' is a state of the loss scaler: the step has one already, "
           << "or this is to be renamed";
  auto global = GlobalOp::create(
      builder, step.getLoc(), name, RankedTensorType::get({}, element),
      /*is_mutable=*/true, initial, builder.getStringAttr("private"));
  global->setAttr(train::kRoleAttr, builder.getStringAttr(role));
  symbols.insert(global);
  return global;
}

LogicalResult Scaler::createStates(bool isDynamic) {
  Type f32 = builder.getF32Type(), i32 = builder.getI32Type();
  auto initial = train::ConstantAttr::get(builder.getContext(),
                                          train::Number(options.initScale));
  auto zero =
      cast<TypedAttr>(builder.getZeroAttr(RankedTensorType::get({}, i32)));
  builder.setInsertionPoint(step);
  auto create = [&](GlobalOp &global, StringRef name, Type element,
                    Attribute value, StringRef role) -> LogicalResult {
    FailureOr<GlobalOp> created = createState(name, element, value, role);
    if (succeeded(created))
      global = *created;
    return created;
  };
  if (failed(
          create(scaleGlobal, kScaleName, f32, initial, train::kLossScaleRole)))
    return failure();
  if (isDynamic && failed(create(trackerGlobal, kGrowthTrackerName, i32, zero,
                                 train::kLossScaleRole)))
    return failure();
  auto full = DenseElementsAttr::get(
      cast<ShapedType>(zero.getType()),
      builder.getI32IntegerAttr(options.hysteresis).getValue());
  if (isDynamic && options.hysteresis > 1 &&
      failed(create(hysteresisGlobal, kHysteresisTrackerName, i32, full,
                    train::kLossScaleRole)))
    return failure();
  return create(skippedGlobal, kSkippedStepsName, i32, zero,
                train::kCounterRole);
}

static Value createLoad(OpBuilder &builder, Location loc, GlobalOp global) {
  return GlobalLoadOp::create(builder, loc, global.getType(),
                              FlatSymbolRefAttr::get(global));
}

static void createStore(OpBuilder &builder, Location loc, GlobalOp global,
                        Value value) {
  GlobalStoreOp::create(builder, loc, FlatSymbolRefAttr::get(global), value);
}

//===----------------------------------------------------------------------===//
// Scale, check, unscale
//===----------------------------------------------------------------------===//

void Scaler::scaleSeed() {
  builder.setInsertionPointToStart(&step.front());
  scale = createLoad(builder, step.getLoc(), scaleGlobal);
  builder.setInsertionPointAfter(seed);
  auto scaled = ScaleOp::create(builder, seed.getLoc(), seed.getType(),
                                seed.getResult(), scale);
  seed.getResult().replaceAllUsesExcept(scaled.getResult(), scaled);
}

/// One finite check of all gradients, behind the last of them.
void Scaler::checkGradients() {
  Operation *last = seed;
  SmallVector<Value> values;
  for (auto &[gradient, takers] : gradients) {
    values.push_back(gradient);
    Operation *definition = gradient.getDefiningOp();
    if (definition && last->isBeforeInBlock(definition))
      last = definition;
  }
  builder.setInsertionPointAfter(last);
  allFinite = AllFiniteOp::create(
      builder, step.getLoc(), RankedTensorType::get({}, builder.getI1Type()),
      values);
}

void Scaler::unscaleGradients() {
  for (auto &[gradient, takers] : gradients) {
    auto type = cast<RankedTensorType>(gradient.getType());
    builder.setInsertionPoint(takers.front()->getOwner());
    Value unscaled =
        UnscaleOp::create(builder, takers.front()->getOwner()->getLoc(),
                          type.clone(builder.getF32Type()), gradient, scale);
    for (OpOperand *taker : takers) {
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

/// A store in front of the check cannot be gated there: it goes behind it, and
/// what loads its global in between reads its value directly.
void Scaler::moveBehindCheck() {
  DenseMap<StringAttr, Value> stored;
  SmallVector<GlobalStoreOp> early;
  for (Operation &op :
       llvm::make_early_inc_range(step.front().getOperations())) {
    if (&op == allFinite)
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
    store->moveAfter(allFinite);
}

/// Every store keeps the value from before the step if the step is skipped.
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
      stores.push_back(store);
    }
  }
  moveBehindCheck();
  for (GlobalStoreOp store : stores) {
    Value &oldValue = oldValues[store.getGlobal().getLeafReference()];
    if (!oldValue) {
      builder.setInsertionPointToStart(&step.front());
      oldValue =
          GlobalLoadOp::create(builder, store.getLoc(),
                               store.getValue().getType(), store.getGlobal());
    }
    builder.setInsertionPoint(store);
    store.getValueMutable().assign(
        GateOp::create(builder, store.getLoc(), store.getValue().getType(),
                       allFinite, oldValue, store.getValue()));
  }
  gateCount = stores.size();
}

//===----------------------------------------------------------------------===//
// The scaler's own states
//===----------------------------------------------------------------------===//

/// Scale, growth tracker and hysteresis after this step.
void Scaler::updateScale() {
  Location loc = step.getLoc();
  Value tracker = createLoad(builder, loc, trackerGlobal);
  SmallVector<Type> types = {scale.getType(), tracker.getType()};
  Value hysteresis;
  if (hysteresisGlobal) {
    hysteresis = createLoad(builder, loc, hysteresisGlobal);
    types.push_back(hysteresis.getType());
  }
  auto update = UpdateScaleOp::create(builder, loc, types,
                                      ValueRange{scale, tracker, allFinite});
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

void Scaler::countSkipped() {
  Location loc = step.getLoc();
  Value skipped = createLoad(builder, loc, skippedGlobal);
  auto one = DenseElementsAttr::get(cast<ShapedType>(skipped.getType()),
                                    APInt(/*numBits=*/32, 1));
  Value more = arith::AddIOp::create(
      builder, loc, skipped, arith::ConstantOp::create(builder, loc, one));
  createStore(builder, loc, skippedGlobal,
              arith::SelectOp::create(builder, loc, allFinite, skipped, more));
}

void Scaler::addResult(StringRef name, Value value) {
  unsigned index = step.getNumResults();
  (void)step.insertResult(index, value.getType(),
                          builder.getDictionaryAttr(builder.getNamedAttr(
                              train::kNameAttr, builder.getStringAttr(name))));
  step.front().getTerminator()->insertOperands(index, value);
}

void Scaler::remarkWhatWasDone(bool isDynamic) {
  remark::passed(step.getLoc(), remark::RemarkOpts::name("scaler")
                                    .category("amp-loss-scaling")
                                    .function(step.getName()))
      << remark::add("{0} loss scale of {1}: {2} gradients unscaled, {3} state "
                     "changes gated",
                     isDynamic ? "dynamic" : "static",
                     double(options.initScale), gradients.size(), gateCount);
}

LogicalResult Scaler::run(bool isDynamic) {
  if (failed(findSeed()) || failed(createStates(isDynamic)))
    return failure();
  findGradients();
  if (gradients.empty())
    return step.emitError("no train.update in '@step': there is no gradient to "
                          "unscale");
  scaleSeed();
  checkGradients();
  unscaleGradients();
  gateStores();
  builder.setInsertionPoint(step.front().getTerminator());
  if (isDynamic)
    updateScale();
  countSkipped();
  addResult("loss_scale", scale);
  addResult("all_finite", allFinite);
  remarkWhatWasDone(isDynamic);
  return success();
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
  bool isPositive = o.initScale > 0 && std::isfinite(float(o.initScale));
  if (failed(check(isPositive, "init-scale", o.initScale,
                   "a positive number that f32 holds")) ||
      failed(check(o.growthFactor > 1, "growth-factor", o.growthFactor,
                   "more than 1")) ||
      failed(check(o.backoffFactor > 0 && o.backoffFactor < 1, "backoff-factor",
                   o.backoffFactor, "a number between 0 and 1")) ||
      failed(check(o.growthInterval >= 1, "growth-interval", o.growthInterval,
                   "1 or more steps")) ||
      failed(check(o.minScale >= 0, "min-scale", o.minScale, "0 or more")) ||
      failed(check(o.hysteresis >= 1 && o.hysteresis <= INT32_MAX, "hysteresis",
                   o.hysteresis, "1 or more overflows")))
    return failure();
  if (!symbolizeHysteresisRefill(o.hysteresisRefill))
    return module.emitError("loss scaling: unknown hysteresis-refill '")
           << o.hysteresisRefill
           << "', expected apex, megatron, deepspeed or deepspeed_consecutive";
  return check(o.maxScale >= o.minScale, "max-scale", o.maxScale,
               "min-scale or more");
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

namespace {

struct LossScalingPass : amp::impl::AmpLossScalingPassBase<LossScalingPass> {
  using AmpLossScalingPassBase::AmpLossScalingPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto step = module.lookupSymbol<func::FuncOp>("step");
    std::string chosen = mode;
    if (chosen != "auto" && chosen != "dynamic" && chosen != "static" &&
        chosen != "none") {
      module.emitError("unknown loss scaling mode '")
          << chosen << "': expected auto, dynamic, static or none";
      return signalPassFailure();
    }
    if (chosen == "auto") {
      // What --amp-analyze-ranges has proved.
      bool isSafe = step && step->hasAttr(kCannotUnderflowAttr);
      chosen = step && usesF16(step) && !isSafe ? "dynamic" : "none";
      auto safe =
          step ? step->getAttrOfType<FloatAttr>(kSafeScaleAttr) : FloatAttr();
      if (safe)
        initScale = std::max(double(initScale), safe.getValueAsDouble());
    }
    if (chosen == "none")
      return;
    if (!step || step.isExternal()) {
      module.emitError("no '@step' to scale the loss of: run "
                       "--train-attach-optimizer before --amp-loss-scaling");
      return signalPassFailure();
    }
    AmpLossScalingPassOptions options{
        mode,     initScale, growthFactor, backoffFactor,   growthInterval,
        minScale, maxScale,  hysteresis,   hysteresisRefill};
    if (failed(checkOptions(module, options)) ||
        failed(Scaler(module, step, options).run(chosen == "dynamic")))
      signalPassFailure();
  }
};

} // namespace
