//===- Driver.cpp - From a model file to a plan file
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "InputFiles.h"
#include "OutputFiles.h"
#include "PlanCheck.h"
#include "PlanMemory.h"
#include "PrintableStream.h"
#include "Remarks.h"
#include "Warnings.h"

#include "vernier/Codegen/Kernel.h"
#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Policies/Policy.h"
#include "vernier/Dialect/Amp/Transforms/ProfileFile.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Interfaces/Nesting.h"
#include "vernier/Pipelines/InitAll.h"
#include "vernier/Pipelines/OptimizerSpec.h"
#include "vernier/Pipelines/ReadResources.h"
#include "vernier/Target/IR/TargetDialect.h"
#include "vernier/Target/Object.h"
#include "vernier/Target/PlanFile.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/Timing.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vernier;

std::optional<Emit> vernier::symbolizeEmit(StringRef name) {
  return llvm::StringSwitch<std::optional<Emit>>(name)
      .Case("train", Emit::Train)
      .Case("amp", Emit::Amp)
      .Case("step", Emit::Step)
      .Case("fusion", Emit::Fusion)
      .Case("kernel", Emit::Kernel)
      .Case("plan", Emit::Plan)
      .Case("vplan", Emit::PlanFile)
      .Default(std::nullopt);
}

std::optional<ExplainFormat> vernier::symbolizeExplainFormat(StringRef name) {
  return llvm::StringSwitch<std::optional<ExplainFormat>>(name)
      .Case("text", ExplainFormat::Text)
      .Case("json", ExplainFormat::Json)
      .Case("html", ExplainFormat::Html)
      .Default(std::nullopt);
}

raw_ostream &vernier::printError() {
  return llvm::WithColor::error(printableErrors(), "vernier-compile");
}

/// What --amp-assign-by-profile says of its policy as a whole: the first line.
static std::string getSummary(StringAttr policy) {
  StringRef line = policy.getValue().split('\n').first;
  line.consume_front("# ");
  return line.str();
}

/// When the first schedule of a learning rate ends, or 0 where none changes.
static uint32_t findScheduleEnd(ModuleOp module) {
  int64_t end = 0;
  module.walk([&](train::LearningRateOp rate) {
    int64_t total = rate.getTotalSteps();
    if (rate.getSchedule() != train::Schedule::Constant)
      end = end ? std::min(end, total) : total;
  });
  return end;
}

/// Whether any value of the module is f16, which needs a loss scale.
static bool usesF16(ModuleOp module) {
  return module
      .walk([](Operation *op) {
        for (Type type : op->getResultTypes())
          if (getElementTypeOrSelf(type).isF16())
            return WalkResult::interrupt();
        return WalkResult::advance();
      })
      .wasInterrupted();
}

static std::string printExplanation(const amp::Explanation &explanation,
                                    ExplainFormat format) {
  std::string text;
  llvm::raw_string_ostream os(text);
  switch (format) {
  case ExplainFormat::Text:
    amp::printText(explanation, os);
    break;
  case ExplainFormat::Json:
    amp::printJson(explanation, os);
    break;
  case ExplainFormat::Html:
    amp::printHtml(explanation, os);
    break;
  }
  return text;
}

/// Whether there is such a target and, `isForDevice`, a device of it.
static llvm::Error checkTarget(StringRef spelling, bool isForDevice) {
  llvm::Expected<std::unique_ptr<TargetModel>> model =
      TargetModel::parse(spelling);
  if (!model)
    return model.takeError();
  return isForDevice ? (*model)->checkDevice() : llvm::Error::success();
}

namespace {

/// One compile: the state between the stages.
class Driver {
public:
  explicit Driver(const DriverOptions &options) : options(options) {}
  /// Compile and write, or only explain to `only`.
  int run(amp::Explanation *only = nullptr);

private:
  int parse();
  /// Read the policy before anything is done with it.
  int loadPolicy();
  /// Run a stage and time it under its name.
  template <typename AddPasses>
  LogicalResult runStage(StringRef name, AddPasses addPasses);
  /// The module as text to the output file, or "-".
  int printModule(ModuleOp printed);
  int compileStages(bool explainOnly);
  LogicalResult emitKernels();
  /// Ask the policy again what it said, and why not otherwise.
  LogicalResult explain();
  /// Say how many roundings to 16 bits relaxed casts have skipped.
  void countSkippedRoundings();
  int writePlan();
  int checkUse();
  int checkParameters();
  std::string getOutputPath() const;

  const DriverOptions &options;
  /// Parameters of the model that some function names.
  std::vector<NamedLocation> parameters;
  MLIRContext context{MLIRContext::Threading::DISABLED};
  llvm::SourceMgr sources;
  OwningOpRef<ModuleOp> module;
  OwningOpRef<ModuleOp> kernels;
  FailureOr<amp::Policy> policy = failure();
  amp::Explanation explanation;
  PlanFileInfo info;
  DefaultTimingManager timing;
  TimingScope timingScope;
};

} // namespace

int Driver::parse() {
  // Up to --emit=step decisions are made; what follows is for a device.
  bool isForDevice = options.emit > Emit::Step || options.explain;
  if (llvm::Error error = checkTarget(options.compile.target, isForDevice)) {
    printError() << "--target: " << llvm::toString(std::move(error)) << "\n";
    return kExitUsage;
  }
  if (!checkInputFile("", options.inputFile))
    return kExitBadInput;
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(options.inputFile);
  if (!file) {
    printError() << "cannot read '" << options.inputFile
                 << "': " << file.getError().message() << "\n";
    return kExitBadInput;
  }
  if (isBytecode((*file)->getMemBufferRef())) {
    printError() << "'" << options.inputFile
                 << "' is MLIR bytecode; expected text: convert it with "
                    "mlir-opt first\n";
    return kExitBadInput;
  }
  if (unsigned line = findDeepNesting((*file)->getBuffer(), Syntax::Mlir)) {
    printError() << options.inputFile << ":" << line << ": "
                 << describeDeepNesting(Syntax::Mlir) << "\n";
    return kExitBadInput;
  }
  sources.AddNewSourceBuffer(std::move(*file), llvm::SMLoc());
  DialectRegistry inputs;
  registerInputDialects(inputs);
  context.appendDialectRegistry(inputs);
  module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module || failed(readResources(*module)))
    return kExitBadInput;
  if (llvm::none_of(module->getOps<func::FuncOp>(), [](func::FuncOp function) {
        return function.isPublic();
      })) {
    module->emitError("the model has nothing to run; expected a function "
                      "'loss', 'predict' or both");
    return kExitBadInput;
  }
  // A policy may name ops that this model has none of.
  for (StringRef dialect : inputs.getDialectNames())
    context.getOrLoadDialect(dialect);
  // What passes produce may not be written in a model.
  DialectRegistry all;
  registerAllDialects(all);
  registerObjectTranslation(all);
  context.appendDialectRegistry(all);
  return kExitOk;
}

int Driver::loadPolicy() {
  // Read by the passes that use it; that it can be read is known now.
  if (!options.compile.profile.empty()) {
    if (!checkInputFile("profile ", options.compile.profile) ||
        failed(amp::checkProfile(options.compile.profile, &context)))
      return kExitBadInput;
  }
  // It is chosen when the model has been imported.
  if (options.compile.policy == "auto")
    return kExitOk;
  bool isFile = llvm::sys::fs::exists(options.compile.policy) &&
                !llvm::is_contained(amp::Policy::getPresetNames(),
                                    StringRef(options.compile.policy));
  if (isFile && !checkInputFile("policy ", options.compile.policy))
    return kExitBadInput;
  std::string error = amp::Policy::getReadError(options.compile.policy);
  if (!error.empty()) {
    printError() << "--policy: " << error << "\n";
    return kExitUsage;
  }
  policy = amp::Policy::load(options.compile.policy, &context);
  return succeeded(policy) ? kExitOk : kExitBadInput;
}

template <typename AddPasses>
LogicalResult Driver::runStage(StringRef name, AddPasses addPasses) {
  PassManager pm(module.get()->getName());
  // Every pass leaves verified IR verified; the stage checks look further.
  pm.enableVerifier(true);
  if (failed(applyPassManagerCLOptions(pm)))
    return failure();
  TimingScope scope = timingScope.nest(name);
  pm.enableTiming(scope);
  addPasses(pm);
  return pm.run(*module);
}

LogicalResult Driver::emitKernels() {
  context.loadDialect<LLVM::LLVMDialect, arith::ArithDialect, math::MathDialect,
                      scf::SCFDialect, vector::VectorDialect>();
  kernels = ModuleOp::create(module->getLoc());
  auto fusions = module->lookupSymbol<ModuleOp>("kernels");
  for (auto function : fusions.getOps<func::FuncOp>())
    for (auto fusion : function.getOps<train::FusionOp>())
      if (failed(
              emitCpuKernel(fusion, function.getSymName(), getTarget(*module),
                        *kernels)))
        return failure();
  return lowerKernelsToLLVM(*kernels);
}

LogicalResult Driver::explain() {
  explanation.model = module->getName()
                          .value_or(llvm::sys::path::stem(options.inputFile))
                          .str();
  explanation.options = {{"target", getTarget(*module).getName().str()},
                         {"policy", options.compile.policy},
                         {"optimizer", options.optimizerText},
                         {"loss-scale", options.lossScaleText}};
  if (options.compile.accumulate > 1)
    explanation.options.emplace_back(
        "accumulate", std::to_string(options.compile.accumulate));
  if (!options.compile.strategy.empty())
    explanation.options.emplace_back("strategy", options.compile.strategy);
  if (options.compile.relaxCasts)
    explanation.options.emplace_back("casts", "relaxed");
  if (!options.compile.repairUnsafePatterns)
    explanation.options.emplace_back("repair-unsafe-patterns", "false");
  const CompileOptions &compile = options.compile;
  if (!compile.profile.empty())
    explanation.options.emplace_back(
        "profile", llvm::sys::path::filename(compile.profile).str());
  if (auto text = (*module)->getAttrOfType<StringAttr>(amp::kPolicyAttr)) {
    explanation.options.emplace_back("error-budget", options.errorBudgetText);
    explanation.options.emplace_back("auto-compute", compile.autoCompute);
    explanation.options.emplace_back("assignment", getSummary(text));
  }
  explanation.rows = amp::collectDecisions(*module, &*policy);
  return success();
}

void Driver::countSkippedRoundings() {
  auto count = module->getOperation()->getAttrOfType<IntegerAttr>(
      amp::kSkippedRoundingsAttr);
  if (!count)
    return;
  explanation.options.emplace_back("skipped-roundings",
                                   std::to_string(count.getInt()));
  llvm::errs() << "vernier-compile: relaxed casts skip " << count.getInt()
               << " roundings (--remarks=amp-relax-casts names each)\n";
}

int Driver::compileStages(bool explainOnly) {
  const CompileOptions &compile = options.compile;
  nameLocations(*module);
  if (failed(
          runStage("import", [&](OpPassManager &pm) { addImportPasses(pm, compile); })))
    return kExitBadInput;
  if (int code = checkParameters())
    return code;
  if (options.emit == Emit::Train)
    return printModule(*module);
  if (failed(runStage("autocast", [&](OpPassManager &pm) {
        addAutocastPasses(pm, compile);
      })))
    return kExitFailed;
  if (auto text = (*module)->getAttrOfType<StringAttr>(amp::kPolicyAttr)) {
    llvm::errs() << "vernier-compile: policy auto: " << getSummary(text)
                 << "\n";
    policy = amp::Policy::load(compile.policy, *module);
    if (failed(policy))
      return kExitFailed;
  }
  if (options.emit == Emit::Amp)
    return printModule(*module);
  bool needsScale = usesF16(*module);
  // A model without a loss is compiled for inference alone.
  bool isTrained = bool(module->lookupSymbol("loss"));
  if (isTrained && failed(runStage("differentiate", [&](OpPassManager &pm) {
        addDifferentiatePasses(pm, compile);
        addLossScalingPasses(pm, compile, needsScale);
      })))
    return kExitFailed;
  info.scheduleSteps = findScheduleEnd(*module);
  if (failed(runStage("evaluation",
                      [](OpPassManager &pm) { addEvaluationPasses(pm); })))
    return kExitFailed;
  if (failed(runStage("pad",
                      [&](OpPassManager &pm) { addPadPasses(pm, compile); })))
    return kExitFailed;
  if (failed(explain()))
    return kExitFailed;
  if (options.emit == Emit::Step)
    return printModule(*module);
  if (failed(runStage("codegen", [&](OpPassManager &pm) {
        addCodegenPasses(pm, compile);
      })))
    return kExitFailed;
  countSkippedRoundings();
  if (options.emit == Emit::Fusion)
    return printModule(*module);
  if (failed(runStage("plan",
                      [&](OpPassManager &pm) { addPlanPasses(pm); })))
    return kExitFailed;
  if (options.emit == Emit::Plan)
    return printModule(*module);
  explanation.memory = collectMemory(*module);
  if (explainOnly)
    return kExitOk;
  {
    TimingScope scope = timingScope.nest("kernels");
    if (failed(emitKernels()))
      return kExitFailed;
  }
  if (options.emit == Emit::Kernel)
    return printModule(*kernels);
  return writePlan();
}

int Driver::writePlan() {
  {
    TimingScope scope = timingScope.nest("object");
    FailureOr<std::vector<char>> object =
        compileToSharedObject(*kernels,
                              cast<CpuTarget>(getTarget(*module)));
    if (failed(object))
      return kExitFailed;
    info.object = std::move(*object);
  }
  info.options = explanation.options;
  info.microBatches = module->lookupSymbol(train::kAccumulateName)
                          ? options.compile.accumulate
                          : 1;
  for (const amp::DecisionRow &row : explanation.rows)
    info.decisions.push_back({row.function, row.op, row.getLocation(),
                              row.operand, row.accumulate, row.result, row.rule,
                              row.reason, row.flops, row.bytes,
                              row.phase == amp::Phase::Backward});
  TimingScope scope = timingScope.nest("plan file");
  FailureOr<std::vector<uint8_t>> bytes = writePlanFile(*module, getTarget(*module), info);
  if (failed(bytes))
    return kExitFailed;
  // Before anything is written: what compiles, runs. A native plan is for all
  // that this machine has.
  bool isNative = options.compile.target == "cpu:native";
  if (std::string problem = findPlanProblem(
          *bytes,
          isNative ? "" : getInstructions(getTarget(*module).getRequiredFeatures()));
      !problem.empty()) {
    printError() << "internal error: the runtime would refuse this plan: "
                 << problem << "; please report the model\n";
    return kExitFailed;
  }
  std::vector<OutputFile> files = {
      {getOutputPath(), std::string(bytes->begin(), bytes->end())}};
  if (!options.policyFile.empty())
    files.push_back(
        {options.policyFile,
         (*module)->getAttrOfType<StringAttr>(amp::kPolicyAttr).str()});
  if (options.explain)
    files.push_back(
        {options.explainFile, printExplanation(explanation, *options.explain)});
  return writeFiles(files);
}

std::string Driver::getOutputPath() const {
  if (!options.outputFile.empty())
    return options.outputFile;
  if (options.inputFile == "-")
    return "-";
  llvm::SmallString<128> path(options.inputFile);
  llvm::sys::path::replace_extension(path, "vplan");
  return path.str().str();
}

int Driver::printModule(ModuleOp printed) {
  std::string text;
  llvm::raw_string_ostream os(text);
  printed.print(os);
  os << "\n";
  return writeFiles(
      {{options.outputFile.empty() ? "-" : options.outputFile, text}});
}

/// Add what the user may have meant to MLIR's message about an unknown op.
static LogicalResult suggestOp(Diagnostic &diagnostic, MLIRContext &context) {
  std::string message = diagnostic.str();
  StringRef name = message;
  if (name.consume_front("custom op '") && name.consume_back("' is unknown")) {
    SmallVector<StringRef> names;
    for (RegisteredOperationName known : context.getRegisteredOperations())
      names.push_back(known.getStringRef());
    if (StringRef nearest = findNearest(name, names); !nearest.empty())
      diagnostic.attachNote() << "did you mean '" << nearest << "'?";
  }
  return failure(); // The next handler prints it.
}

/// What would compile, though it is hardly what was meant.
int Driver::checkUse() {
  if (Operation *step = module->lookupSymbol("step");
      step && options.hasOptimizer) {
    step->emitError("the model has its own '@step', so --optimizer would "
                    "change nothing; drop one of them");
    return kExitUsage;
  }
  if (!module->lookupSymbol("loss") && options.hasOptimizer)
    module->emitWarning("the model has no '@loss': the plan cannot train, and "
                        "--optimizer says nothing");
  parameters = warnOfStates(*module);
  warnOfStatistics(*module);
  return kExitOk;
}

/// After import has dropped what no result depends on.
int Driver::checkParameters() {
  SymbolTable symbols(*module);
  auto isLeftOut = [&](const NamedLocation &parameter) {
    return !symbols.lookup(parameter.first);
  };
  bool isTrained =
      module->lookupSymbol("loss") && !module->lookupSymbol("step");
  if (isTrained && !parameters.empty() && llvm::all_of(parameters, isLeftOut)) {
    const auto &[name, loc] = parameters.front();
    emitError(loc, "no parameter to train: no result of a function depends on "
                   "'@")
        << name << "'";
    return kExitFailed;
  }
  for (const auto &[name, loc] : llvm::make_filter_range(parameters, isLeftOut))
    emitWarning(loc, "no result of a function depends on parameter '@")
        << name << "': it is left out";
  return kExitOk;
}

int Driver::run(amp::Explanation *only) {
  applyDefaultTimingManagerCLOptions(timing);
  timingScope = timing.getRootScope();
  // The message says what is wrong; the op, often the whole module, does not.
  context.printOpOnDiagnostic(false);
  SourceMgrDiagnosticHandler handler(sources, &context, printableErrors());
  printRemarks(context, options.remarks);
  ScopedDiagnosticHandler suggestions(&context, [&](Diagnostic &diagnostic) {
    return suggestOp(diagnostic, context);
  });
  {
    TimingScope scope = timingScope.nest("parse");
    if (int code = parse())
      return code;
    if (int code = checkUse())
      return code;
    if (int code = loadPolicy())
      return code;
  }
  int code = compileStages(only != nullptr);
  if (only)
    *only = std::move(explanation);
  return code;
}

int vernier::runDriver(const DriverOptions &options) {
  return Driver(options).run();
}

int vernier::explainModel(const DriverOptions &options,
                          amp::Explanation &explanation) {
  return Driver(options).run(&explanation);
}
