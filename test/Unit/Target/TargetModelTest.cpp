//===- TargetModelTest.cpp - Targets that passes ask for side by side
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Target/TargetModel.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

using namespace mlir;
using namespace vernier;

// The first to ask initialises LLVM's backend: twice at once, and LLVM's list
// of targets becomes a ring, in which the next look-up never ends.
TEST(TargetModelTest, IsParsedByThreadsSideBySide) {
  std::atomic<unsigned> waiting = 4;
  std::atomic<unsigned> parsed = 0;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      --waiting;
      while (waiting) { // So that they start together.
      }
      llvm::Expected<TargetModel> target = TargetModel::parse("cpu");
      parsed += bool(target);
      llvm::consumeError(target.takeError());
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(parsed, 4u);
}

namespace {

/// What is known of one target, by type: f32, tf32, f16, bf16, E4M3, E5M2, f64.
struct Facts {
  const char *target;
  bool multiplies[7];
  double rates[7]; ///< 10^12 FLOP/s of the tensor cores
  int64_t multiples[7];
};

} // namespace

// A CPU asks for a GPU's alignments, so that padding can be tested anywhere.
// Types by architecture: CUDA C++ Programming Guide, compute capabilities 7.0
// to 12.0; on CPUs, where LLVM knows of VDPBF16PS (AVX512-BF16). f16 is widened
// on every CPU, those with AVX512-FP16 included, whose sums would be f16.
static const Facts kFacts[] = {
    {"cpu", {1, 0, 0, 0, 0, 0, 0}, {}, {1, 4, 8, 8, 16, 16, 1}},
    {"cpu:haswell", {1, 0, 0, 0, 0, 0, 0}, {}, {1, 4, 8, 8, 16, 16, 1}},
    {"cpu:x86-64-v4", {1, 0, 0, 0, 0, 0, 0}, {}, {1, 4, 8, 8, 16, 16, 1}},
    {"cpu:cascadelake", {1, 0, 0, 0, 0, 0, 0}, {}, {1, 4, 8, 8, 16, 16, 1}},
    {"cpu:cooperlake", {1, 0, 0, 1, 0, 0, 0}, {}, {1, 4, 8, 8, 16, 16, 1}},
    {"cpu:sapphirerapids", {1, 0, 0, 1, 0, 0, 0}, {}, {1, 4, 8, 8, 16, 16, 1}},
    {"cpu:znver3", {1, 0, 0, 0, 0, 0, 0}, {}, {1, 4, 8, 8, 16, 16, 1}},
    {"cpu:znver5", {1, 0, 0, 1, 0, 0, 0}, {}, {1, 4, 8, 8, 16, 16, 1}},
    {"cuda:sm_70", {1, 0, 1, 0, 0, 0, 0}, {0, 0, 125}, {1, 1, 8, 1, 1, 1, 1}},
    {"cuda:sm_75", {1, 0, 1, 0, 0, 0, 0}, {0, 0, 65}, {1, 1, 8, 1, 1, 1, 1}},
    {"cuda:sm_80",
     {1, 1, 1, 1, 0, 0, 0},
     {0, 156, 312, 312},
     {1, 4, 8, 8, 1, 1, 1}},
    {"cuda:sm_86",
     {1, 1, 1, 1, 0, 0, 0},
     {0, 62.5, 125, 125},
     {1, 4, 8, 8, 1, 1, 1}},
    {"cuda:sm_89",
     {1, 1, 1, 1, 1, 1, 0},
     {0, 183, 362, 362, 733, 733},
     {1, 4, 8, 8, 16, 16, 1}},
    {"cuda:sm_90",
     {1, 1, 1, 1, 1, 1, 0},
     {0, 494, 989, 989, 1979, 1979},
     {1, 4, 8, 8, 16, 16, 1}},
    {"cuda:sm_100",
     {1, 1, 1, 1, 1, 1, 0},
     {0, 1100, 2250, 2250, 4500, 4500},
     {1, 4, 8, 8, 16, 16, 1}},
    {"cuda:sm_120",
     {1, 1, 1, 1, 1, 1, 0},
     {0, 104.8, 209.5, 209.5, 419, 419},
     {1, 4, 8, 8, 16, 16, 1}},
};

// Each type against each target: what is multiplied natively has a rate on a
// GPU and an alignment, and nothing else has.
TEST(TargetModelTest, TabulatesTypesByTarget) {
  MLIRContext context;
  Builder builder(&context);
  Type types[] = {builder.getF32Type(),
                  builder.getTF32Type(),
                  builder.getF16Type(),
                  builder.getBF16Type(),
                  Float8E4M3FNType::get(&context),
                  Float8E5M2Type::get(&context),
                  builder.getF64Type()};
  for (const Facts &facts : kFacts) {
    SCOPED_TRACE(facts.target);
    llvm::Expected<TargetModel> target = TargetModel::parse(facts.target);
    ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
    bool isGpu = llvm::StringRef(facts.target).starts_with("cuda");
    EXPECT_EQ(target->getMemoryBandwidth() > 0, isGpu);
    for (auto [i, type] : llvm::enumerate(types)) {
      SCOPED_TRACE(i);
      EXPECT_EQ(target->hasNativeContraction(type), facts.multiplies[i]);
      EXPECT_DOUBLE_EQ(target->getTensorCoreRate(type), facts.rates[i] * 1e12);
      EXPECT_EQ(target->getLeadingDimensionMultiple(type), facts.multiples[i]);
    }
  }
}

// Gaps in the table would read as "no such GPU".
TEST(TargetModelTest, NamesTheGpusItKnows) {
  llvm::Expected<TargetModel> target = TargetModel::parse("cuda:sm_61");
  ASSERT_FALSE(bool(target));
  EXPECT_EQ(llvm::toString(target.takeError()),
            "unknown GPU in target 'cuda:sm_61': expected cuda:NAME with "
            "sm_70, sm_75, sm_80, sm_86, sm_89, sm_90, sm_100, sm_120");
}
