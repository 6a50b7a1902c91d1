//===- Profile.h - Where the time of an entry goes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_PROFILE_H
#define VERNIER_RUN_PROFILE_H

#include "Runtime.h"

#include <chrono>
#include <string>
#include <vector>

namespace vernier::run {

/// Times each call of an entry (bench --profile). The first call's time
/// includes copying the entry's inputs to their places.
class Profile {
public:
  explicit Profile(const schema::Entry &entry);

  /// Run the entry `steps` times, observed.
  void measure(Session &session, uint64_t steps);

  /// A heading, then a line for each op, place and direction, slowest first:
  /// ms per step, share, calls, GFLOP/s of matmuls, GB/s of operands otherwise.
  std::vector<std::string> table() const;

private:
  using Clock = std::chrono::steady_clock;
  struct Call {
    double seconds = 0; ///< of all steps
    uint64_t bytes = 0; ///< of its operands
  };
  void observe(const vernier_observation_t &observation);

  const schema::Entry &entry;
  std::vector<Call> calls;
  uint64_t steps = 0;
  Clock::time_point last;
};

} // namespace vernier::run

#endif // VERNIER_RUN_PROFILE_H
