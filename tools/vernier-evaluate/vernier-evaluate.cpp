//===- vernier-evaluate.cpp - Runs a function of a model in the evaluator
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Archive.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Interfaces/Nesting.h"
#include "vernier/Pipelines/CommandLine.h"
#include "vernier/Pipelines/InitAll.h"
#include "vernier/Reference/Evaluator.h"
#include "vernier/Reference/Rounding.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::reference;
namespace cl = llvm::cl;

static cl::OptionCategory category("vernier-evaluate options");
static cl::opt<std::string> modelPath(cl::Positional, cl::desc("<model.mlir>"),
                                      cl::init("-"), cl::cat(category));
static cl::opt<std::string>
    entryName("entry", cl::desc("The function to run (default: loss)"),
              cl::init("loss"), cl::cat(category));
static cl::opt<std::string>
    inputsPath("inputs",
               cl::desc("Archive (.npz) of the data, by train.name, or "
                        "arg0, arg1, ... where there is none"),
               cl::cat(category));
static cl::opt<std::string>
    statePath("state",
              cl::desc("Archive of the states, by name; what it lacks "
                       "starts at its constant initial value"),
              cl::cat(category));
static cl::opt<std::string>
    outputsPath("outputs",
                cl::desc("Archive to write the results to, by "
                         "train.name or result0, result1, ... "
                         "(default: print them)"),
                cl::cat(category));
static cl::opt<std::string>
    stateOutPath("state-out",
                 cl::desc("Archive to write the states to at the end"),
                 cl::cat(category));
static cl::opt<bool> exact("exact",
                           cl::desc("Never round: compute everything in f64"),
                           cl::cat(category));
static cl::opt<bool> bf16DotProducts(
    "bf16-dot-products",
    cl::desc("Contract bf16 as processors with AVX512-BF16 or AMX do: "
             "subnormal operands and sums are 0"),
    cl::cat(category));
static cl::opt<unsigned> steps(
    "steps",
    cl::desc("Run the function this many times. Above 1, each result has a "
             "leading dim of that extent, and data that has one is taken "
             "slice by slice"),
    cl::init(1), cl::cat(category));

static constexpr char kOverview[] =
    R"(Runs a function of a model in the evaluator: slowly, and by definition

Exit codes: 0 ok, 1 diagnosed failure, 2 usage, 3 bad input file, 5 cannot write.
)";

static int fail(int code, const llvm::Twine &message) {
  llvm::WithColor::error(llvm::errs(), "vernier-evaluate") << message << "\n";
  return code;
}

//===----------------------------------------------------------------------===//
// Between arrays and tensors
//===----------------------------------------------------------------------===//

/// The array as a value of `type`, rounded to it unless in exact mode.
static Tensor fromArray(const Array &array, Type type) {
  Tensor tensor(type);
  tensor.elements = array.elements;
  if (!exact || !isa<FloatType>(tensor.elementType))
    for (double &element : tensor.elements)
      element = roundToType(element, tensor.elementType);
  return tensor;
}

/// 16-bit floats, which NumPy may not have, become float32.
static ArrayType getArrayType(Type type) {
  if (isa<FloatType>(type))
    return exact || type.isF64() ? ArrayType::F64 : ArrayType::F32;
  if (type.isInteger(1))
    return ArrayType::Bool;
  return type.getIntOrFloatBitWidth() <= 32 ? ArrayType::I32 : ArrayType::I64;
}

static Array toArray(const Tensor &tensor) {
  return {getArrayType(tensor.elementType),
          std::vector<int64_t>(tensor.shape.begin(), tensor.shape.end()),
          tensor.elements};
}

static int checkShape(llvm::StringRef what, llvm::StringRef name,
                      llvm::ArrayRef<int64_t> shape, Type type) {
  Tensor expected(type);
  if (shape == llvm::ArrayRef<int64_t>(expected.shape))
    return kExitOk;
  std::string message;
  llvm::raw_string_ostream os(message);
  os << what << " '" << name << "' must be " << type << ", but has shape (";
  llvm::interleaveComma(shape, os);
  os << ")";
  return fail(kExitBadInput, message);
}

//===----------------------------------------------------------------------===//
// The run
//===----------------------------------------------------------------------===//

namespace {
/// One execution of the tool; its parts return the code to exit with.
class Run {
public:
  int run();

private:
  int loadModel();
  int loadState();
  int checkInputs();
  SmallVector<Tensor> getInputs(unsigned step);
  int runSteps();
  int writeResults() const;
  std::string getInputName(unsigned index);
  std::string getOutputName(unsigned index);

  MLIRContext context;
  llvm::SourceMgr sourceManager;
  SourceMgrDiagnosticHandler diagnostics{sourceManager, &context};
  OwningOpRef<ModuleOp> module;
  func::FuncOp entry;
  Arrays inputs;
  State state;
  std::vector<std::pair<std::string, Tensor>> outputs;
};
} // namespace

static std::string getName(Attribute name, const char *otherwise,
                           unsigned index) {
  if (auto string = dyn_cast_or_null<StringAttr>(name))
    return string.str();
  return otherwise + std::to_string(index);
}

std::string Run::getInputName(unsigned index) {
  return getName(entry.getArgAttr(index, train::kNameAttr), "arg", index);
}

std::string Run::getOutputName(unsigned index) {
  return getName(entry.getResultAttr(index, train::kNameAttr), "result", index);
}

int Run::loadModel() {
  DialectRegistry registry;
  registerInputDialects(registry);
  context.appendDialectRegistry(registry);
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(modelPath);
  if (!file)
    return fail(kExitBadInput, "cannot read '" + modelPath +
                                   "': " + file.getError().message());
  if (unsigned line = findDeepNesting((*file)->getBuffer(), Syntax::Mlir))
    return fail(kExitBadInput, modelPath + ":" + std::to_string(line) + ": " +
                                   describeDeepNesting(Syntax::Mlir));
  sourceManager.AddNewSourceBuffer(std::move(*file), llvm::SMLoc());
  module = parseSourceFile<ModuleOp>(sourceManager, &context);
  if (!module)
    return kExitBadInput;
  entry = module->lookupSymbol<func::FuncOp>(entryName);
  if (entry)
    return kExitOk;
  std::string message;
  llvm::raw_string_ostream os(message);
  os << modelPath << " has no function @" << entryName << "; it has";
  for (auto function : module->getOps<func::FuncOp>())
    os << " @" << function.getSymName();
  return fail(kExitUsage, message);
}

int Run::loadState() {
  Arrays arrays;
  if (!statePath.empty())
    if (std::string error = readArchive(statePath, arrays); !error.empty())
      return fail(kExitBadInput, error);
  for (const auto &[name, array] : arrays) {
    auto global = module->lookupSymbol<ml_program::GlobalOp>(name);
    if (!global)
      return fail(kExitBadInput, statePath + " has '" + name + "', but " +
                                     modelPath + " has no global of that name");
    if (int code = checkShape("state", name, array.shape, global.getType()))
      return code;
    state[name] = fromArray(array, global.getType());
  }
  return failed(initializeState(*module, state, {exact})) ? kExitFailed
                                                          : kExitOk;
}

/// Whether `array` has one slice for each step.
static bool hasSteps(const Array &array, Type type) {
  return steps > 1 && array.shape.size() == Tensor(type).shape.size() + 1 &&
         array.shape[0] == steps;
}

int Run::checkInputs() {
  if (!inputsPath.empty())
    if (std::string error = readArchive(inputsPath, inputs); !error.empty())
      return fail(kExitBadInput, error);
  for (unsigned index = 0; index < entry.getNumArguments(); ++index) {
    std::string name = getInputName(index);
    auto it = inputs.find(name);
    if (it == inputs.end())
      return fail(inputsPath.empty() ? kExitUsage : kExitBadInput,
                  "@" + entryName + " reads '" + name +
                      "', which the inputs lack: add it to --inputs");
    llvm::ArrayRef<int64_t> shape = it->second.shape;
    Type type = entry.getArgumentTypes()[index];
    if (hasSteps(it->second, type))
      shape = shape.drop_front();
    if (int code = checkShape("input", name, shape, type))
      return code;
  }
  return kExitOk;
}

/// The inputs of step number `step`, the first being 0.
SmallVector<Tensor> Run::getInputs(unsigned step) {
  SmallVector<Tensor> tensors;
  for (auto [index, type] : llvm::enumerate(entry.getArgumentTypes())) {
    Array array = inputs.at(getInputName(index));
    if (hasSteps(array, type)) {
      size_t size = array.elements.size() / steps;
      auto begin = array.elements.begin() + step * size;
      array.elements = std::vector<double>(begin, begin + size);
    }
    tensors.push_back(fromArray(array, type));
  }
  return tensors;
}

int Run::runSteps() {
  for (unsigned step = 0; step < steps; ++step) {
    FailureOr<SmallVector<Tensor>> results =
        evaluate(entry, getInputs(step), state, {exact, bf16DotProducts});
    if (failed(results))
      return kExitFailed;
    for (auto [index, result] : llvm::enumerate(*results)) {
      if (step == 0) {
        outputs.emplace_back(getOutputName(index), result);
        continue;
      }
      std::vector<double> &all = outputs[index].second.elements;
      all.insert(all.end(), result.elements.begin(), result.elements.end());
    }
  }
  if (steps > 1)
    for (auto &[name, tensor] : outputs)
      tensor.shape.insert(tensor.shape.begin(), steps);
  return kExitOk;
}

int Run::writeResults() const {
  Arrays results, states;
  for (const auto &[name, tensor] : outputs) {
    results[name] = toArray(tensor);
    if (outputsPath.empty())
      llvm::outs() << name << ": " << print(tensor) << "\n";
  }
  for (const auto &[name, tensor] : state)
    states[name] = toArray(tensor);
  std::string error;
  if (!outputsPath.empty())
    error = writeArchive(outputsPath, results);
  if (error.empty() && !stateOutPath.empty())
    error = writeArchive(stateOutPath, states);
  return error.empty() ? kExitOk : fail(kExitResources, error);
}

int Run::run() {
  if (steps == 0)
    return fail(kExitUsage, "--steps=0 runs nothing; give 1 or more");
  if (int code = loadModel())
    return code;
  if (int code = loadState())
    return code;
  if (int code = checkInputs())
    return code;
  if (int code = runSteps())
    return code;
  return writeResults();
}

int main(int argc, char **argv) {
  llvm::InitLLVM initialize(argc, argv);
  cl::HideUnrelatedOptions(category);
  if (int code = parseCommandLine(argc, argv, "vernier-evaluate", kOverview))
    return code;
  return Run().run();
}
