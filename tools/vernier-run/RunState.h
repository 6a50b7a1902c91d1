//===- RunState.h - What a checkpoint knows about the run
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_RUNSTATE_H
#define VERNIER_RUN_RUNSTATE_H

#include "Data.h"
#include "Options.h"

namespace vernier::run {

/// The part of a training run that is not in the session's states. It goes into
/// the checkpoint as JSON, beside the step and the plan, which the runtime
/// writes; the order of the data follows from seed and step.
struct RunState {
  uint64_t step = 0; ///< calls of `step` so far, skipped ones included
  /// Where step 0 would be in the data, in steps; not 0 once a run has gone on
  /// with other windows of micro-batches.
  int64_t dataOffset = 0;
  uint64_t seed = 0;
  uint64_t microBatches = 1; ///< of each step
  uint64_t microStep = 0;    ///< those that the step after the last has done
  uint64_t skipped = 0;
  uint64_t skippedInARow = 0;
  /// Of the skipped, those whose loss was not finite.
  uint64_t notFinite = 0;
  uint64_t notFiniteInARow = 0;
  uint64_t clipped = 0; ///< steps whose gradients were clipped
  double loss;          ///< of the last step; NaN before the first

  // Of the epoch that the last step belongs to.
  uint64_t correct = 0; ///< rows whose best class was right
  uint64_t counted = 0; ///< rows

  /// Rows of --log that could not be written, for the run that goes on.
  std::string missingRows;

  RunState();

  /// Steps that the data up to `steps` would take with these windows: epochs
  /// and places in them follow from it.
  uint64_t toDataSteps(uint64_t steps) const {
    return steps + static_cast<uint64_t>(dataOffset); // modulo 2^64
  }
  uint64_t dataStep() const { return toDataSteps(step); }
  /// The reverse; 0 if the run was beyond that already.
  uint64_t toSteps(uint64_t dataSteps) const {
    bool isBefore =
        dataOffset > 0 && static_cast<uint64_t>(dataOffset) > dataSteps;
    return isBefore ? 0 : dataSteps - static_cast<uint64_t>(dataOffset);
  }

  std::string toJson(const Dataset &data) const;
  /// Take over a checkpoint's state. Throws a Failure if it belongs to a run
  /// with other data, another batch or another seed than the options ask for.
  void restore(const std::string &json, uint64_t checkpointStep,
               const Dataset &data, const Options &options);

private:
  /// Go on where a run with other windows was in the data.
  void changeWindows(uint64_t itsMicroBatches, const Dataset &data,
                     const Options &options);
};

/// Whether both name one folder, however they are spelt.
bool sameFolder(const std::string &a, const std::string &b);

/// The newest step of the checkpoints below `directory`; nothing if there are
/// none.
std::optional<uint64_t> newestCheckpoint(const std::string &directory);

} // namespace vernier::run

#endif // VERNIER_RUN_RUNSTATE_H
