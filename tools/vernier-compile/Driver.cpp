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
#include "PrintableStream.h"
#include "Remarks.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Policies/Policy.h"
#include "vernier/Dialect/Amp/Transforms/ProfileFile.h"
#include "vernier/Interfaces/Nesting.h"
#include "vernier/Pipelines/InitAll.h"
#include "vernier/Pipelines/OptimizerSpec.h"
#include "vernier/Pipelines/ReadResources.h"
#include "vernier/Target/IR/TargetDialect.h"
#include "vernier/Target/Object.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
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

std::optional<Stage> vernier::symbolizeStage(StringRef name) {
  return llvm::StringSwitch<std::optional<Stage>>(name)
      .Case("train", Stage::Train)
      .Case("amp", Stage::Amp)
      .Case("step", Stage::Step)
      .Case("fusion", Stage::Fusion)
      .Case("plan", Stage::Plan)
      .Case("kernel", Stage::Kernel)
      .Case("vplan", Stage::PlanFile)
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

/// One run of the tool: reads the files, compiles and writes the plan.
class Driver {
public:
  explicit Driver(const DriverOptions &options) : options(options) {}
  /// Compile and write, or only explain to `only`.
  int run(amp::Explanation *only = nullptr);

private:
  int parse();
  int checkUse();
  /// Read the policy before anything is done with it.
  int checkPolicy();
  /// Compile up to `last`.
  int compileUpTo(Stage last);
  /// What a stage has decided that a person should know at once.
  void report(Stage stage);
  /// The module as text to the output file, or "-".
  int printModule(ModuleOp printed);
  int writePlan();
  std::string getOutputPath() const;

  const DriverOptions &options;
  MLIRContext context{MLIRContext::Threading::DISABLED};
  llvm::SourceMgr sources;
  OwningOpRef<ModuleOp> module;
  CompiledPlan plan;
  DefaultTimingManager timing;
  TimingScope timingScope;
};

} // namespace

int Driver::parse() {
  // Up to --emit=step decisions are made; what follows is for a device.
  bool isForDevice = options.emit > Stage::Step || options.explain;
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

int Driver::checkPolicy() {
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
  return succeeded(amp::Policy::load(options.compile.policy, &context))
             ? kExitOk
             : kExitBadInput;
}

void Driver::report(Stage stage) {
  if (stage == Stage::Amp && !plan.policySummary.empty())
    llvm::errs() << "vernier-compile: policy auto: " << plan.policySummary
                 << "\n";
  if (stage != Stage::Fusion)
    return;
  if (auto skipped =
          (*module)->getAttrOfType<IntegerAttr>(amp::kSkippedRoundingsAttr))
    llvm::errs() << "vernier-compile: relaxed casts skip " << skipped.getInt()
                 << " roundings (--remarks=amp-relax-casts names each)\n";
}

int Driver::compileUpTo(Stage last) {
  CompileOptions compileOptions = options.compile;
  compileOptions.modelName = llvm::sys::path::stem(options.inputFile).str();
  CompileWatch watch;
  watch.last = last;
  watch.afterStage = [&](Stage stage, const CompiledPlan &) { report(stage); };
  watch.configure = applyPassManagerCLOptions;
  watch.timing = &timingScope;
  if (succeeded(compile(*module, compileOptions, plan, watch)))
    return kExitOk;
  return plan.isImported ? kExitFailed : kExitBadInput;
}

int Driver::writePlan() {
  // Before anything is written: what compiles, runs. A native plan is for all
  // that this machine has.
  bool isNative = options.compile.target == "cpu:native";
  std::string instructions =
      isNative ? "" : getInstructions(getTarget(*module).getRequiredFeatures());
  if (std::string problem = findPlanProblem(plan.bytes, instructions);
      !problem.empty()) {
    printError() << "internal error: the runtime would refuse this plan: "
                 << problem << "; please report the model\n";
    return kExitFailed;
  }
  std::vector<OutputFile> files = {
      {getOutputPath(), std::string(plan.bytes.begin(), plan.bytes.end())}};
  if (!options.policyFile.empty())
    files.push_back({options.policyFile, plan.policyText});
  if (options.explain)
    files.push_back({options.explainFile,
                     printExplanation(plan.explanation, *options.explain)});
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
    if (int code = checkPolicy())
      return code;
  }
  // An explanation needs no kernels.
  Stage last = only ? Stage::Plan : options.emit;
  if (int code = compileUpTo(last))
    return code;
  if (only)
    *only = std::move(plan.explanation);
  else if (last == Stage::Kernel)
    return printModule(module->lookupSymbol<ModuleOp>("kernels"));
  else if (last != Stage::PlanFile)
    return printModule(*module);
  else
    return writePlan();
  return kExitOk;
}

int vernier::runDriver(const DriverOptions &options) {
  return Driver(options).run();
}

int vernier::explainModel(const DriverOptions &options,
                          amp::Explanation &explanation) {
  return Driver(options).run(&explanation);
}
