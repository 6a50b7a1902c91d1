//===- ScheduleTest.cpp - Compiled fusions against the evaluator
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompiledFusion.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace vernier;
using namespace vernier::test;
using reference::Tensor;

namespace {

class ScheduleTest : public ::testing::Test {
protected:
  /// Compile, run on random inputs over several splits of the grid, and compare
  /// each with the evaluator; with vectors of 8 lanes and with those of 16.
  void check(StringRef source, double tolerance = 2e-6);
  void check(StringRef source, double tolerance, StringRef target);

  std::unique_ptr<MLIRContext> context = createContext();
  std::mt19937 random{1};
};

void ScheduleTest::check(StringRef source, double tolerance) {
  check(source, tolerance, "cpu:x86-64-v3");
  check(source, tolerance, "cpu:x86-64-v4");
}

void ScheduleTest::check(StringRef source, double tolerance, StringRef target) {
  CompiledFusion fusion(*context, source, target);
  ASSERT_TRUE(bool(fusion)) << source.str();
  SmallVector<Tensor> inputs;
  func::FuncOp function = fusion.getFunction();
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    inputs.push_back(randomTensor(fusion.inputType(i), random));
  SmallVector<Tensor> expected = fusion.evaluate(inputs);
  ASSERT_EQ(expected.size(), function.getNumResults());
  SmallVector<Tensor> whole = fusion.run(inputs, fusion.grid.grid);
  for (size_t i = 0; i < expected.size(); ++i) {
    SCOPED_TRACE(llvm::formatv("result {0} of {1}", i, source).str());
    expectNear(whole[i], expected[i], tolerance);
  }
  // Splits do not change a bit.
  for (int64_t length : {1, 40, 100}) {
    SmallVector<Tensor> parts = fusion.run(inputs, length);
    for (size_t i = 0; i < expected.size(); ++i)
      for (size_t j = 0; j < parts[i].elements.size(); ++j)
        ASSERT_EQ(parts[i].elements[j], whole[i].elements[j])
            << "range length " << length << ", element " << j;
  }
}

/// {name} in `text` is replaced by the value given for it.
std::string
fill(StringRef text,
     std::initializer_list<std::pair<StringRef, std::string>> values) {
  std::string result = text.str();
  for (auto &[name, value] : values) {
    std::string key = "{" + name.str() + "}";
    for (size_t at; (at = result.find(key)) != std::string::npos;)
      result.replace(at, key.size(), value);
  }
  return result;
}

} // namespace

// y = x * s + exp(x) in each element type, at sizes around the block's.
TEST_F(ScheduleTest, Flat) {
  for (const char *type : {"f32", "bf16", "f16"})
    for (int64_t size : {1, 3, 7, 8, 9, 10, 16, 31, 1157})
      check(fill(R"mlir(
func.func @test(%x: tensor<{n}x{t}>, %s: tensor<f32>) -> (tensor<{n}x{t}>, tensor<{n}xi1>) {
  %y:2 = train.fusion flat rows = 1 cols = {n} (%x, %s) : (tensor<{n}x{t}>, tensor<f32>) -> (tensor<{n}x{t}>, tensor<{n}xi1>) {
  ^bb0(%a: tensor<{n}x{t}>, %b: tensor<f32>):
    %e = math.exp %a : tensor<{n}x{t}>
    %n = arith.negf %b : tensor<f32>
    %q = arith.cmpf ogt, %n, %b : tensor<f32>
    %h = arith.constant dense<0.5> : tensor<{n}x{t}>
    %m = arith.mulf %a, %h : tensor<{n}x{t}>
    %z = arith.addf %m, %e : tensor<{n}x{t}>
    %p = arith.cmpf ogt, %a, %h : tensor<{n}x{t}>
    %bq = train.broadcast %q dims = [] : tensor<i1> -> tensor<{n}xi1>
    %r = arith.andi %p, %bq : tensor<{n}xi1>
    %w = arith.select %p, %z, %a : tensor<{n}xi1>, tensor<{n}x{t}>
    train.yield %w, %r : tensor<{n}x{t}>, tensor<{n}xi1>
  }
  return %y#0, %y#1 : tensor<{n}x{t}>, tensor<{n}xi1>
}
)mlir",
                 {{"n", std::to_string(size)}, {"t", type}}));
}

// Softmax and the sum behind it, with a bias for each column and a mask.
TEST_F(ScheduleTest, Rows) {
  for (const char *type : {"f32", "bf16", "f16"})
    for (int64_t size : {1, 3, 7, 8, 9, 10, 16, 33, 1157, 5000})
      check(fill(
          R"mlir(
func.func @test(%x: tensor<5x{n}x{t}>, %b: tensor<{n}xf32>, %m: tensor<5x{n}xi1>) -> (tensor<5x{n}x{t}>, tensor<5xf32>) {
  %y:2 = train.fusion rows rows = 5 cols = {n} (%x, %b, %m) : (tensor<5x{n}x{t}>, tensor<{n}xf32>, tensor<5x{n}xi1>) -> (tensor<5x{n}x{t}>, tensor<5xf32>) {
  ^bb0(%a: tensor<5x{n}x{t}>, %bias: tensor<{n}xf32>, %mask: tensor<5x{n}xi1>):
    %0 = {extf}
    %bb = train.broadcast %bias dims = [1] : tensor<{n}xf32> -> tensor<5x{n}xf32>
    %1 = arith.addf %0, %bb : tensor<5x{n}xf32>
    %lo = arith.constant dense<-3.0> : tensor<5x{n}xf32>
    %2 = arith.select %mask, %1, %lo : tensor<5x{n}xi1>, tensor<5x{n}xf32>
    %m0 = train.reduce max %2 dims = [1] : tensor<5x{n}xf32> -> tensor<5xf32>
    %mb = train.broadcast %m0 dims = [0] : tensor<5xf32> -> tensor<5x{n}xf32>
    %3 = arith.subf %2, %mb : tensor<5x{n}xf32>
    %e = math.exp %3 : tensor<5x{n}xf32>
    %s = train.reduce sum %e dims = [1] : tensor<5x{n}xf32> -> tensor<5xf32>
    %sb = train.broadcast %s dims = [0] : tensor<5xf32> -> tensor<5x{n}xf32>
    %p = arith.divf %e, %sb : tensor<5x{n}xf32>
    %r = {truncf}
    %l = math.log %s : tensor<5xf32>
    train.yield %r, %l : tensor<5x{n}x{t}>, tensor<5xf32>
  }
  return %y#0, %y#1 : tensor<5x{n}x{t}>, tensor<5xf32>
}
)mlir",
          {{"extf",
            StringRef(type) == "f32"
                ? "arith.negf %a : tensor<5x{n}xf32>"
                : "arith.extf %a : tensor<5x{n}x{t}> to tensor<5x{n}xf32>"},
           {"truncf",
            StringRef(type) == "f32"
                ? "arith.negf %p : tensor<5x{n}xf32>"
                : "arith.truncf %p : tensor<5x{n}xf32> to tensor<5x{n}x{t}>"},
           {"n", std::to_string(size)},
           {"t", type}}));
}

// Layer normalisation: a mean, then the variance about it.
TEST_F(ScheduleTest, RowsOfTwoLevels) {
  for (int64_t size : {1, 10, 16, 100, 768})
    check(fill(R"mlir(
func.func @test(%x: tensor<2x3x{n}xbf16>, %g: tensor<{n}xf32>) -> tensor<2x3x{n}xbf16> {
  %y = train.fusion rows rows = 6 cols = {n} (%x, %g) : (tensor<2x3x{n}xbf16>, tensor<{n}xf32>) -> tensor<2x3x{n}xbf16> {
  ^bb0(%a: tensor<2x3x{n}xbf16>, %gain: tensor<{n}xf32>):
    %0 = arith.extf %a : tensor<2x3x{n}xbf16> to tensor<2x3x{n}xf32>
    %m = train.reduce mean %0 dims = [2] : tensor<2x3x{n}xf32> -> tensor<2x3xf32>
    %mb = train.broadcast %m dims = [0, 1] : tensor<2x3xf32> -> tensor<2x3x{n}xf32>
    %d = arith.subf %0, %mb : tensor<2x3x{n}xf32>
    %d2 = arith.mulf %d, %d : tensor<2x3x{n}xf32>
    %v = train.reduce mean %d2 dims = [2] : tensor<2x3x{n}xf32> -> tensor<2x3xf32>
    %eps = arith.constant dense<1.0e-5> : tensor<2x3xf32>
    %ve = arith.addf %v, %eps : tensor<2x3xf32>
    %r = math.rsqrt %ve : tensor<2x3xf32>
    %rb = train.broadcast %r dims = [0, 1] : tensor<2x3xf32> -> tensor<2x3x{n}xf32>
    %n0 = arith.mulf %d, %rb : tensor<2x3x{n}xf32>
    %gb = train.broadcast %gain dims = [2] : tensor<{n}xf32> -> tensor<2x3x{n}xf32>
    %n1 = arith.mulf %n0, %gb : tensor<2x3x{n}xf32>
    %o = arith.truncf %n1 : tensor<2x3x{n}xf32> to tensor<2x3x{n}xbf16>
    train.yield %o : tensor<2x3x{n}xbf16>
  }
  return %y : tensor<2x3x{n}xbf16>
}
)mlir",
               {{"n", std::to_string(size)}}));
}

// Sums of columns, and the columns less their mean.
TEST_F(ScheduleTest, Columns) {
  for (const char *type : {"f32", "bf16", "f16"})
    for (int64_t size : {1, 3, 7, 10, 32, 65, 157})
      for (int64_t rows : {1, 3, 700})
        check(fill(R"mlir(
func.func @test(%x: tensor<{r}x{n}x{t}>) -> (tensor<{n}xf32>, tensor<{n}x{t}>, tensor<{r}x{n}xf32>) {
  %y:3 = train.fusion columns rows = {r} cols = {n} (%x) : (tensor<{r}x{n}x{t}>) -> (tensor<{n}xf32>, tensor<{n}x{t}>, tensor<{r}x{n}xf32>) {
  ^bb0(%a: tensor<{r}x{n}x{t}>):
    %s = train.reduce mean %a dims = [0] : tensor<{r}x{n}x{t}> -> tensor<{n}xf32>
    %m = train.reduce max %a dims = [0] : tensor<{r}x{n}x{t}> -> tensor<{n}x{t}>
    %sb = train.broadcast %s dims = [1] : tensor<{n}xf32> -> tensor<{r}x{n}xf32>
    %d = arith.mulf %sb, %sb : tensor<{r}x{n}xf32>
    train.yield %s, %m, %d : tensor<{n}xf32>, tensor<{n}x{t}>, tensor<{r}x{n}xf32>
  }
  return %y#0, %y#1, %y#2 : tensor<{n}xf32>, tensor<{n}x{t}>, tensor<{r}x{n}xf32>
}
)mlir",
                   {{"n", std::to_string(size)},
                    {"r", std::to_string(rows)},
                    {"t", type}}));
}

// The gradient of cross entropy: one-hot labels of both widths.
TEST_F(ScheduleTest, OneHot) {
  for (const char *type : {"i32", "i64"})
    for (int64_t size : {7, 10, 16, 40})
      check(fill(R"mlir(
func.func @test(%x: tensor<9x{n}xf32>, %l: tensor<9x{t}>) -> (tensor<9x{n}xf32>, tensor<9xf32>) {
  %y:2 = train.fusion rows rows = 9 cols = {n} (%x, %l) : (tensor<9x{n}xf32>, tensor<9x{t}>) -> (tensor<9x{n}xf32>, tensor<9xf32>) {
  ^bb0(%a: tensor<9x{n}xf32>, %b: tensor<9x{t}>):
    %t = train.one_hot %b : tensor<9x{t}> -> tensor<9x{n}xf32>
    %d = arith.subf %a, %t : tensor<9x{n}xf32>
    %p = arith.mulf %a, %t : tensor<9x{n}xf32>
    %s = train.reduce sum %p dims = [1] : tensor<9x{n}xf32> -> tensor<9xf32>
    train.yield %d, %s : tensor<9x{n}xf32>, tensor<9xf32>
  }
  return %y#0, %y#1 : tensor<9x{n}xf32>, tensor<9xf32>
}
)mlir",
                 {{"n", std::to_string(size)}, {"t", type}}));
}

// Broadcasts whose dims lie anywhere in rows and columns: each lane reads what
// its own indices say.
TEST_F(ScheduleTest, BroadcastsAnywhere) {
  for (int64_t size : {2, 5, 8, 16, 48})
    check(fill(R"mlir(
func.func @test(%x: tensor<2x3x4x{n}xf32>, %a: tensor<2x1x4x1xf32>, %b: tensor<3x{n}xf32>, %c: tensor<4xf32>) -> tensor<2x3xf32> {
  %y = train.fusion rows rows = 6 cols = {m} (%x, %a, %b, %c) : (tensor<2x3x4x{n}xf32>, tensor<2x1x4x1xf32>, tensor<3x{n}xf32>, tensor<4xf32>) -> tensor<2x3xf32> {
  ^bb0(%x0: tensor<2x3x4x{n}xf32>, %a0: tensor<2x1x4x1xf32>, %b0: tensor<3x{n}xf32>, %c0: tensor<4xf32>):
    %a1 = train.broadcast %a0 dims = [0, 1, 2, 3] : tensor<2x1x4x1xf32> -> tensor<2x3x4x{n}xf32>
    %b1 = train.broadcast %b0 dims = [1, 3] : tensor<3x{n}xf32> -> tensor<2x3x4x{n}xf32>
    %c1 = train.broadcast %c0 dims = [2] : tensor<4xf32> -> tensor<2x3x4x{n}xf32>
    %0 = arith.mulf %x0, %a1 : tensor<2x3x4x{n}xf32>
    %1 = arith.mulf %0, %b1 : tensor<2x3x4x{n}xf32>
    %2 = arith.addf %1, %c1 : tensor<2x3x4x{n}xf32>
    %s = train.reduce sum %2 dims = [2, 3] : tensor<2x3x4x{n}xf32> -> tensor<2x3xf32>
    train.yield %s : tensor<2x3xf32>
  }
  return %y : tensor<2x3xf32>
}
)mlir",
               {{"n", std::to_string(size)}, {"m", std::to_string(4 * size)}}));
}

// One element for a whole kernel: the scalars of an optimizer step, integers
// among them.
TEST_F(ScheduleTest, Scalars) {
  check(R"mlir(
func.func @test(%t: tensor<i32>, %lr: tensor<f32>) -> (tensor<i32>, tensor<f32>) {
  %y:2 = train.fusion flat rows = 1 cols = 1 (%t, %lr) : (tensor<i32>, tensor<f32>) -> (tensor<i32>, tensor<f32>) {
  ^bb0(%a: tensor<i32>, %b: tensor<f32>):
    %one = arith.constant dense<1> : tensor<i32>
    %n = arith.addi %a, %one : tensor<i32>
    %f = arith.sitofp %n : tensor<i32> to tensor<f32>
    %beta = arith.constant dense<0.999> : tensor<f32>
    %p = math.powf %beta, %f : tensor<f32>
    %o = arith.constant dense<1.0> : tensor<f32>
    %c = arith.subf %o, %p : tensor<f32>
    %r = arith.divf %b, %c : tensor<f32>
    train.yield %n, %r : tensor<i32>, tensor<f32>
  }
  return %y#0, %y#1 : tensor<i32>, tensor<f32>
}
)mlir");
}

// A scalar result beside results of all elements is written once.
TEST_F(ScheduleTest, ScalarBesideElements) {
  check(R"mlir(
func.func @test(%x: tensor<100xf32>, %s: tensor<f32>) -> (tensor<100xf32>, tensor<f32>) {
  %y:2 = train.fusion flat rows = 1 cols = 100 (%x, %s) : (tensor<100xf32>, tensor<f32>) -> (tensor<100xf32>, tensor<f32>) {
  ^bb0(%a: tensor<100xf32>, %b: tensor<f32>):
    %n = arith.negf %b : tensor<f32>
    %bb = train.broadcast %n dims = [] : tensor<f32> -> tensor<100xf32>
    %z = arith.addf %a, %bb : tensor<100xf32>
    train.yield %z, %n : tensor<100xf32>, tensor<f32>
  }
  return %y#0, %y#1 : tensor<100xf32>, tensor<f32>
}
)mlir");
}

// The whole of a tensor is one row; long sums keep their digits.
TEST_F(ScheduleTest, WholeTensor) {
  check(R"mlir(
func.func @test(%x: tensor<300x1000xf32>, %b: tensor<1000xf32>) -> tensor<f32> {
  %y = train.fusion rows rows = 1 cols = 300000 (%x, %b) : (tensor<300x1000xf32>, tensor<1000xf32>) -> tensor<f32> {
  ^bb0(%a: tensor<300x1000xf32>, %b0: tensor<1000xf32>):
    %b1 = train.broadcast %b0 dims = [1] : tensor<1000xf32> -> tensor<300x1000xf32>
    %d = arith.subf %a, %b1 : tensor<300x1000xf32>
    %s = arith.mulf %d, %d : tensor<300x1000xf32>
    %r = train.reduce mean %s dims = [0, 1] : tensor<300x1000xf32> -> tensor<f32>
    %q = math.sqrt %r : tensor<f32>
    train.yield %q : tensor<f32>
  }
  return %y : tensor<f32>
}
)mlir",
        2e-7);
}

// An output may be the buffer of an input.
TEST_F(ScheduleTest, InPlace) {
  CompiledFusion fusion(*context, R"mlir(
func.func @test(%x: tensor<7x77xf32>, %z: tensor<7x77xf32>) -> (tensor<7x77xf32>, tensor<7x77xf32>) {
  %y:2 = train.fusion rows rows = 7 cols = 77 (%x, %z) : (tensor<7x77xf32>, tensor<7x77xf32>) -> (tensor<7x77xf32>, tensor<7x77xf32>) {
  ^bb0(%a: tensor<7x77xf32>, %b: tensor<7x77xf32>):
    %p = arith.mulf %a, %b : tensor<7x77xf32>
    %s = train.reduce sum %p dims = [1] : tensor<7x77xf32> -> tensor<7xf32>
    %sb = train.broadcast %s dims = [0] : tensor<7xf32> -> tensor<7x77xf32>
    %u = arith.addf %sb, %a : tensor<7x77xf32>
    %v = arith.subf %u, %b : tensor<7x77xf32>
    train.yield %v, %u : tensor<7x77xf32>, tensor<7x77xf32>
  }
  return %y#0, %y#1 : tensor<7x77xf32>, tensor<7x77xf32>
}
)mlir");
  ASSERT_TRUE(bool(fusion));
  Tensor x = randomTensor(fusion.inputType(0), random),
         z = randomTensor(fusion.inputType(1), random);
  SmallVector<Tensor> apart = fusion.run({x, z}, 100);
  Buffer first(fusion.inputType(0), x), second(fusion.inputType(1), z);
  fusion.run({first.data(), second.data(), first.data(), second.data()}, 3);
  EXPECT_EQ(first.read().elements, apart[0].elements);
  EXPECT_EQ(second.read().elements, apart[1].elements);
}

// The maximum of a row with a NaN is a NaN, wherever it stands.
TEST_F(ScheduleTest, MaximumKeepsNan) {
  CompiledFusion fusion(*context, R"mlir(
func.func @test(%x: tensor<70x70xf32>) -> tensor<70xf32> {
  %y = train.fusion rows rows = 70 cols = 70 (%x) : (tensor<70x70xf32>) -> tensor<70xf32> {
  ^bb0(%a: tensor<70x70xf32>):
    %s = train.reduce max %a dims = [1] : tensor<70x70xf32> -> tensor<70xf32>
    train.yield %s : tensor<70xf32>
  }
  return %y : tensor<70xf32>
}
)mlir");
  ASSERT_TRUE(bool(fusion));
  Tensor x = randomTensor(fusion.inputType(0), random);
  for (int i = 0; i < 70; ++i)
    x.elements[i * 71] = NAN;
  Tensor maxima = fusion.run({x}, 70)[0];
  for (double value : maxima.elements)
    EXPECT_TRUE(std::isnan(value));
}

// The portable target and the machine's own agree on everything but the order
// of long sums.
TEST_F(ScheduleTest, TargetsAgree) {
  const char *source = R"mlir(
func.func @test(%x: tensor<1000xbf16>) -> tensor<1000xbf16> {
  %y = train.fusion flat rows = 1 cols = 1000 (%x) : (tensor<1000xbf16>) -> tensor<1000xbf16> {
  ^bb0(%a: tensor<1000xbf16>):
    %e = math.erf %a : tensor<1000xbf16>
    train.yield %e : tensor<1000xbf16>
  }
  return %y : tensor<1000xbf16>
}
)mlir";
  CompiledFusion portable(*context, source, "cpu"),
      native(*context, source, "cpu:native");
  ASSERT_TRUE(portable && native);
  Tensor x = randomTensor(portable.inputType(0), random);
  EXPECT_EQ(portable.run({x}, 1000)[0].elements,
            native.run({x}, 1000)[0].elements);
}
