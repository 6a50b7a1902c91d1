//===- Precision.h - The plan's precision decisions, summarised
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_PRECISION_H
#define VERNIER_RUN_PRECISION_H

#include "Runtime.h"

namespace vernier::run {

/// How much one operand type does: rows of the explain table and their FLOPs.
struct PrecisionShare {
  std::string type;
  uint64_t ops = 0;
  double flops = 0;
};

/// By operand type, the most FLOPs first.
std::vector<PrecisionShare> precisionShares(const Plan &plan);

/// "bf16 6 ops 98.9 % of FLOPs, f32 9 ops 1.1 %", or "" if the plan holds no
/// decisions.
std::string precisionSummary(const Plan &plan);

} // namespace vernier::run

#endif // VERNIER_RUN_PRECISION_H
