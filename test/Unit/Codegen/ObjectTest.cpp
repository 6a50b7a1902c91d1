//===- ObjectTest.cpp - Shared objects: the same bytes every time, and what
// cannot be one
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompiledFusion.h"

#include "vernier/Target/Object.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include <cstdlib>
#include <gtest/gtest.h>

using namespace mlir;
using namespace vernier;

namespace {

class ObjectTest : public ::testing::Test {
protected:
  FailureOr<std::vector<char>> compile(StringRef source,
                                       StringRef machine = "cpu") {
    messages.clear();
    ScopedDiagnosticHandler handler(context.get(), [&](Diagnostic &diagnostic) {
      messages += diagnostic.str() + "\n";
    });
    auto module =
        parseSourceString<ModuleOp>(source, ParserConfig(context.get()));
    auto target = llvm::cantFail(TargetModel::parse(machine));
    return compileToSharedObject(*module, *cast<CpuTarget>(target.get()));
  }

  std::unique_ptr<MLIRContext> context = test::createContext();
  std::string messages;
};

} // namespace

TEST_F(ObjectTest, IsDeterministicElf) {
  const char *source = "llvm.func @f(%a: !llvm.ptr) { llvm.return }";
  auto first = compile(source), second = compile(source);
  ASSERT_TRUE(succeeded(first) && succeeded(second));
  EXPECT_EQ(StringRef(first->data(), 4), "\x7f"
                                         "ELF");
  EXPECT_EQ(*first, *second);
  StringRef bytes(first->data(), first->size());
  EXPECT_FALSE(bytes.contains("/tmp"));
}

TEST_F(ObjectTest, RefersToNothingOutside) {
  EXPECT_TRUE(failed(compile("llvm.func @expf(f32) -> f32\n"
                             "llvm.func @f(%a: f32) -> f32 {\n"
                             "  %0 = llvm.call @expf(%a) : (f32) -> f32\n"
                             "  llvm.return %0 : f32\n}")));
  EXPECT_NE(messages.find("cannot link the kernels: "), std::string::npos);
  EXPECT_NE(messages.find("expf"), std::string::npos) << messages;
}

TEST_F(ObjectTest, TakesTheLlvmDialect) {
  EXPECT_TRUE(failed(compile("llvm.func @f(%a: f32) -> f32 {\n"
                             "  %0 = math.exp %a : f32\n"
                             "  llvm.return %0 : f32\n}")));
  EXPECT_NE(messages.find("lower it to the LLVM dialect first"),
            std::string::npos);
}

TEST_F(ObjectTest, NamesTheTemporaryDirectory) {
  const char *before = getenv("TMPDIR");
  std::string kept = before ? before : "";
  setenv("TMPDIR", "/nowhere/at/all", 1);
  EXPECT_TRUE(failed(compile("llvm.func @f() { llvm.return }")));
  EXPECT_NE(messages.find("in the temporary directory: "), std::string::npos);
  if (before)
    setenv("TMPDIR", kept.c_str(), 1);
  else
    unsetenv("TMPDIR");
}

// Machines that this one need not be.
TEST_F(ObjectTest, KnowsOtherMachines) {
  const char *source = "llvm.func @f(%a: !llvm.ptr) {\n"
                       "  %0 = llvm.load %a : !llvm.ptr -> vector<32xf32>\n"
                       "  %1 = llvm.fadd %0, %0 : vector<32xf32>\n"
                       "  llvm.store %1, %a : vector<32xf32>, !llvm.ptr\n"
                       "  llvm.return\n}";
  for (const char *machine :
       {"cpu:x86-64-v4", "cpu:sapphirerapids", "cpu:znver5"})
    EXPECT_TRUE(succeeded(compile(source, machine))) << machine;
}
