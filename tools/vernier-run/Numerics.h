//===- Numerics.h - Finds the first op with an inf or NaN
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_NUMERICS_H
#define VERNIER_RUN_NUMERICS_H

#include "Runtime.h"

#include <optional>
#include <string>
#include <vector>

namespace vernier::run {

/// How the elements of an array are spread.
struct Spread {
  uint64_t nans = 0, infinities = 0, elements = 0;
  double low = 0, high = 0; ///< of the finite elements, if there are any
};

/// The first call of an entry whose result is not finite.
struct Finding {
  struct Input {
    std::string name, type;
    std::optional<Spread> spread; ///< none if the call overwrote it
  };
  std::string entry, title, location;
  std::vector<std::string> sources; ///< of a kernel of several ops
  size_t call = 0;                  ///< its index in the entry
  std::string type;
  Spread spread; ///< of the first result that is not finite
  std::vector<Input> inputs;

  /// "first non-finite result: fc2 (train.linear) at m.mlir:9:3 (call 3 of
  /// step): 3 NaN, 0 inf among 320 elements of f32 (32, 10), the others in [-1,
  /// 2]", then a line for each input: "    input image: f32 (32, 64), in [0,
  /// 16]". Before it, what of the inputs was not finite already; of a kernel
  /// all ops.
  std::string describe() const;

private:
  std::string describeCause() const;
  std::string describeOp() const;
};

/// Watches every result of a session's calls (--check-numerics).
class NumericsCheck {
public:
  /// Watch from now on. The check must outlive the session's runs.
  void install(Session &session);
  /// Look at the results of one call.
  void observe(const vernier_observation_t &observation);
  /// Forget the last run's finding.
  void reset() { finding.reset(); }
  const std::optional<Finding> &found() const { return finding; }

private:
  std::optional<Finding> finding;
};

} // namespace vernier::run

#endif // VERNIER_RUN_NUMERICS_H
