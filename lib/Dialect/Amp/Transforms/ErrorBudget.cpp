//===- ErrorBudget.cpp - What to save first with an error that may be made
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Transforms/ErrorBudget.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <optional>

using namespace vernier::amp;

/// Whether saving `a` for the error `ea` is better than `b` for `eb`: products
/// rather than quotients, so that an error may be 0.
static bool isBetter(int64_t a, double ea, int64_t b, double eb) {
  return static_cast<double>(a) * eb > static_cast<double>(b) * ea;
}

void ErrorBudget::add(llvm::ArrayRef<Alternative> alternatives) {
  Alternative current;
  // Gift wrapping: few alternatives, and few of them on the hull.
  while (true) {
    std::optional<Step> best;
    for (auto [index, next] : llvm::enumerate(alternatives)) {
      Step step{things, unsigned(index),
                next.squaredError - current.squaredError,
                next.saved - current.saved};
      // An infinite error is what is forbidden.
      if (step.saved <= 0 || !std::isfinite(step.squaredError))
        continue;
      step.squaredError = std::max(step.squaredError, 0.0);
      bool isFirst = !best || isBetter(step.saved, step.squaredError,
                                       best->saved, best->squaredError);
      bool isLonger = best &&
                      !isBetter(best->saved, best->squaredError, step.saved,
                                step.squaredError) &&
                      step.saved > best->saved;
      if (isFirst || isLonger)
        best = step;
    }
    if (!best)
      break;
    steps.push_back(*best);
    current = alternatives[best->choice];
  }
  ++things;
}

ErrorBudget::Solution ErrorBudget::solve(double squaredBudget) const {
  // Steps of one thing are in order already, and stay so.
  std::vector<Step> sorted = steps;
  llvm::stable_sort(sorted, [](const Step &a, const Step &b) {
    return isBetter(a.saved, a.squaredError, b.saved, b.squaredError);
  });
  Solution solution{std::vector<unsigned>(things, ~0u)};
  for (const Step &step : sorted) {
    if (solution.squaredError + step.squaredError > squaredBudget)
      break;
    solution.choices[step.thing] = step.choice;
    solution.squaredError += step.squaredError;
    solution.saved += step.saved;
  }
  return solution;
}
