//===- ErrorBudgetTest.cpp - Budgets against all choices
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Transforms/ErrorBudget.h"

#include "gtest/gtest.h"

#include <limits>
#include <random>

using namespace vernier::amp;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Things = std::vector<std::vector<Alternative>>;

ErrorBudget::Solution solve(const Things &things, double budget) {
  ErrorBudget errorBudget;
  for (const auto &alternatives : things)
    errorBudget.add(alternatives);
  return errorBudget.solve(budget);
}

/// The most that can be saved, by trying everything.
int64_t getOptimum(const Things &things, double budget, size_t from = 0) {
  if (from == things.size())
    return 0;
  int64_t best = getOptimum(things, budget, from + 1);
  for (const Alternative &choice : things[from])
    if (choice.squaredError <= budget)
      best = std::max(
          best, choice.saved +
                    getOptimum(things, budget - choice.squaredError, from + 1));
  return best;
}

// What saves most for its error comes first.
TEST(ErrorBudget, BestFirst) {
  Things things = {{{4, 10}}, {{1, 10}}, {{2, 10}}};
  EXPECT_EQ(solve(things, 0.5).choices, (std::vector<unsigned>{~0u, ~0u, ~0u}));
  EXPECT_EQ(solve(things, 1).choices, (std::vector<unsigned>{~0u, 0, ~0u}));
  EXPECT_EQ(solve(things, 3).choices, (std::vector<unsigned>{~0u, 0, 0}));
  EXPECT_EQ(solve(things, 7).choices, (std::vector<unsigned>{0, 0, 0}));
}

// Of several choices those on the hull are taken in turn; what makes no error
// is free, what saves nothing or is forbidden is never taken.
TEST(ErrorBudget, Hull) {
  Things things = {{{1, 10}, {2, 11}, {3, 16}, {kInfinity, 100}, {1, 0}},
                   {{0, 1}},
                   {{kInfinity, 5}},
                   {}};
  EXPECT_EQ(solve(things, 0).choices,
            (std::vector<unsigned>{~0u, 0, ~0u, ~0u}));
  EXPECT_EQ(solve(things, 1).choices, (std::vector<unsigned>{0, 0, ~0u, ~0u}));
  EXPECT_EQ(solve(things, 2).choices, (std::vector<unsigned>{0, 0, ~0u, ~0u}));
  EXPECT_EQ(solve(things, 3).choices, (std::vector<unsigned>{2, 0, ~0u, ~0u}));
  EXPECT_EQ(solve(things, 1e9).saved, 17);
}

// On random things: the budget holds, a larger one saves no less and takes
// everything that the smaller took, or better; and what is left out by stopping
// early is less than one step (Dantzig's bound).
TEST(ErrorBudget, Random) {
  std::mt19937 random{1};
  for (unsigned round = 0; round < 300; ++round) {
    Things things(1 + random() % 4);
    int64_t greatest = 0;
    for (auto &alternatives : things)
      for (unsigned i = random() % 4; i > 0; --i) {
        alternatives.push_back(
            {double(random() % 20) / 4, int64_t(random() % 50)});
        greatest = std::max(greatest, alternatives.back().saved);
      }
    ErrorBudget::Solution last = solve(things, 0);
    for (double budget = 0; budget < 25; budget += 0.5) {
      ErrorBudget::Solution solution = solve(things, budget);
      EXPECT_LE(solution.squaredError, budget + 1e-9);
      EXPECT_GE(solution.saved, last.saved);
      EXPECT_GE(solution.saved + greatest, getOptimum(things, budget));
      double error = 0;
      int64_t saved = 0;
      for (size_t i = 0; i < things.size(); ++i) {
        if (solution.choices[i] == ~0u) {
          EXPECT_EQ(last.choices[i], ~0u);
          continue;
        }
        const Alternative &choice = things[i][solution.choices[i]];
        if (last.choices[i] != ~0u)
          EXPECT_GE(choice.saved, things[i][last.choices[i]].saved);
        error += choice.squaredError;
        saved += choice.saved;
      }
      EXPECT_NEAR(solution.squaredError, error, 1e-9);
      EXPECT_EQ(solution.saved, saved);
      last = solution;
    }
    EXPECT_EQ(last.saved, getOptimum(things, 25));
  }
}

} // namespace
