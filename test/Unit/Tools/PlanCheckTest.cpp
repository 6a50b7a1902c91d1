//===- PlanCheckTest.cpp - What a compile ends with
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plans that the compiler should never write, as the check before it writes one
// sees them. All for a processor of AVX2, whose library has no bf16: oneDNN
// chooses its instructions once in a process.
//
//===----------------------------------------------------------------------===//

#include "PlanCheck.h"
#include "../Runtime/TestPlan.h"

#include <gtest/gtest.h>

using namespace vernier;
using namespace vernier::test;
using ConvolutionKind = schema::ConvolutionKind;

/// A plan of one 3x3 convolution.
static TestPlan makePlan(DType operands, DType result,
                         std::vector<int64_t> output = {2, 3, 2, 4}) {
  TestPlan plan;
  TestEntry &entry = plan.entry("predict");
  uint32_t x = entry.input("x", operands, {2, 5, 4, 4});
  uint32_t weight = entry.input("weight", operands, {4, 3, 3, 4});
  uint32_t y = entry.alloc(result, output);
  entry.convolution({ConvolutionKind::output, x, weight, y});
  return plan;
}

static std::string check(const TestPlan &plan) {
  return findPlanProblem(plan.build(), "AVX2");
}

TEST(PlanCheck, SaysNothingOfWhatRuns) {
  EXPECT_EQ(check(makePlan(DType::f32, DType::f32)), "");
}

TEST(PlanCheck, NamesTheOpThatTheVerifierRefuses) {
  std::string problem = check(makePlan(DType::f32, DType::f32, {2, 5, 4, 4}));
  EXPECT_NE(problem.find("call 0 of 'predict', convolution at "
                         "model.mlir:1:convolution: extent 1 of its output"),
            std::string::npos)
      << problem;
}

TEST(PlanCheck, NamesTheOpThatTheLibraryLacks) {
  for (DType result : {DType::bf16, DType::f32}) {
    std::string problem = check(makePlan(DType::bf16, result));
    EXPECT_NE(problem.find("convolution at model.mlir:1:convolution: this "
                           "processor cannot run a bf16 convolution natively"),
              std::string::npos)
        << problem;
  }
}

// Only a machine with its features can say what its library has.
TEST(PlanCheck, AsksNothingForAnotherMachine) {
  TestPlan plan = makePlan(DType::bf16, DType::bf16);
  plan.features = {"avx9000"};
  EXPECT_EQ(check(plan), "");
}
