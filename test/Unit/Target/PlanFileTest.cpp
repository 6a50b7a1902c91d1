//===- PlanFileTest.cpp - What a plan file cannot hold
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Target/PlanFile.h"
#include "vernier/Pipelines/InitAll.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace vernier;

namespace {

class PlanFileTest : public ::testing::Test {
protected:
  PlanFileTest() {
    DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
  }

  /// What is said of `source`, which is stage `plan`, or "" if it is written.
  std::string write(StringRef source) {
    std::string messages;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      messages += diagnostic.str() + "\n";
    });
    auto module = parseSourceString<ModuleOp>(source, ParserConfig(&context));
    if (!module)
      return "not parsed: " + messages;
    auto target = llvm::cantFail(TargetModel::parse("cpu"));
    bool isWritten = succeeded(writePlanFile(*module, *target, {}));
    EXPECT_EQ(isWritten, messages.empty()) << messages;
    return messages;
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
};

} // namespace

TEST_F(PlanFileTest, HoldsStates) {
  EXPECT_EQ(write("plan.state @w role \"frozen\" : !plan.buffer<4xf32> "
                  "{init = dense<1.0> : tensor<4xf32>, offset = 0 : i64}"),
            "");
}

TEST_F(PlanFileTest, RefusesInitialValuesOfOtherTypes) {
  EXPECT_EQ(write("plan.state @w role \"frozen\" : !plan.buffer<4xf32> "
                  "{init = dense<1> : tensor<4xi32>, offset = 0 : i64}"),
            "initial value of 'w' has element type 'i32', expected that of "
            "'!plan.buffer<4xf32>'\n");
}

TEST_F(PlanFileTest, RefusesInitialValuesOfNoKnownKind) {
  EXPECT_EQ(write("plan.state @w role \"frozen\" : !plan.buffer<4xf32> "
                  "{init = \"ones\", offset = 0 : i64}"),
            "initial value of 'w' is neither dense nor an initialiser of the "
            "train dialect: \"ones\"\n");
}

TEST_F(PlanFileTest, RefusesUnknownRoles) {
  EXPECT_EQ(write("plan.state @w role \"paramter\" : !plan.buffer<4xf32> "
                  "{init = dense<1.0> : tensor<4xf32>, offset = 0 : i64}"),
            "state 'w' of role \"paramter\" and type '!plan.buffer<4xf32>' "
            "cannot be stored in a plan\n");
}

TEST_F(PlanFileTest, RefusesTypesThatNoDeviceStores) {
  EXPECT_EQ(write("plan.entry @predict {\n"
                  "  %x = plan.input \"x\" : !plan.buffer<4xf64> "
                  "{offset = 0 : i64}\n"
                  "}"),
            "buffer of type '!plan.buffer<4xf64>' cannot be stored in a "
            "plan\n");
}

// 4 GiB: said before anything of that size is made.
TEST_F(PlanFileTest, RefusesMoreThanAFileHolds) {
  EXPECT_EQ(write("plan.entry @predict {\n"
                  "  %x = plan.constant dense<1.0> : tensor<1073741824xf32> : "
                  "!plan.buffer<1073741824xf32>\n"
                  "}"),
            "constants and dense initial values take 4294967296 bytes up to "
            "here, a plan holds at most 2080374784; use a smaller batch, or an "
            "initialiser such as #train.constant\n");
  EXPECT_EQ(write("plan.state @w role \"frozen\" : "
                  "!plan.buffer<1073741824xf32> {init = dense<1.0> : "
                  "tensor<1073741824xf32>, offset = 0 : i64}"),
            "constants and dense initial values take 4294967296 bytes up to "
            "here, a plan holds at most 2080374784; use a smaller batch, or an "
            "initialiser such as #train.constant\n");
}
