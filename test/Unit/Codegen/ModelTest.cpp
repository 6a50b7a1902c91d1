//===- ModelTest.cpp - Every fusion of a model's training step against the
// evaluator
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompiledFusion.h"

#include "vernier/Pipelines/InitAll.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace vernier;
using namespace vernier::test;

namespace {

/// A transformer's block and heads of every loss: each composite once.
constexpr const char *kModel = R"mlir(
module @block {
  ml_program.global private mutable @gain(#train.constant<1.0>) : tensor<24xf32> {train.role = "parameter"}
  ml_program.global private mutable @bias(#train.constant<0.0>) : tensor<24xf32> {train.role = "parameter"}
  ml_program.global private mutable @wide(#train.kaiming) : tensor<36x24xf32> {train.role = "parameter"}
  ml_program.global private mutable @wide.bias(#train.constant<0.0>) : tensor<36xf32> {train.role = "parameter"}
  ml_program.global private mutable @narrow(#train.kaiming) : tensor<24x36xf32> {train.role = "parameter"}
  ml_program.global private mutable @rms(#train.constant<1.0>) : tensor<24xf32> {train.role = "parameter"}
  ml_program.global private mutable @head(#train.xavier) : tensor<10x24xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<3x5x24xf32> {train.name = "x"}, %y: tensor<15xi32> {train.name = "y"},
                  %t: tensor<3x5x24xf32> {train.name = "t"})
      -> (tensor<f32> {train.name = "loss"}) {
    %gain = ml_program.global_load @gain : tensor<24xf32>
    %bias = ml_program.global_load @bias : tensor<24xf32>
    %wide = ml_program.global_load @wide : tensor<36x24xf32>
    %wb = ml_program.global_load @wide.bias : tensor<36xf32>
    %narrow = ml_program.global_load @narrow : tensor<24x36xf32>
    %rms = ml_program.global_load @rms : tensor<24xf32>
    %head = ml_program.global_load @head : tensor<10x24xf32>
    %n = train.layer_norm %x, %gain, %bias {epsilon = 1.0e-5 : f64} : (tensor<3x5x24xf32>, tensor<24xf32>, tensor<24xf32>) -> tensor<3x5x24xf32>
    %s = train.matmul %n, %n {transpose_rhs} : (tensor<3x5x24xf32>, tensor<3x5x24xf32>) -> tensor<3x5x5xf32>
    %p = train.softmax %s : (tensor<3x5x5xf32>) -> tensor<3x5x5xf32>
    %a = train.matmul %p, %n : (tensor<3x5x5xf32>, tensor<3x5x24xf32>) -> tensor<3x5x24xf32>
    %r = arith.addf %x, %a : tensor<3x5x24xf32>
    %m = train.rms_norm %r, %rms : (tensor<3x5x24xf32>, tensor<24xf32>) -> tensor<3x5x24xf32>
    %u = train.linear %m, %wide, %wb : (tensor<3x5x24xf32>, tensor<36x24xf32>, tensor<36xf32>) -> tensor<3x5x36xf32>
    %g = train.gelu %u : tensor<3x5x36xf32>
    %gt = train.gelu %u {form = #train<gelu_form tanh>} : tensor<3x5x36xf32>
    %si = train.silu %u : tensor<3x5x36xf32>
    %sg = train.sigmoid %u : tensor<3x5x36xf32>
    %h0 = arith.mulf %g, %sg : tensor<3x5x36xf32>
    %h1 = arith.addf %h0, %si : tensor<3x5x36xf32>
    %h2 = arith.addf %h1, %gt : tensor<3x5x36xf32>
    %d = train.linear %h2, %narrow : (tensor<3x5x36xf32>, tensor<24x36xf32>) -> tensor<3x5x24xf32>
    %o = arith.addf %r, %d : tensor<3x5x24xf32>
    %flat = tensor.collapse_shape %o [[0, 1], [2]] : tensor<3x5x24xf32> into tensor<15x24xf32>
    %logits = train.linear %flat, %head : (tensor<15x24xf32>, tensor<10x24xf32>) -> tensor<15x10xf32>
    %l0 = train.cross_entropy %logits, %y {label_smoothing = 0.1 : f64} : (tensor<15x10xf32>, tensor<15xi32>) -> tensor<f32>
    %l1 = train.mse_loss %o, %t : (tensor<3x5x24xf32>, tensor<3x5x24xf32>) -> tensor<f32>
    %l2 = train.bce_with_logits_loss %d, %t : (tensor<3x5x24xf32>, tensor<3x5x24xf32>) -> tensor<f32>
    %l3 = arith.addf %l0, %l1 : tensor<f32>
    %l4 = arith.addf %l3, %l2 : tensor<f32>
    return %l4 : tensor<f32>
  }
}
)mlir";

/// `func.func @test` that is the fusion alone, as text.
std::string isolate(train::FusionOp fusion) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(fusion.getLoc());
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  auto type = builder.getFunctionType(fusion->getOperandTypes(),
                                      fusion->getResultTypes());
  auto function = func::FuncOp::create(builder, fusion.getLoc(), "test", type);
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToEnd(body);
  IRMapping mapping;
  mapping.map(fusion->getOperands(), body->getArguments());
  Operation *copy = builder.clone(*fusion, mapping);
  func::ReturnOp::create(builder, fusion.getLoc(), copy->getResults());
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream);
  return text;
}

class ModelTest : public ::testing::TestWithParam<const char *> {};

} // namespace

TEST_P(ModelTest, FusionsAgreeWithTheEvaluator) {
  registerAllPasses();
  auto context = createContext();
  auto module =
      parseSourceString<ModuleOp>(kModel, ParserConfig(context.get()));
  ASSERT_TRUE(bool(module));
  PassManager passes(context.get());
  ASSERT_TRUE(succeeded(parsePassPipeline(GetParam(), passes)));
  ASSERT_TRUE(succeeded(passes.run(*module)));
  std::mt19937 random(1);
  int count = 0;
  module->walk([&](train::FusionOp fusion) {
    std::string source = isolate(fusion);
    SCOPED_TRACE(source);
    CompiledFusion compiled(*context, source);
    ASSERT_TRUE(bool(compiled));
    SmallVector<reference::Tensor> inputs;
    for (unsigned i = 0; i < fusion->getNumOperands(); ++i)
      inputs.push_back(randomTensor(compiled.inputType(i), random));
    SmallVector<reference::Tensor> expected = compiled.evaluate(inputs);
    SmallVector<reference::Tensor> actual =
        compiled.run(inputs, compiled.grid.grid);
    ASSERT_EQ(actual.size(), expected.size());
    // A rounding to 16 bits that falls on the other side is a step for what is
    // computed from it.
    StringRef text = source;
    double tolerance = text.contains("bf16")  ? 2e-2
                       : text.contains("f16") ? 3e-3
                                              : 1e-5;
    for (size_t i = 0; i < actual.size(); ++i)
      expectNear(actual[i], expected[i], tolerance);
    ++count;
  });
  EXPECT_GT(count, 20);
}

/// As Pipelines.cpp has them.
#define FUSE                                                                   \
  "func.func(train-expand-composites,canonicalize,cse,train-prepare-fusions,"  \
  "train-form-fusions,cse)"

INSTANTIATE_TEST_SUITE_P(
    Precisions, ModelTest,
    ::testing::Values(
        "train-attach-optimizer{optimizer=adamw clip-norm=1.0 "
        "weight-decay=0.01},"
        "train-differentiate,canonicalize,cse," FUSE,
        "amp-autocast,amp-materialize-casts,"
        "train-attach-optimizer{optimizer=adam schedule=cosine total-steps=100 "
        "warmup-steps=5},train-differentiate,canonicalize,cse,"
        "train-keep-low-precision-copies," FUSE,
        "amp-autocast{compute=f16},amp-materialize-casts,"
        "train-attach-optimizer{optimizer=sgd "
        "momentum=0.9},train-differentiate,"
        "amp-loss-scaling,canonicalize,cse," FUSE));
