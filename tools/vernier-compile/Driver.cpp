//===- Driver.cpp - From a model file to a plan file
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include "vernier/Codegen/Kernel.h"
#include "vernier/Dialect/Amp/Transforms/Explain.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Pipelines/InitAll.h"
#include "vernier/Target/Object.h"
#include "vernier/Target/PlanFile.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
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

static raw_ostream &printError() {
  return llvm::WithColor::error(llvm::errs(), "vernier-compile");
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

namespace {

/// One compile: the state between the stages.
class Driver {
public:
  explicit Driver(const DriverOptions &options) : options(options) {}
  int run();

private:
  int parse();
  /// Run a stage and time it under its name.
  template <typename AddPasses>
  LogicalResult runStage(StringRef name, AddPasses addPasses);
  /// The module as text to the output file, or "-".
  int printModule(ModuleOp printed);
  int compileStages();
  LogicalResult emitKernels();
  int writePlan();
  int writeOutput(StringRef path, StringRef bytes);
  std::string getOutputPath() const;

  const DriverOptions &options;
  MLIRContext context{MLIRContext::Threading::DISABLED};
  llvm::SourceMgr sources;
  std::optional<TargetModel> target;
  OwningOpRef<ModuleOp> module;
  OwningOpRef<ModuleOp> kernels;
  std::vector<amp::DecisionRow> decisions;
  PlanFileInfo info;
  DefaultTimingManager timing;
  TimingScope timingScope;
};

} // namespace

int Driver::parse() {
  llvm::Expected<TargetModel> model =
      TargetModel::parse(options.compile.target);
  if (!model) {
    printError() << "--target: " << llvm::toString(model.takeError()) << "\n";
    return kExitUsage;
  }
  target = *model;
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
  sources.AddNewSourceBuffer(std::move(*file), llvm::SMLoc());
  DialectRegistry inputs;
  registerInputDialects(inputs);
  context.appendDialectRegistry(inputs);
  module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return kExitBadInput;
  // What passes produce may not be written in a model.
  DialectRegistry all;
  registerAllDialects(all);
  registerObjectTranslation(all);
  context.appendDialectRegistry(all);
  return kExitOk;
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
              emitCpuKernel(fusion, function.getSymName(), *target, *kernels)))
        return failure();
  return lowerKernelsToLLVM(*kernels, *target);
}

int Driver::compileStages() {
  const CompileOptions &compile = options.compile;
  nameLocations(*module);
  if (failed(
          runStage("import", [&](OpPassManager &pm) { addImportPasses(pm); })))
    return kExitBadInput;
  if (options.emit == Emit::Train)
    return printModule(*module);
  if (failed(runStage("autocast", [&](OpPassManager &pm) {
        addAutocastPasses(pm, compile);
      })))
    return kExitFailed;
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
  if (failed(runStage("pad",
                      [&](OpPassManager &pm) { addPadPasses(pm, compile); })))
    return kExitFailed;
  decisions = amp::collectDecisions(*module);
  if (options.emit == Emit::Step)
    return printModule(*module);
  if (failed(runStage("codegen", [&](OpPassManager &pm) {
        addCodegenPasses(pm, compile);
      })))
    return kExitFailed;
  if (options.emit == Emit::Fusion)
    return printModule(*module);
  if (failed(runStage("plan",
                      [&](OpPassManager &pm) { addPlanPasses(pm, compile); })))
    return kExitFailed;
  if (options.emit == Emit::Plan)
    return printModule(*module);
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
        compileToSharedObject(*kernels, *target);
    if (failed(object))
      return kExitFailed;
    info.object = std::move(*object);
  }
  info.options = {{"target", target->getName().str()},
                  {"policy", options.compile.policy},
                  {"optimizer", options.optimizerText},
                  {"loss-scale", options.compile.lossScale}};
  for (const amp::DecisionRow &row : decisions)
    info.decisions.push_back({row.function, row.op, row.location, row.operand,
                              row.accumulate, row.result, row.rule, row.reason,
                              row.flops, row.bytes, row.isBackward});
  TimingScope scope = timingScope.nest("plan file");
  FailureOr<std::vector<uint8_t>> bytes = writePlanFile(*module, *target, info);
  if (failed(bytes))
    return kExitFailed;
  if (options.explain)
    amp::printDecisions(decisions, llvm::outs());
  return writeOutput(
      getOutputPath(),
      StringRef(reinterpret_cast<const char *>(bytes->data()), bytes->size()));
}

std::string Driver::getOutputPath() const {
  if (!options.outputFile.empty())
    return options.outputFile;
  llvm::SmallString<128> path(options.inputFile);
  llvm::sys::path::replace_extension(path, "vplan");
  return path.str().str();
}

int Driver::printModule(ModuleOp printed) {
  std::string text;
  llvm::raw_string_ostream os(text);
  printed.print(os);
  os << "\n";
  return writeOutput(options.outputFile.empty() ? "-" : options.outputFile,
                     text);
}

/// Complete or not at all: written beside the target and renamed.
int Driver::writeOutput(StringRef path, StringRef bytes) {
  llvm::Error error = llvm::writeToOutput(path, [&](raw_ostream &os) {
    os << bytes;
    return llvm::Error::success();
  });
  if (!error)
    return kExitOk;
  printError() << "cannot write '" << path
               << "': " << llvm::toString(std::move(error))
               << "; check the folder and the space on the disk\n";
  return kExitResources;
}

int Driver::run() {
  applyDefaultTimingManagerCLOptions(timing);
  timingScope = timing.getRootScope();
  SourceMgrDiagnosticHandler handler(sources, &context);
  {
    TimingScope scope = timingScope.nest("parse");
    if (int code = parse())
      return code;
  }
  return compileStages();
}

int vernier::runDriver(const DriverOptions &options) {
  return Driver(options).run();
}
