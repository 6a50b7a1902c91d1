//===- CompileTest.cpp - A model to a plan by one call
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Pipelines/InitAll.h"
#include "vernier/Pipelines/Pipelines.h"
#include "vernier/Target/Object.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace vernier;

namespace {

constexpr const char *kModel = R"mlir(
module {
  ml_program.global private mutable @w(#train.kaiming) : tensor<10x64xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<32x64xf32> {train.name = "image"}, %y: tensor<32xi32> {train.name = "label"})
      -> (tensor<f32> {train.name = "loss"}) {
    %w = ml_program.global_load @w : tensor<10x64xf32>
    %logits = train.linear %x, %w : (tensor<32x64xf32>, tensor<10x64xf32>) -> tensor<32x10xf32>
    %loss = train.cross_entropy %logits, %y : (tensor<32x10xf32>, tensor<32xi32>) -> tensor<f32>
    return %loss : tensor<f32>
  }
}
)mlir";

class CompileTest : public ::testing::Test {
protected:
  static void SetUpTestSuite() { registerAllPasses(); }

  CompileTest() {
    DialectRegistry registry;
    registerAllDialects(registry);
    registerObjectTranslation(registry);
    context.appendDialectRegistry(registry);
  }

  /// Whether `source` compiles, to `plan`; what is said is kept.
  bool run(StringRef source, const CompileOptions &options = {},
           const CompileWatch &watch = {}) {
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      messages += diagnostic.str() + "\n";
    });
    plan = CompiledPlan();
    module = parseSourceString<ModuleOp>(source, ParserConfig(&context));
    return module && succeeded(compile(*module, options, plan, watch));
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  CompiledPlan plan;
  std::string messages;
};

} // namespace

TEST_F(CompileTest, MakesAPlanFile) {
  ASSERT_TRUE(run(kModel)) << messages;
  ASSERT_GT(plan.bytes.size(), 8u);
  EXPECT_EQ(StringRef(reinterpret_cast<char *>(plan.bytes.data()), 4), "VERN");
  EXPECT_EQ(plan.explanation.model, "model");
  EXPECT_FALSE(plan.explanation.rows.empty());
  EXPECT_FALSE(plan.explanation.memory.empty());
  std::vector<uint8_t> first = plan.bytes;
  ASSERT_TRUE(run(kModel));
  EXPECT_EQ(plan.bytes, first);
}

// The plan keeps what decided it, by the names of flags.
TEST_F(CompileTest, DescribesItsOptions) {
  CompileOptions options;
  options.modelName = "mlp";
  options.policy = "f16";
  options.accumulate = 4;
  ASSERT_TRUE(run(kModel, options)) << messages;
  EXPECT_EQ(plan.explanation.model, "mlp");
  using Row = std::pair<std::string, std::string>;
  EXPECT_EQ(plan.explanation.options,
            (std::vector<Row>{{"target", "cpu:x86-64-v3"},
                              {"policy", "f16"},
                              {"optimizer", "adamw"},
                              {"loss-scale", "auto"},
                              {"accumulate", "4"}}));
}

TEST_F(CompileTest, ShowsEachStageAndStops) {
  std::vector<Stage> seen;
  CompileWatch watch;
  watch.last = Stage::Kernel;
  watch.afterStage = [&](Stage stage, const CompiledPlan &) {
    seen.push_back(stage);
    // What each stage promises, seen while the module is at it.
    EXPECT_EQ(bool(module->lookupSymbol("step")), stage >= Stage::Step)
        << int(stage);
    EXPECT_EQ(bool(module->lookupSymbol("kernels")), stage >= Stage::Plan)
        << int(stage);
  };
  ASSERT_TRUE(run(kModel, {}, watch)) << messages;
  EXPECT_EQ(seen,
            (std::vector<Stage>{Stage::Train, Stage::Amp, Stage::Step,
                                Stage::Fusion, Stage::Plan, Stage::Kernel}));
  EXPECT_TRUE(plan.bytes.empty());
}

// Whose fault a failure is: the model's, or that of what was asked for.
TEST_F(CompileTest, TellsBadModelsFromFailures) {
  EXPECT_FALSE(run("module { func.func @loss(%x: tensor<4xf32>) -> "
                   "tensor<4xf32> { return %x : tensor<4xf32> } }"));
  EXPECT_FALSE(plan.isImported) << messages;
  CompileOptions options;
  options.policy = "no-such-policy";
  EXPECT_FALSE(run(kModel, options));
  EXPECT_TRUE(plan.isImported) << messages;
  options = CompileOptions();
  options.target = "cuda:sm_80";
  EXPECT_FALSE(run(kModel, options));
  EXPECT_NE(messages.find("has no device that could run a plan"),
            std::string::npos);
}
