//===- ErrorBudget.h - What to save first with an error that may be made
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_AMP_TRANSFORMS_ERRORBUDGET_H
#define VERNIER_DIALECT_AMP_TRANSFORMS_ERRORBUDGET_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <vector>

namespace vernier::amp {

/// One way of doing something: the error that it makes, squared, since errors
/// that are independent add up so, and what it saves. Both are of the whole, in
/// comparison with the way that makes no error.
struct Alternative {
  double squaredError = 0;
  int64_t saved = 0;
};

/// Chooses an alternative for each of several things, so that little error
/// saves much: a knapsack with choices, solved greedily.
///
/// Of each thing's alternatives only those matter that lie on the upper hull of
/// what can be saved with an error. The steps along all hulls are taken by what
/// they save for their error, best first, until the first that the budget does
/// not cover. So what is taken under a budget is taken under every larger one,
/// and nothing that saves as much could be had for less but by leaving out the
/// step that ended it (Dantzig's bound).
class ErrorBudget {
public:
  struct Solution {
    /// The alternative of each thing; ~0u where nothing is to be gained.
    std::vector<unsigned> choices;
    double squaredError = 0;
    int64_t saved = 0;
  };

  /// Add a thing that can also be left as it is, with no error.
  void add(llvm::ArrayRef<Alternative> alternatives);
  /// What to do while the sum of squared errors is at most `squaredBudget`.
  Solution solve(double squaredBudget) const;

private:
  struct Step {
    unsigned thing, choice;
    double squaredError; ///< More than before it.
    int64_t saved;       ///< Likewise.
  };
  std::vector<Step> steps;
  unsigned things = 0;
};

} // namespace vernier::amp

#endif // VERNIER_DIALECT_AMP_TRANSFORMS_ERRORBUDGET_H
