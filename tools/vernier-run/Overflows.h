//===- Overflows.h - Whose gradients overflow
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_OVERFLOWS_H
#define VERNIER_RUN_OVERFLOWS_H

#include "Runtime.h"

namespace vernier::run {

/// Reads the counters that loss scaling keeps on the device: which parameter's
/// gradient was the first of a step that was not finite.
class Overflows {
public:
  /// Nothing if the plan scales no loss.
  static std::optional<Overflows> find(const Plan &plan);

  /// The parameter whose gradient made the last step be skipped, or "".
  const char *readStep(Session &session);
  /// "3 steps were skipped; the first overflow was ..." after `indent`, or ""
  /// if no step was skipped.
  std::string describe(Session &session, const char *indent);

private:
  const schema::State *state = nullptr;
  Output index;
};

} // namespace vernier::run

#endif // VERNIER_RUN_OVERFLOWS_H
