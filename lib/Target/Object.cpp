//===- Object.cpp - From the LLVM dialect to a shared object
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Target/Object.h"

#include "lld/Common/Driver.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/LoopRotation.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"

LLD_HAS_DRIVER(elf)

using namespace mlir;
using namespace vernier;

void vernier::registerObjectTranslation(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

//===----------------------------------------------------------------------===//
// LLVM IR to an object
//===----------------------------------------------------------------------===//

/// CpuTarget has initialised the backend and checked that there is such a
/// machine.
static std::unique_ptr<llvm::TargetMachine>
createTargetMachine(const CpuTarget &target) {
  llvm::Triple triple(target.getTriple());
  std::string error;
  const llvm::Target *backend =
      llvm::TargetRegistry::lookupTarget(triple, error);
  llvm::TargetOptions options;
  // A product and a sum are rounded one after the other, as the IR says; fused
  // multiply-adds are those that the polynomials ask for.
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return std::unique_ptr<llvm::TargetMachine>(backend->createTargetMachine(
      triple, target.getCpu(), target.getFeatures(), options, llvm::Reloc::PIC_,
      std::nullopt, llvm::CodeGenOptLevel::Default));
}

/// The code is vectorised and unrolled as it should be: what is left is to
/// share what is equal and to move what is constant out of loops. The whole O2
/// would take several times as long.
static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager calls;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(calls);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, calls, modules);

  llvm::FunctionPassManager passes;
  passes.addPass(llvm::EarlyCSEPass());
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass());
  // Loops that test at the end, so that what is moved out of them may be a
  // load.
  llvm::LoopPassManager loopPasses;
  loopPasses.addPass(llvm::LoopRotatePass());
  loopPasses.addPass(llvm::LICMPass(llvm::LICMOptions()));
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(loopPasses),
                                                       /*UseMemorySSA=*/true));
  for (llvm::Function &function : module)
    if (!function.isDeclaration())
      passes.run(function, functions);
}

static FailureOr<SmallVector<char>> compileToObject(ModuleOp llvmModule,
                                                    const CpuTarget &target) {
  std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(target);
  llvm::LLVMContext context;
  // The module's name ends up in the object.
  std::unique_ptr<llvm::Module> module =
      translateModuleToLLVMIR(llvmModule, context, "kernels",
                              /*disableVerification=*/true);
  if (!module)
    return llvmModule.emitError("cannot be translated to LLVM IR; lower it to "
                                "the LLVM dialect first");
  module->setDataLayout(machine->createDataLayout());
  module->setTargetTriple(machine->getTargetTriple());
  optimize(*module, *machine);

  SmallVector<char> object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager emission;
  // It fails for machines that have no object format.
  bool hasNoFormat = machine->addPassesToEmitFile(
      emission, stream, nullptr, llvm::CodeGenFileType::ObjectFile,
      /*DisableVerify=*/true);
  assert(!hasNoFormat && "x86-64 has ELF");
  (void)hasNoFormat;
  emission.run(*module);
  return object;
}

//===----------------------------------------------------------------------===//
// An object to a shared object
//===----------------------------------------------------------------------===//

namespace {

/// A directory that only we can read, removed with all in it at the end.
class TemporaryDirectory {
public:
  std::error_code create() {
    return llvm::sys::fs::createUniqueDirectory("vernier", path);
  }
  ~TemporaryDirectory() {
    if (!path.empty())
      llvm::sys::fs::remove_directories(path);
  }
  std::string file(StringRef name) const {
    SmallString<128> full = path;
    llvm::sys::path::append(full, name);
    return full.str().str();
  }

private:
  SmallString<128> path;
};

} // namespace

static std::error_code writeFile(StringRef path, ArrayRef<char> bytes) {
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error);
  if (error)
    return error;
  stream.write(bytes.data(), bytes.size());
  stream.close();
  error = stream.error();
  stream.clear_error();
  return error;
}

/// Run lld as a library. It reads and writes files only. The runtime accepts
/// what these flags make and nothing else (lib/Runtime/ObjectLayout.cpp): one
/// segment to read and one to execute, no relocations, nothing to be written.
static bool runLinker(StringRef object, StringRef output,
                      std::string &messages) {
  std::string objectPath = object.str(), outputPath = output.str();
  const char *arguments[] = {
      "ld.lld", objectPath.c_str(), "-o", outputPath.c_str(), "-shared",
      "-nostdlib", "--soname=kernels.so", "--hash-style=gnu", "--build-id=none",
      "--no-undefined", "--strip-all", "--threads=1",
      // Calls among kernels need no table.
      "-Bsymbolic-functions", "-z", "noexecstack", "-z", "norelro", "-z",
      "rodynamic"};
  llvm::raw_string_ostream stream(messages);
  lld::Result result =
      lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  return result.retCode == 0;
}

FailureOr<std::vector<char>>
vernier::compileToSharedObject(ModuleOp llvmModule, const CpuTarget &target) {
  // Of a model that is products alone. An object without code would not have
  // the form that the runtime accepts.
  if (llvmModule.getOps<LLVM::LLVMFuncOp>().empty())
    return std::vector<char>();
  FailureOr<SmallVector<char>> object = compileToObject(llvmModule, target);
  if (failed(object))
    return failure();
  TemporaryDirectory directory;
  auto report = [&](StringRef what, std::error_code error) {
    return llvmModule.emitError("cannot ")
           << what << " in the temporary directory: " << error.message()
           << "; set TMPDIR to a directory that can be written to";
  };
  if (std::error_code error = directory.create())
    return report("create a folder", error);
  std::string objectPath = directory.file("kernels.o");
  std::string outputPath = directory.file("kernels.so");
  if (std::error_code error = writeFile(objectPath, *object))
    return report("write the kernels' object", error);
  std::string messages;
  if (!runLinker(objectPath, outputPath, messages))
    return llvmModule.emitError("cannot link the kernels: ")
           << StringRef(messages).trim();
  auto linked = llvm::MemoryBuffer::getFile(outputPath);
  if (!linked)
    return report("read the linked kernels", linked.getError());
  StringRef bytes = (*linked)->getBuffer();
  return std::vector<char>(bytes.begin(), bytes.end());
}
