//===- TargetModelTest.cpp - What every device answers to every question
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Target/CpuTarget.h"
#include "vernier/Target/CudaTarget.h"

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
      auto target = TargetModel::parse("cpu");
      parsed += bool(target);
      llvm::consumeError(target.takeError());
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(parsed, 4u);
}

namespace {

/// What is known of one target. Types in the order f32, tf32, f16, bf16, E4M3,
/// E5M2, f64.
struct Facts {
  const char *target;
  bool multiplies[7];
  double rates[7]; ///< 10^12 FLOP/s of the tensor cores
  int64_t multiples[7];
  double bandwidth; ///< 10^9 bytes/s
  int64_t vectorWidth;
};

} // namespace

// A CPU asks for a GPU's alignments, so that padding can be tested anywhere.
// Types by architecture: CUDA C++ Programming Guide, compute capabilities 7.0
// to 12.0; on CPUs, where LLVM knows of VDPBF16PS (AVX512-BF16). f16 is widened
// on every CPU, those with AVX512-FP16 included, whose sums would be f16.
static const Facts kFacts[] = {
    {"cpu", {1, 0, 0, 0, 0, 0, 0}, {}, {1, 4, 8, 8, 16, 16, 1}, 0, 8},
    {"cpu:haswell", {1, 0, 0, 0, 0, 0, 0}, {}, {1, 4, 8, 8, 16, 16, 1}, 0, 8},
    {"cpu:x86-64-v4",
     {1, 0, 0, 0, 0, 0, 0},
     {},
     {1, 4, 8, 8, 16, 16, 1},
     0,
     16},
    {"cpu:cascadelake",
     {1, 0, 0, 0, 0, 0, 0},
     {},
     {1, 4, 8, 8, 16, 16, 1},
     0,
     16},
    {"cpu:cooperlake",
     {1, 0, 0, 1, 0, 0, 0},
     {},
     {1, 4, 8, 8, 16, 16, 1},
     0,
     16},
    {"cpu:sapphirerapids",
     {1, 0, 0, 1, 0, 0, 0},
     {},
     {1, 4, 8, 8, 16, 16, 1},
     0,
     16},
    {"cpu:znver3", {1, 0, 0, 0, 0, 0, 0}, {}, {1, 4, 8, 8, 16, 16, 1}, 0, 8},
    {"cpu:znver5", {1, 0, 0, 1, 0, 0, 0}, {}, {1, 4, 8, 8, 16, 16, 1}, 0, 16},
    {"cuda:sm_70",
     {1, 0, 1, 0, 0, 0, 0},
     {0, 0, 125},
     {1, 1, 8, 1, 1, 1, 1},
     900,
     4},
    {"cuda:sm_75",
     {1, 0, 1, 0, 0, 0, 0},
     {0, 0, 65},
     {1, 1, 8, 1, 1, 1, 1},
     320,
     4},
    {"cuda:sm_80",
     {1, 1, 1, 1, 0, 0, 0},
     {0, 156, 312, 312},
     {1, 4, 8, 8, 1, 1, 1},
     1555,
     4},
    {"cuda:sm_86",
     {1, 1, 1, 1, 0, 0, 0},
     {0, 62.5, 125, 125},
     {1, 4, 8, 8, 1, 1, 1},
     600,
     4},
    {"cuda:sm_89",
     {1, 1, 1, 1, 1, 1, 0},
     {0, 183, 362, 362, 733, 733},
     {1, 4, 8, 8, 16, 16, 1},
     864,
     4},
    {"cuda:sm_90",
     {1, 1, 1, 1, 1, 1, 0},
     {0, 494, 989, 989, 1979, 1979},
     {1, 4, 8, 8, 16, 16, 1},
     3350,
     4},
    {"cuda:sm_100",
     {1, 1, 1, 1, 1, 1, 0},
     {0, 1100, 2250, 2250, 4500, 4500},
     {1, 4, 8, 8, 16, 16, 1},
     8000,
     8},
    {"cuda:sm_120",
     {1, 1, 1, 1, 1, 1, 0},
     {0, 104.8, 209.5, 209.5, 419, 419},
     {1, 4, 8, 8, 16, 16, 1},
     1792,
     8},
};

/// What is said of each type: what is multiplied natively has a rate on a GPU
/// and an alignment, and nothing else has.
static void expectTypes(const TargetModel &target, const Facts &facts) {
  MLIRContext context;
  Builder builder(&context);
  Type types[] = {builder.getF32Type(),
                  builder.getTF32Type(),
                  builder.getF16Type(),
                  builder.getBF16Type(),
                  Float8E4M3FNType::get(&context),
                  Float8E5M2Type::get(&context),
                  builder.getF64Type()};
  for (auto [i, type] : llvm::enumerate(types)) {
    SCOPED_TRACE(i);
    EXPECT_EQ(target.hasNativeContraction(type), facts.multiplies[i]);
    EXPECT_DOUBLE_EQ(target.getTensorCoreRate(type), facts.rates[i] * 1e12);
    EXPECT_EQ(target.getLeadingDimensionMultiple(type), facts.multiples[i]);
  }
}

TEST(TargetModelTest, AnswersByTarget) {
  for (const Facts &facts : kFacts) {
    SCOPED_TRACE(facts.target);
    auto target = TargetModel::parse(facts.target);
    ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
    expectTypes(**target, facts);
    EXPECT_DOUBLE_EQ((*target)->getMemoryBandwidth(), facts.bandwidth * 1e9);
    EXPECT_EQ((*target)->getVectorWidth(), facts.vectorWidth);
  }
}

// What is the same for all devices of a kind.
TEST(TargetModelTest, AnswersByKind) {
  for (const Facts &facts : kFacts) {
    SCOPED_TRACE(facts.target);
    auto target = llvm::cantFail(TargetModel::parse(facts.target));
    bool isGpu = StringRef(facts.target).starts_with("cuda");
    EXPECT_EQ(target->getKind(),
              isGpu ? TargetModel::Kind::Cuda : TargetModel::Kind::Cpu);
    EXPECT_EQ(isa<CudaTarget>(target.get()), isGpu);
    EXPECT_EQ(isa<CpuTarget>(target.get()), !isGpu);
    EXPECT_EQ(target->getBufferAlignment(), isGpu ? 256 : 64);
    EXPECT_EQ(target->getMisalignedSlowdown() > 1, isGpu);
    llvm::Error error = target->checkDevice();
    EXPECT_EQ(bool(error), isGpu);
    llvm::consumeError(std::move(error));
  }
}

TEST(TargetModelTest, RequiresFeaturesByTarget) {
  auto getFeatures = [](StringRef spelling) {
    return llvm::cantFail(TargetModel::parse(spelling))->getRequiredFeatures();
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(getFeatures("cpu"), (Names{"avx2", "fma", "f16c", "bmi2"}));
  EXPECT_EQ(getFeatures("cpu:x86-64-v4"),
            (Names{"avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq",
                   "avx512vl", "avx512cd", "bmi2"}));
  EXPECT_EQ(getFeatures("cuda:sm_90"), Names{"sm_90"});
}

// What is written in a module is equal on the next machine, whatever `native`
// is there.
TEST(TargetModelTest, IsNamedForEveryMachine) {
  for (StringRef spelling : {"cpu", "cpu:native", "cpu:znver5", "cuda:sm_80"}) {
    SCOPED_TRACE(spelling.str());
    auto target = llvm::cantFail(TargetModel::parse(spelling));
    EXPECT_FALSE(target->getName().contains("native"));
    auto again = llvm::cantFail(
        TargetModel::parse(target->getName(), target->getFeatures()));
    EXPECT_EQ(again->getName(), target->getName());
    EXPECT_EQ(again->getFeatures(), target->getFeatures());
    EXPECT_EQ(again->getRequiredFeatures(), target->getRequiredFeatures());
  }
}

// Features are told from those of the name: a znver5 without AVX-512 has
// vectors of eight elements, and lists only what is missing.
TEST(TargetModelTest, TellsFeaturesFromTheName) {
  auto plain = llvm::cantFail(TargetModel::parse("cpu:znver5"));
  EXPECT_EQ(plain->getFeatures(), "");
  auto narrow = llvm::cantFail(TargetModel::parse("cpu:znver5", "-avx512f"));
  EXPECT_EQ(narrow->getVectorWidth(), 8);
  EXPECT_TRUE(narrow->getFeatures().contains("-avx512f"));
  EXPECT_FALSE(narrow->getFeatures().contains("+"));
}

// Gaps in the table would read as "no such GPU".
TEST(TargetModelTest, NamesTheGpusItKnows) {
  auto target = TargetModel::parse("cuda:sm_61");
  ASSERT_FALSE(bool(target));
  EXPECT_EQ(llvm::toString(target.takeError()),
            "unknown GPU in target 'cuda:sm_61': expected cuda:NAME with "
            "sm_70, sm_75, sm_80, sm_86, sm_89, sm_90, sm_100, sm_120");
}
