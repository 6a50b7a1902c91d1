//===- Pipelines.cpp - The compiler as readable functions
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Read from top to bottom, this is the compiler. Passes are named as on the
// command line of vernier-opt, so that every stage can be replayed there.
//
//===----------------------------------------------------------------------===//

#include "vernier/Pipelines/Pipelines.h"

#include "DescribeCompile.h"
#include "ModelWarnings.h"
#include "PlanMemory.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Policies/Policy.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Target/IR/TargetDialect.h"
#include "vernier/Target/Object.h"
#include "vernier/Target/PlanFile.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/ScopedPrinter.h"

using namespace mlir;
using namespace vernier;

/// Add passes by their command-line names. The texts are ours: a failure is a
/// mistake in this file, which the pipeline's own test would show.
static void add(OpPassManager &pm, const Twine &pipeline) {
  if (failed(parsePassPipeline(pipeline.str(), pm)))
    llvm::report_fatal_error("vernier: cannot build pipeline '" + pipeline +
                             "'");
}

/// A value of a pass option; braces keep spaces and commas of file names.
static std::string quote(StringRef value) { return ("{" + value + "}").str(); }

void vernier::addImportPasses(OpPassManager &pm,
                              const CompileOptions &options) {
  // Once: what asks about the device, and that is most of what follows, reads
  // the module.
  add(pm, "attach-target{target=" + quote(options.target) + "}");
  // While it is as it was written: passes drop what they do not know.
  add(pm, "verify-stage{model}");
  // While functions call each other: the path of calls is part of an identity.
  add(pm, "train-identify-ops");
  // Functions call each other in a model; every later pass sees straight lines.
  add(pm, "inline");
  // Shared subexpressions once, before anything is decided about them.
  add(pm, "func.func(train-share-loads),canonicalize,cse,symbol-dce");
  add(pm, "verify-stage{import}");
}

void vernier::addAutocastPasses(OpPassManager &pm,
                                const CompileOptions &options) {
  // Before types are decided: a repaired formula is another op to decide about.
  if (options.repairUnsafePatterns)
    add(pm, "amp-repair-unsafe-patterns{policy=" +
                quote(options.policy == "auto" ? options.autoCompute
                                               : options.policy) +
                "}");
  // Writes the policy that autocast then reads.
  if (options.policy == "auto")
    add(pm, "amp-assign-by-profile{profile=" + quote(options.profile) +
                " error-budget=" + llvm::to_string(options.errorBudget) +
                " compute=" + options.autoCompute + "}");
  // Asks what ranges the values have: declared, measured or of initial values.
  add(pm, "amp-autocast{policy=" + quote(options.policy) +
              " strategy=" + quote(options.strategy) +
              (options.profile.empty() ? ""
                                       : " profile=" + quote(options.profile)) +
              "}");
  add(pm, "amp-materialize-casts");
  // Before differentiation copies the decisions into the backward part.
  add(pm, "amp-verify-precision");
  add(pm, "verify-stage{autocast}");
}

void vernier::addDifferentiatePasses(OpPassManager &pm,
                                     const CompileOptions &options) {
  for (const OptimizerSpec &group : options.groups)
    add(pm, "train-group-parameters{group=" + group.group +
                " parameters=" + quote(group.parameters) +
                " settings=" + quote(group.passOptions) + "}");
  add(pm, "train-attach-optimizer{" + options.optimizer.passOptions + "}");
  // While a gradient is one op: it is asked for twice, and differentiated
  // twice.
  add(pm,
      "train-accumulate-gradients{steps=" + Twine(options.accumulate) + "}");
  add(pm, "train-differentiate");
  // Gradients have the types that the policy asks for; canonicalize may replace
  // ops by others that no decision speaks of.
  add(pm, "amp-verify-precision");
  // The update of a parameter loads what its gradient has loaded.
  add(pm, "func.func(train-share-loads)");
  // Reverse mode leaves constants of zero and one, and equal casts, behind.
  add(pm, "canonicalize,cse");
  add(pm, "verify-stage{differentiate}");
}

void vernier::addLossScalingPasses(OpPassManager &pm,
                                   const CompileOptions &options,
                                   bool usesF16) {
  using Mode = LossScaleSpec::Mode;
  const LossScaleSpec &scale = options.lossScale;
  if (scale.mode == Mode::Auto && usesF16) {
    // Proves that no scaler is needed, or how large the first scale may be. A
    // bound is no news that every compile should warn of.
    add(pm,
        "amp-analyze-ranges{warn=false" +
            (options.profile.empty() ? ""
                                     : " profile=" + quote(options.profile)) +
            "}");
    add(pm, "amp-loss-scaling{mode=auto " + scale.passOptions + "}");
  } else if (scale.mode == Mode::Dynamic)
    add(pm, "amp-loss-scaling{mode=dynamic " + scale.passOptions + "}");
  else if (scale.mode == Mode::Static)
    add(pm, "amp-loss-scaling{mode=static " + scale.passOptions + "}");
  else
    add(pm, "amp-loss-scaling{mode=gate}");
  add(pm, "verify-stage{loss-scaling}");
}

void vernier::addEvaluationPasses(OpPassManager &pm) {
  // After differentiation, for @step is made of the @loss that trains.
  add(pm, "train-evaluation-mode");
  add(pm, "verify-stage{evaluation}");
}

void vernier::addPadPasses(OpPassManager &pm, const CompileOptions &options) {
  if (!options.padForTensorCores)
    return;
  add(pm, "amp-pad-for-tensor-cores");
  add(pm, "verify-stage{pad}");
}

void vernier::addCodegenPasses(OpPassManager &pm,
                               const CompileOptions &options) {
  // While the weight casts are still single ops right behind their loads.
  add(pm, "train-keep-low-precision-copies");
  // Before fusions form, so that the casts it adds can join them. No cse after
  // it: a widened operand is cheaper to make again in the backward part than to
  // keep until then.
  add(pm, "func.func(train-legalize-contractions)");
  // Equal scalars of many updates become one, and constants fold, before
  // patterns look for single uses.
  add(pm, "func.func(train-expand-composites,canonicalize,cse)");
  // Afterwards forward and backward parts that share a kernel share their
  // values, too.
  add(pm, "func.func(train-prepare-fusions,train-form-fusions,cse)");
  // Which pads and slices a kernel can make itself is known once there are
  // kernels.
  add(pm, "func.func(train-fuse-padding)");
  // A rounding can be skipped only where both ends of it are in one kernel.
  if (options.relaxCasts)
    add(pm, "amp-relax-casts");
  add(pm, "symbol-dce");
  add(pm, "verify-stage{codegen}");
}

void vernier::addPlanPasses(OpPassManager &pm) {
  add(pm, "convert-train-to-plan");
  add(pm, "plan-assign-buffers");
  add(pm, "verify-stage{plan}");
}

void vernier::addKernelPasses(OpPassManager &pm) {
  // The plan has put its fusions, each once, into the nested module @kernels.
  add(pm, "builtin.module(emit-kernels)");
}

//===----------------------------------------------------------------------===//
// All stages
//===----------------------------------------------------------------------===//

namespace {

/// One compile: the module, and what its stages tell each other beside the IR.
class Compiler {
public:
  Compiler(ModuleOp module, const CompileOptions &options,
           const CompileWatch &watch, CompiledPlan &plan)
      : module(module), options(options), watch(watch), plan(plan) {}

  LogicalResult run();

private:
  LogicalResult import();
  LogicalResult decideTypes();
  LogicalResult makeStep();
  LogicalResult formFusions();
  LogicalResult makePlan();
  LogicalResult emitKernels();
  LogicalResult writePlan();

  /// Run the passes that `addPasses` adds and time them under `name`.
  LogicalResult
  runPasses(StringRef name,
            llvm::function_ref<void(OpPassManager &pm)> addPasses);
  TimingScope time(StringRef name) {
    return watch.timing ? watch.timing->nest(name) : TimingScope();
  }

  ModuleOp module;
  const CompileOptions &options;
  const CompileWatch &watch;
  CompiledPlan &plan;
  FailureOr<amp::Policy> policy = failure();
  PlanFileInfo info;
};

} // namespace

LogicalResult Compiler::run() {
  using Step = LogicalResult (Compiler::*)();
  static constexpr std::pair<Stage, Step> kStages[] = {
      {Stage::Train, &Compiler::import},
      {Stage::Amp, &Compiler::decideTypes},
      {Stage::Step, &Compiler::makeStep},
      {Stage::Fusion, &Compiler::formFusions},
      {Stage::Plan, &Compiler::makePlan},
      {Stage::Kernel, &Compiler::emitKernels},
      {Stage::PlanFile, &Compiler::writePlan}};
  for (auto [stage, step] : kStages) {
    if (failed((this->*step)()))
      return failure();
    if (watch.afterStage)
      watch.afterStage(stage, plan);
    if (stage == watch.last)
      break;
  }
  return success();
}

LogicalResult Compiler::import() {
  std::vector<NamedLocation> parameters = warnOfStates(module);
  warnOfStatistics(module);
  if (failed(runPasses(
          "import", [&](OpPassManager &pm) { addImportPasses(pm, options); })))
    return failure();
  plan.isImported = true;
  return checkParameters(module, parameters);
}

LogicalResult Compiler::decideTypes() {
  if (failed(runPasses("autocast", [&](OpPassManager &pm) {
        addAutocastPasses(pm, options);
      })))
    return failure();
  if (auto text = module->getAttrOfType<StringAttr>(amp::kPolicyAttr)) {
    plan.policyText = text.str();
    plan.policySummary = getPolicySummary(plan.policyText);
  }
  // As the passes have read it; of auto, what they have written.
  policy = amp::Policy::load(options.policy, module);
  return policy;
}

LogicalResult Compiler::makeStep() {
  bool needsScale = usesF16(module);
  // A model without a loss is compiled for inference alone.
  bool isTrained = bool(module.lookupSymbol("loss"));
  if (isTrained && failed(runPasses("differentiate", [&](OpPassManager &pm) {
        addDifferentiatePasses(pm, options);
        addLossScalingPasses(pm, options, needsScale);
      })))
    return failure();
  info.scheduleSteps = findScheduleEnd(module);
  if (failed(runPasses("evaluation", addEvaluationPasses)) ||
      failed(runPasses("pad",
                       [&](OpPassManager &pm) { addPadPasses(pm, options); })))
    return failure();
  plan.explanation.model = module.getName().value_or(options.modelName).str();
  plan.explanation.options = describeOptions(module, options);
  // While ops are those of the model: the policy is asked again what it said,
  // and why not otherwise.
  plan.explanation.rows = amp::collectDecisions(module, &*policy);
  return success();
}

LogicalResult Compiler::formFusions() {
  if (failed(runPasses("codegen", [&](OpPassManager &pm) {
        addCodegenPasses(pm, options);
      })))
    return failure();
  if (auto skipped =
          module->getAttrOfType<IntegerAttr>(amp::kSkippedRoundingsAttr))
    plan.explanation.options.emplace_back("skipped-roundings",
                                          std::to_string(skipped.getInt()));
  return success();
}

LogicalResult Compiler::makePlan() {
  if (failed(runPasses("plan", addPlanPasses)))
    return failure();
  plan.explanation.memory = collectMemory(module);
  return success();
}

LogicalResult Compiler::emitKernels() {
  return runPasses("kernels", addKernelPasses);
}

LogicalResult Compiler::writePlan() {
  FailureOr<const TargetModel *> target = getDeviceTarget(module);
  if (failed(target))
    return failure();
  {
    TimingScope scope = time("object");
    FailureOr<std::vector<char>> object = compileToSharedObject(
        module.lookupSymbol<ModuleOp>("kernels"), *cast<CpuTarget>(*target));
    if (failed(object))
      return failure();
    info.object = std::move(*object);
  }
  TimingScope scope = time("plan file");
  info.options = plan.explanation.options;
  info.microBatches = module.lookupSymbol(train::kAccumulateName)
                          ? uint32_t(options.accumulate)
                          : 1;
  info.decisions = describeDecisions(plan.explanation);
  FailureOr<std::vector<uint8_t>> bytes = writePlanFile(module, **target, info);
  if (failed(bytes))
    return failure();
  plan.bytes = std::move(*bytes);
  return success();
}

LogicalResult
Compiler::runPasses(StringRef name,
                    llvm::function_ref<void(OpPassManager &pm)> addPasses) {
  PassManager pm(module->getName());
  // Every pass leaves verified IR verified; the stage checks look further.
  pm.enableVerifier(true);
  if (watch.configure && failed(watch.configure(pm)))
    return failure();
  TimingScope scope = time(name);
  pm.enableTiming(scope);
  addPasses(pm);
  return pm.run(module);
}

LogicalResult vernier::compile(ModuleOp module, const CompileOptions &options,
                               CompiledPlan &plan, const CompileWatch &watch) {
  return Compiler(module, options, watch, plan).run();
}
