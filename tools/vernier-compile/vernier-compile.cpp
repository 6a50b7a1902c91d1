//===- vernier-compile.cpp - Compiles a model to a plan
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include "vernier/Dialect/Amp/Policies/Policy.h"
#include "vernier/Pipelines/InitAll.h"
#include "vernier/Pipelines/OptimizerSpec.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <memory>

namespace cl = llvm::cl;
using namespace vernier;

static cl::OptionCategory category("vernier-compile options");

static cl::list<std::string> inputs(cl::Positional, cl::desc("MODEL.mlir"),
                                    cl::cat(category));
static cl::opt<std::string>
    outputFile("o",
               cl::desc("Where to write (default: the model's name with "
                        ".vplan; '-' is standard output)"),
               cl::value_desc("FILE"), cl::cat(category));
static cl::opt<std::string>
    target("target", cl::init("cpu"),
           cl::desc("cpu (portable x86-64-v3), cpu:native, or cpu:NAME such as "
                    "cpu:x86-64-v4"),
           cl::cat(category));
static cl::opt<std::string>
    policy("policy", cl::init("bf16"),
           cl::desc("Precision: f32, tf32, bf16, f16, another preset (vernier, "
                    "torch-cuda, torch-cpu), a policy file, or auto, from a "
                    "--profile"),
           cl::cat(category));
static cl::opt<std::string>
    profile("profile", cl::value_desc("FILE"),
            cl::desc("What vernier-run train --profile-numerics wrote of this "
                     "model in f32: --policy=auto chooses by it, every policy "
                     "keeps by it in f32 what 16 bits do not hold, and "
                     "--loss-scale=auto starts by it where f16 is used"),
            cl::cat(category));
static cl::opt<std::string> errorBudget(
    "error-budget", cl::init("0.1"), cl::value_desc("E"),
    cl::desc("For --policy=auto: the relative error of loss and gradients that "
             "rounding may make; less keeps more in f32 (default: 0.1)"),
    cl::cat(category));
static cl::opt<std::string> autoCompute(
    "auto-compute", cl::init("bf16"), cl::value_desc("TYPE"),
    cl::desc("For --policy=auto: the 16-bit type, bf16 or f16 (default: bf16)"),
    cl::cat(category));
static cl::opt<std::string>
    writePolicy("write-policy", cl::value_desc("FILE"),
                cl::desc("For --policy=auto: where to write the policy that "
                         "came of it, for review and for --policy=FILE"),
                cl::cat(category));
static cl::list<std::string> optimizers(
    "optimizer",
    cl::desc(
        "sgd, adam or adamw (the default), then settings: adamw,lr=1e-3,"
        "weight_decay=0.01,schedule=cosine,warmup_steps=10,total_steps=1000,"
        "clip_norm=1,ema_decay=0.999; again with group=NAME,parameters=REGEX "
        "for "
        "parameters that have an optimizer of their own (clip_norm bounds one "
        "norm over all of them, with clip_scope=group that of the group)"),
    cl::cat(category));
static cl::opt<std::string>
    strategy("strategy",
             cl::desc("How ops that the policy leaves open get their type: "
                      "lists, propagate or min-cut (the policy's own)"),
             cl::cat(category));
static cl::opt<std::string>
    casts("casts", cl::init("strict"),
          cl::desc("strict: every rounding that the IR says is done; relaxed: "
                   "kernels may skip roundings to 16 bits, and --explain says "
                   "how many"),
          cl::cat(category));
static cl::opt<bool> repair(
    "repair-unsafe-patterns", cl::init(true),
    cl::desc("Replace formulas that overflow on the way to a harmless result, "
             "such as log(sigmoid(x)), by stable ones (on)"),
    cl::cat(category));
static cl::opt<std::string> lossScale(
    "loss-scale", cl::init("auto"),
    cl::desc(
        "auto (dynamic where f16 may underflow), dynamic, none (steps that "
        "are not finite are skipped all the same), or a "
        "number; the first two with settings: dynamic,init=65536,"
        "growth_factor=2,backoff_factor=0.5,growth_interval=2000,min=1,"
        "max=16777216,hysteresis=2,refill=apex (or megatron, deepspeed, "
        "deepspeed_consecutive)"),
    cl::cat(category));
static cl::opt<unsigned> accumulate(
    "accumulate", cl::init(1), cl::value_desc("N"),
    cl::desc(
        "Sum the gradients of N micro-batches in f32, divide by N and "
        "update once: one step on a batch N times as large, where the loss "
        "is a mean over its batch"),
    cl::cat(category));
static cl::opt<std::string> emit(
    "emit", cl::init("vplan"),
    cl::desc("Stop after a stage and print the IR: train, amp, step, fusion, "
             "kernel, plan"),
    cl::cat(category));
static cl::opt<std::string> explain(
    "explain", cl::ValueOptional, cl::value_desc("FORMAT"),
    cl::desc("Say what runs in which precision, and why: text (a table; the "
             "default), json, or html (a page that needs nothing else)"),
    cl::cat(category));
static cl::opt<std::string>
    explainFile("explain-file", cl::init("-"), cl::value_desc("FILE"),
                cl::desc("Where to write the explanation (default: '-', "
                         "standard output)"),
                cl::cat(category));
static cl::opt<std::string> remarks(
    "remarks", cl::ValueOptional,
    cl::init("amp-(repair-unsafe-patterns|keep-range)"),
    cl::value_desc("REGEX"),
    cl::desc("Print what passes of such names say of their decisions, on "
             "standard error: amp-.* (as --remarks alone), amp-relax-casts, "
             "train-form-fusions, none (default: amp-repair-unsafe-patterns "
             "and amp-keep-range)"),
    cl::cat(category));
static cl::opt<bool> diff(
    "diff",
    cl::desc("Say which decisions differ, and why, between two files, each a "
             "model or what --explain=json wrote, or between two policies for "
             "one model"),
    cl::cat(category));
static cl::opt<bool> pad("pad-for-tensor-cores",
                         cl::desc("Align leading dimensions (off on a CPU)"),
                         cl::cat(category));

static constexpr char kOverview[] =
    R"(Compiles a training graph to a plan that vernier-run executes.

EXAMPLES
  vernier-compile mlp.mlir -o mlp.vplan --policy=bf16 --optimizer=adamw,lr=1e-3
  vernier-compile mlp.mlir --policy=f16 --loss-scale=dynamic --target=cpu:native
  vernier-compile mlp.mlir --policy=auto --profile=mlp.json --error-budget=0.05
  vernier-compile mlp.mlir --explain -o mlp.vplan
  vernier-compile mlp.mlir --explain=html --explain-file=mlp.html
  vernier-compile --diff before.json after.json
  vernier-compile --diff before.mlir after.mlir --policy=f16
  vernier-compile mlp.mlir --diff bf16 torch-cuda
  vernier-compile mlp.mlir --emit=amp          print the graph after autocast

Passes can be watched with --mlir-timing and --mlir-print-ir-after-all; --help-hidden lists all such flags.

Exit codes: 0 ok, 1 diagnosed failure, 2 usage, 3 bad input file, 5 cannot write.
)";

static int usageError(const llvm::Twine &message) {
  return printUsageError("vernier-compile", message);
}

/// What is wrong with the files on the command line, or nothing.
static std::string checkInputs() {
  if (diff && inputs.size() != 2 && inputs.size() != 3)
    return "--diff compares two files, or two policies for a model: "
           "vernier-compile --diff A B, vernier-compile MODEL.mlir --diff "
           "POLICY POLICY";
  if (diff && inputs.size() == 3 && policy.getNumOccurrences())
    return "--diff compares the policies '" + inputs[1] + "' and '" +
           inputs[2] + "': drop --policy=" + policy;
  if (outputFile.getNumOccurrences() && outputFile.empty())
    return "-o: needs the name of a file, or '-' for standard output";
  if (diff)
    return "";
  if (inputs.empty())
    return "no model given: vernier-compile MODEL.mlir -o MODEL.vplan";
  if (inputs.size() > 1)
    return "more than one model given: '" + inputs[0] + "' and '" + inputs[1] +
           "'";
  for (const std::string *output :
       {&outputFile.getValue(), &explainFile.getValue(),
        &writePolicy.getValue()})
    if (llvm::sys::fs::equivalent(inputs[0], *output))
      return "writing to '" + *output +
             "' would overwrite the model: give another file";
  return "";
}

/// What is wrong with the flags of --policy=auto, or nothing.
static std::string setAuto(DriverOptions &options) {
  bool isAuto =
      policy == "auto" || (diff && llvm::is_contained(inputs, "auto"));
  for (const cl::Option *flag :
       {(cl::Option *)&errorBudget, (cl::Option *)&writePolicy,
        (cl::Option *)&autoCompute})
    if (!isAuto && flag->getNumOccurrences())
      return ("--" + flag->ArgStr + " is for --policy=auto").str();
  if (isAuto && profile.empty())
    return "--policy=auto needs --profile=FILE, which vernier-run train "
           "--profile-numerics writes";
  double &number = options.compile.errorBudget;
  if (llvm::StringRef(errorBudget).getAsDouble(number) || !(number > 0.0) ||
      !std::isfinite(number))
    return "--error-budget: '" + errorBudget + "' is not a positive number";
  if (writePolicy.getNumOccurrences() && emit != "vplan")
    return "--write-policy needs the whole compile: drop --emit=" + emit;
  if (autoCompute != "bf16" && autoCompute != "f16")
    return "--auto-compute: unknown type '" + autoCompute +
           "'; expected bf16 or f16";
  options.compile.profile = profile;
  options.compile.autoCompute = autoCompute;
  options.policyFile = writePolicy;
  return "";
}

/// What is wrong with --explain, or nothing.
static std::string setRemarks(DriverOptions &options) {
  bool isAlone = remarks.getNumOccurrences() && remarks.empty();
  options.remarks = isAlone ? "amp-.*" : remarks.getValue();
  std::string reason;
  if (!llvm::Regex(options.remarks).isValid(reason))
    return "--remarks: '" + remarks + "' is no regular expression: " + reason;
  return "";
}

static std::string setExplain(DriverOptions &options) {
  options.explainFile = explainFile;
  if (explain.getNumOccurrences() == 0)
    return explainFile.getNumOccurrences()
               ? "--explain-file says where; --explain=text, json or html is "
                 "missing"
               : "";
  std::string name = explain.empty() ? "text" : explain.getValue();
  options.explain = symbolizeExplainFormat(name);
  if (!options.explain)
    return "--explain: unknown format '" + name +
           "'; expected text, json or html";
  if (diff)
    return "--diff prints a comparison, not an explanation: drop --explain";
  if (emit != "vplan")
    return "--explain needs the whole compile: drop --emit=" + emit;
  if (outputFile == explainFile)
    return "the plan and the explanation cannot both go to '" + explainFile +
           "': give --explain-file";
  return "";
}

/// What is wrong with --optimizer, or nothing. At most one is for the
/// parameters that no other names.
static std::string setOptimizers(DriverOptions &options) {
  bool hasDefault = false;
  options.hasOptimizer = !optimizers.empty();
  for (const std::string &text : optimizers) {
    llvm::Expected<OptimizerSpec> spec = OptimizerSpec::parse(text);
    if (!spec)
      return llvm::toString(spec.takeError());
    if (llvm::any_of(options.compile.groups, [&](const OptimizerSpec &other) {
          return other.group == spec->group;
        }))
      return "--optimizer: '" + text + "': group '" + spec->group +
             "' has an optimizer; one REGEX can name all of its parameters";
    if (!spec->group.empty()) {
      options.compile.groups.push_back(*spec);
      continue;
    }
    if (hasDefault)
      return "--optimizer: '" + text +
             "' is a second one for all parameters; give it group=NAME and "
             "parameters=REGEX";
    hasDefault = true;
    options.compile.optimizer = *spec;
  }
  return "";
}

/// The flags on the command line that say how to compile.
static std::vector<std::string> getCompileFlags() {
  std::vector<std::string> given;
  for (const cl::Option *flag : std::initializer_list<const cl::Option *>{
           &target, &policy, &profile, &errorBudget, &autoCompute,
           std::addressof(optimizers), &strategy, &casts, &repair, &lossScale,
           &accumulate, &pad})
    if (flag->getNumOccurrences())
      given.push_back(("--" + flag->ArgStr).str());
  return given;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  registerAllPasses();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  cl::HideUnrelatedOptions(category);
  cl::SetVersionPrinter([](llvm::raw_ostream &os) {
    os << "vernier-compile " VERNIER_VERSION " (LLVM " LLVM_VERSION_STRING
          ")\n";
  });
  if (int code = parseCommandLine(argc, argv, "vernier-compile", kOverview))
    return code;
  DriverOptions options;
  options.outputFile = outputFile;
  if (std::string message = checkInputs(); !message.empty())
    return usageError(message);
  if (std::string message = setExplain(options); !message.empty())
    return usageError(message);
  if (std::string message = setRemarks(options); !message.empty())
    return usageError(message);
  if (std::string message = setAuto(options); !message.empty())
    return usageError(message);
  options.compile.target = target;
  options.compile.policy = policy;
  options.compile.strategy = strategy;
  options.compile.padForTensorCores = pad;
  options.compile.repairUnsafePatterns = repair;
  options.compile.relaxCasts = casts == "relaxed";
  if (casts != "strict" && casts != "relaxed")
    return usageError("--casts: '" + casts + "' is neither strict nor relaxed");
  options.compile.accumulate = accumulate;
  if (accumulate < 1 || accumulate > 1u << 20)
    return usageError(
        "--accumulate: expected 1 to 1048576 micro-batches, got " +
        llvm::Twine(accumulate));
  if (!strategy.empty() && !amp::symbolizeStrategy(strategy))
    return usageError(
        llvm::toString(makeUnknown("--strategy", "strategy", strategy,
                                   {"lists", "propagate", "min-cut"})));
  std::optional<Stage> stage = symbolizeStage(emit);
  if (!stage)
    return usageError(llvm::toString(
        makeUnknown("--emit", "stage", emit,
                    {"train", "amp", "step", "fusion", "kernel", "plan"})));
  if (diff && *stage != Stage::PlanFile)
    return usageError("--diff compares decisions: drop --emit=" + emit);
  options.emit = *stage;
  if (std::string message = setOptimizers(options); !message.empty())
    return usageError(message);
  llvm::Expected<LossScaleSpec> scale = LossScaleSpec::parse(lossScale);
  if (!scale)
    return usageError(llvm::toString(scale.takeError()));
  options.compile.lossScale = *scale;
  options.compileFlags = getCompileFlags();
  if (diff)
    return runDiff(options, inputs);
  options.inputFile = inputs.front();
  return runDriver(options);
}
