//===- Accuracy.h - Counts rows whose best class is right
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_ACCURACY_H
#define VERNIER_RUN_ACCURACY_H

#include "Data.h"

namespace vernier::run {

/// Compares an entry's output `logits` (rows, classes) with its class-index
/// input on the host. A model without both has no accuracy.
class Accuracy {
public:
  /// With `maxElements`, logits of more elements are left alone.
  Accuracy(const Plan &plan, const std::string &entry,
           uint64_t maxElements = UINT64_MAX);

  bool isAvailable() const { return logits.has_value(); }
  /// Rows of logits for each row of data: 1, or the length of a sequence.
  uint64_t rowsPerSample() const { return perSample; }
  /// Correct rows of the last run's first `samples` samples.
  uint64_t countCorrect(Session &session, const Dataset &data,
                        uint64_t samples);

private:
  std::string entry;
  std::optional<Output> logits;
  TensorInfo label{};
  uint64_t perSample = 1;
};

} // namespace vernier::run

#endif // VERNIER_RUN_ACCURACY_H
