//===- UntrainedParameters.h - Parameters whose gradients are always zero
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_UNTRAINEDPARAMETERS_H
#define VERNIER_RUN_UNTRAINEDPARAMETERS_H

#include "Runtime.h"

#include <optional>

namespace vernier::run {

/// Finds the parameters that a run did not train. One with a moment (Adam, SGD
/// with momentum) had gradients of zero in all steps if that is zero still; one
/// without is compared with what it was at the start. Steps cost nothing. Those
/// of more than 8 MiB are not looked at, and so never found.
class UntrainedParameters {
public:
  explicit UntrainedParameters(const Plan &plan);

  /// Before the first step.
  void remember(Session &session);
  /// After the last: their names.
  std::vector<std::string> find(Session &session) const;
  size_t parameterCount() const { return count; }

private:
  struct Parameter {
    std::string name;
    std::string observed; ///< its moment, or itself
    bool hasMoment = false;
    uint64_t hash = 0; ///< of itself at the start
  };
  std::vector<Parameter> parameters; ///< those that are looked at
  size_t count = 0;                  ///< of all
};

/// "3 of 8 parameters ('a', 'b' and 1 more)".
std::string describeParameters(const std::vector<std::string> &names,
                               size_t count);

} // namespace vernier::run

#endif // VERNIER_RUN_UNTRAINEDPARAMETERS_H
