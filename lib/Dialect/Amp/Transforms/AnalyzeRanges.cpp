//===- AnalyzeRanges.cpp - Says where f16 can overflow, and where it cannot
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bounds are computed twice: for every step, from what the model declares, and
// from more than that: from a profile of what inputs and states were like, or
// for the first step from the initial values of the parameters. A bound that
// rests on the second is named as such, and never drops the scaler.
//
//===----------------------------------------------------------------------===//

#include "ProfiledRanges.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Transforms/Passes.h"
#include "vernier/Dialect/Amp/Transforms/RangeAnalysis.h"
#include "vernier/Dialect/Train/IR/Identity.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

namespace vernier::amp {
#define GEN_PASS_DEF_AMPANALYZERANGESPASS
#include "vernier/Dialect/Amp/Transforms/Passes.h.inc"
} // namespace vernier::amp

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

/// The largest loss scale to propose: GradScaler's is 2^16 and grows.
static constexpr double kLargestScale = 0x1p24;

static bool isF16(Value value) {
  return getElementTypeOrSelf(value.getType()).isF16();
}

/// A number for people: `5.96e-10`, and a power of two in full.
static std::string format(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), value < 1 ? "%.3g" : "%.8g", value);
  return text;
}

/// What made a value: `'block/attn.q'`, or `'train.linear'` where the op has no
/// identity, `argument 0`, `@w`.
static std::string describe(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return "argument " +
           std::to_string(cast<BlockArgument>(value).getArgNumber());
  if (auto load = dyn_cast<ml_program::GlobalLoadOp>(op))
    return "@" + load.getGlobal().getLeafReference().str();
  std::string identity = train::getIdentity(op->getLoc());
  return "'" +
         (identity.empty() ? op->getName().getStringRef().str() : identity) +
         "'";
}

namespace {

/// What is said about one function.
class Reporter {
public:
  /// `when` the bounds of `assumed` hold: "in the first step".
  Reporter(FunctionOpInterface function, const RangeAnalysis &always,
           const RangeAnalysis &assumed, StringRef when, bool warns)
      : function(function), always(always), assumed(assumed), when(when),
        warns(warns) {}

  /// A remark or a warning for every f16 value.
  void reportOverflows() const;
  /// Whether the step needs a loss scaler, and where it should start.
  void reportLossScale() const;
  /// The step if no gradient can underflow: what remains is overflow.
  void reportUnderflowExcluded(ArrayRef<Value> scaled) const;

private:
  void reportOverflow(OpResult value) const;
  void warn(OpResult value, const RangeAnalysis &analysis) const;
  remark::RemarkOpts name(StringRef name) const {
    return remark::RemarkOpts::name(name)
        .category("amp-analyze-ranges")
        .function(function.getName());
  }

  // Interfaces have no const methods.
  mutable FunctionOpInterface function;
  const RangeAnalysis &always, &assumed;
  StringRef when;
  bool warns;
};

} // namespace

//===----------------------------------------------------------------------===//
// Overflow
//===----------------------------------------------------------------------===//

void Reporter::warn(OpResult value, const RangeAnalysis &analysis) const {
  Operation *op = value.getOwner();
  std::string condition = &analysis == &assumed ? (" " + when).str() : "";
  std::string message = "f16 can overflow" + condition + ": " +
                        toString(analysis.getExactRange(value)) +
                        " reaches beyond 65504";
  if (!warns) {
    remark::missed(op->getLoc(), name("overflow"))
        << remark::add("{0}", message);
    return;
  }
  InFlightDiagnostic warning = op->emitWarning(message);
  SmallVector<Value> chain = analysis.getChain(value);
  for (Value link : ArrayRef(chain).drop_front())
    warning.attachNote(link.getLoc()) << "from " << describe(link) << " in "
                                      << toString(analysis.getRange(link));
}

/// The value at the end of the chain: who is to be asked for a bound.
static std::string blame(Value value, const RangeAnalysis &analysis) {
  Value origin;
  for (Value link : analysis.getChain(value))
    if (!analysis.getRange(link).isBounded())
      origin = link;
  return describe(origin ? origin : value);
}

void Reporter::reportOverflow(OpResult value) const {
  Location loc = value.getLoc();
  if (always.getExactRange(value).fitsIn(kRangeF16)) {
    remark::passed(loc, name("overflow")) << remark::add(
        "f16 cannot overflow: {0}", toString(always.getExactRange(value)));
    return;
  }
  if (always.getExactRange(value).isBounded())
    return warn(value, always);
  if (assumed.getExactRange(value).fitsIn(kRangeF16)) {
    remark::passed(loc, name("overflow"))
        << remark::add("f16 cannot overflow {0}: {1}", when,
                       toString(assumed.getExactRange(value)));
    return;
  }
  if (assumed.getExactRange(value).isBounded())
    return warn(value, assumed);
  remark::missed(loc, name("overflow")) << remark::add(
      "f16 overflow is not excluded: {0} is unbounded", blame(value, assumed));
}

void Reporter::reportOverflows() const {
  for (Operation &op : function.getFunctionBody().front())
    for (OpResult value : op.getResults())
      if (isF16(value) && !op.hasTrait<OpTrait::ConstantLike>())
        reportOverflow(value);
}

//===----------------------------------------------------------------------===//
// The loss scale
//===----------------------------------------------------------------------===//

/// The values that the loss scale multiplies: all that is made of the seed, up
/// to the ops that take gradients.
static SmallVector<Value> getScaledValues(FunctionOpInterface function) {
  SmallVector<Value> scaled;
  DenseSet<Value> isScaled;
  for (Operation &op : function.getFunctionBody().front()) {
    bool isSeed = isa<train::SeedOp>(op);
    bool takesGradients = isa<train::UpdateOp, train::ClipByGlobalNormOp,
                              ml_program::GlobalStoreOp>(op);
    if (!isSeed &&
        (takesGradients || llvm::none_of(op.getOperands(), [&](Value v) {
           return isScaled.contains(v);
         })))
      continue;
    for (Value result : op.getResults()) {
      scaled.push_back(result);
      isScaled.insert(result);
    }
  }
  return scaled;
}

/// The largest power of two that no value times it overflows; 0 if there is no
/// bound.
static double getSafeScale(ArrayRef<Value> values,
                           const RangeAnalysis &analysis) {
  double scale = kLargestScale;
  for (Value value : values) {
    Interval range = analysis.getExactRange(value);
    if (!isa<FloatType>(getElementTypeOrSelf(value.getType())))
      continue;
    if (!range.isBounded())
      return 0;
    double limit =
        isF16(value) ? kRangeF16.getMaximum() : kRangeF32.getMaximum();
    if (range.getMagnitude() > 0)
      scale = std::min(scale, limit / range.getMagnitude());
  }
  return std::exp2(std::floor(std::log2(scale)));
}

void Reporter::reportUnderflowExcluded(ArrayRef<Value> scaled) const {
  Location loc = function.getLoc();
  OpBuilder builder(function.getContext());
  function->setAttr(kCannotUnderflowAttr, builder.getUnitAttr());
  auto unsafe = llvm::find_if(scaled, [&](Value value) {
    return isF16(value) && !always.getExactRange(value).fitsIn(kRangeF16);
  });
  if (unsafe == scaled.end()) {
    remark::passed(loc, name("loss-scale"))
        << remark::add("no gradient can underflow or overflow in f16: no loss "
                       "scaler is needed");
    function->setAttr(kCannotOverflowAttr, builder.getUnitAttr());
    return;
  }
  // A scale below 1 may be what a sum over many rows needs.
  remark::missed(loc, name("loss-scale")) << remark::add(
      "no gradient can underflow in f16, but {0} may overflow ({1}): a loss "
      "scaler is needed to make gradients smaller",
      describe(*unsafe), toString(always.getExactRange(*unsafe)));
  if (double scale = getSafeScale(scaled, always))
    function->setAttr(kSafeScaleAttr, builder.getF64FloatAttr(scale));
}

void Reporter::reportLossScale() const {
  SmallVector<Value> scaled = getScaledValues(function);
  auto firstF16 = llvm::find_if(scaled, isF16);
  if (firstF16 == scaled.end())
    return;
  auto unsafe = llvm::find_if(scaled, [&](Value value) {
    return isF16(value) &&
           !always.getExactRange(value).isSafeFromUnderflow(kRangeF16);
  });
  Location loc = function.getLoc();
  OpBuilder builder(function.getContext());
  if (unsafe == scaled.end())
    return reportUnderflowExcluded(scaled);
  double scale = getSafeScale(scaled, always);
  StringRef condition = "in any step";
  if (scale == 0) {
    scale = getSafeScale(scaled, assumed);
    condition = when;
  }
  std::string why = describe(*unsafe) + " may be as small as " +
                    format(always.getExactRange(*unsafe).smallest);
  if (scale == 0) {
    remark::missed(loc, name("loss-scale"))
        << remark::add("gradients may underflow in f16 ({0}); they are "
                       "unbounded, so no loss scale is proposed",
                       why);
    return;
  }
  remark::analysis(loc, name("loss-scale"))
      << remark::add("gradients may underflow in f16 ({0}); a loss scale up to "
                     "{1} cannot overflow {2}",
                     why, format(scale), condition);
  function->setAttr(kSafeScaleAttr, builder.getF64FloatAttr(scale));
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

/// `amp.range` on every result of the function.
static void annotateResults(FunctionOpInterface function,
                            const RangeAnalysis &analysis) {
  OpBuilder builder(function.getContext());
  auto number = [&](StringRef name, double value) {
    return builder.getNamedAttr(name, builder.getF64FloatAttr(value));
  };
  Operation *end = function.getFunctionBody().front().getTerminator();
  for (auto [index, value] : llvm::enumerate(end->getOperands())) {
    Interval x = analysis.getRange(value);
    function.setResultAttr(
        index, kResultRangeAttr,
        builder.getDictionaryAttr(
            {number("low", x.low), number("high", x.high),
             number("smallest", x.smallest), number("grid", x.grid),
             builder.getNamedAttr("may_be_nan",
                                  builder.getBoolAttr(x.mayBeNaN))}));
  }
}

namespace {

struct AnalyzeRangesPass
    : amp::impl::AmpAnalyzeRangesPassBase<AnalyzeRangesPass> {
  using AmpAnalyzeRangesPassBase::AmpAnalyzeRangesPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::optional<Profile> profile;
    StringRef when = "in the first step";
    if (!profilePath.empty()) {
      FailureOr<Profile> loaded = Profile::load(profilePath, &getContext());
      if (failed(loaded) || failed(loaded->checkModel(module)))
        return signalPassFailure();
      profile = std::move(*loaded);
      when = "while inputs and states stay as measured";
    }
    bool hasStep = module.lookupSymbol("step") != nullptr;
    for (auto function : module.getOps<FunctionOpInterface>()) {
      // The step repeats the ops of the loss, and of other micro-batches.
      bool isRepeated =
          hasStep && (function.getName() == "loss" ||
                      function.getName() == train::kAccumulateName);
      if (function.isExternal() || !function.isPublic() || isRepeated)
        continue;
      RangeAnalysis always = RangeAnalysis::run(function, RangeAssumptions());
      RangeAssumptions assumptions;
      assumptions.initialValues = !profile;
      if (profile)
        assumptions = getMeasuredRanges(*profile, module, function);
      RangeAnalysis assumed = RangeAnalysis::run(function, assumptions);
      Reporter reporter(function, always, assumed, when, warn);
      reporter.reportOverflows();
      reporter.reportLossScale();
      if (annotate)
        annotateResults(function, atInitialValues ? assumed : always);
    }
  }
};

} // namespace
