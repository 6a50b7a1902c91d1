//===- TargetModelTest.cpp - Targets that passes ask for side by side
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Target/TargetModel.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

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
