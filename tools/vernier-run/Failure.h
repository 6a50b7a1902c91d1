//===- Failure.h - What ends a run early
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_FAILURE_H
#define VERNIER_RUN_FAILURE_H

#include "vernier-c/status.h"

#include <stdexcept>
#include <string>

namespace vernier::run {

/// Exit codes; 1 to 5 are vernier_status_code_t.
enum ExitCode {
  Ok = 0,
  Failed = VERNIER_FAILED,
  Usage = VERNIER_INVALID_ARGUMENT,
  BadFile = VERNIER_BAD_FILE,
  Numeric = VERNIER_NUMERIC,
  Resources = VERNIER_RESOURCES,
  Interrupted = 130
};

/// A diagnosed failure: the message says what, where, what was expected and
/// what to do; `code` is the exit code.
class Failure : public std::runtime_error {
public:
  Failure(ExitCode code, const std::string &message)
      : std::runtime_error(message), code(code) {}
  ExitCode code;
  /// What the RESULT line has behind the code: " steps=5 loss=nan", or nothing.
  std::string result;
};

/// Throw the failure of a call into the runtime.
inline void check(vernier_status_t status) {
  if (status.code != VERNIER_OK)
    throw Failure(static_cast<ExitCode>(status.code),
                  status.message ? status.message : "unknown failure");
}

} // namespace vernier::run

#endif // VERNIER_RUN_FAILURE_H
