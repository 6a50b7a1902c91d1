//===- Progress.h - Where a training run is
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_PROGRESS_H
#define VERNIER_RUN_PROGRESS_H

#include "Metrics.h"
#include "Terminal.h"

namespace vernier::run {

/// A line that is redrawn on a terminal, or plain lines every few steps.
class Progress {
public:
  Progress(Terminal &terminal, uint64_t totalSteps, uint64_t batch,
           uint64_t logEvery)
      : terminal(terminal), total(totalSteps), batch(batch),
        logEvery(logEvery) {}

  /// Start the clock: `firstStep` steps are done.
  void start(uint64_t firstStep);
  /// Time not spent in steps (evaluation, saving) does not count.
  void pause();
  void resume();

  /// A step is done. `accuracy` is that of the epoch so far.
  void step(const Measurement &measurement, double accuracy, uint64_t skipped);
  /// Draw the last state for good.
  void finish();

  double seconds() const;
  uint64_t steps() const { return last.step - first; }

private:
  using Clock = std::chrono::steady_clock;
  std::string line() const;

  Terminal &terminal;
  uint64_t total, batch, logEvery;
  uint64_t first = 0;
  uint64_t loggedStep = 0;
  Clock::time_point started{};
  Clock::duration spent{};
  bool running = false;

  Measurement last;
  double lastAccuracy = 0;
  uint64_t lastSkipped = 0;
};

} // namespace vernier::run

#endif // VERNIER_RUN_PROGRESS_H
