//===- Rerun.h - Runs a step again to find what made it not finite
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_RERUN_H
#define VERNIER_RUN_RERUN_H

#include "Data.h"
#include "Numerics.h"

namespace vernier::run {

/// Finds the op and the row of a step that was skipped. A skipped step changed
/// no state but the scaler's, and its rows are still in the data: run again, it
/// does the same, this time observed. Steps that are not skipped cost nothing.
class Rerun {
public:
  Rerun(const Plan &plan, Session &session, Dataset &data,
        uint64_t microBatches);

  /// The first result that is not finite, of all micro-batches of the window
  /// whose rows are `rows`, with the loss scale that it had (NaN: it has none).
  /// Afterwards the states are as they were, and no observer is set.
  std::optional<Finding> findOp(const uint64_t *rows, double lossScale);
  /// A row whose loss, alone in a batch, is not finite, by bisection of the
  /// first batch whose loss is not; nothing if the entry `loss` does not have
  /// such a loss (statistics of a batch may be to blame, or the gradient).
  std::optional<uint64_t> findRow(const uint64_t *rows);

private:
  struct Kept {
    std::string name;
    std::vector<uint8_t> data;
  };

  std::vector<Kept> keepStates();
  bool isLossFinite(const uint64_t *rows, uint64_t count);

  Session &session;
  Dataset &data;
  uint64_t microBatches;
  std::optional<Output>
      loss; ///< of the entry `loss`, if it takes the same data
  std::vector<uint64_t> batch;
};

} // namespace vernier::run

#endif // VERNIER_RUN_RERUN_H
