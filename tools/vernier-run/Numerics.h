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

namespace vernier::run {

/// The first call of an entry whose result is not finite.
struct Finding {
  std::string op;
  std::string location;
  std::string type;
  uint64_t nans = 0, infinities = 0, elements = 0;
  double low = 0, high = 0; ///< of the finite elements, if there are any

  /// "train.linear at mlp.mlir:20:11: 3 NaN, 0 inf among 320 f32 (32, 10), the
  /// others in [-1, 2]".
  std::string describe() const;
};

/// Watches every result of a session's calls (--check-numerics).
class NumericsCheck {
public:
  /// Watch from now on. The check must outlive the session's runs.
  void install(Session &session);
  /// Forget the last run's finding.
  void reset() { finding.reset(); }
  const std::optional<Finding> &found() const { return finding; }

private:
  static void observe(void *context, const char *name, const char *location,
                      const TensorInfo *result, const void *data);
  std::optional<Finding> finding;
};

} // namespace vernier::run

#endif // VERNIER_RUN_NUMERICS_H
