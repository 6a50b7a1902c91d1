//===- ProductStatistics.h - How much of its terms a contraction cancels
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_PRODUCTSTATISTICS_H
#define VERNIER_RUN_PRODUCTSTATISTICS_H

#include "Runtime.h"

namespace vernier::run {

/// Sums over the sampled results of a contraction, each of them a sum of terms
/// lhs * rhs (plus a bias). Rounding both operands with relative errors e and f
/// that are independent changes the results by sqrt(terms (e^2 + f^2)), in the
/// root mean square: more than they are themselves where terms cancel.
struct ProductStatistics {
  uint64_t results = 0;
  double squaredTerms = 0;   ///< of each result, the sum of its terms squared
  double squaredResults = 0; ///< bias included, before a relu
};

/// Whether this call is a contraction that sampleProduct knows.
bool isProduct(const schema::Call &call);

/// Compute a few results of the contraction that has just been made again, in
/// f64, and add them. `seed` says which. A result with a term that is not
/// finite is left out.
void sampleProduct(const schema::Call &call,
                   const vernier_observation_t &observation, uint64_t seed,
                   ProductStatistics &statistics);

} // namespace vernier::run

#endif // VERNIER_RUN_PRODUCTSTATISTICS_H
