//===- PlanFile.h - Writes .vplan files
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TARGET_PLANFILE_H
#define VERNIER_TARGET_PLANFILE_H

#include "vernier/Target/TargetModel.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <utility>
#include <vector>

namespace vernier {

/// One row of the explain table, as the plan file stores it.
struct PlanDecision {
  std::string function, op, location;
  std::string operand, accumulate, result;
  std::string rule, reason;
  int64_t flops = 0, bytes = 0;
  bool backward = false;
};

/// What a plan file holds beside the plan ops.
struct PlanFileInfo {
  /// Micro-batches of a window, if the plan has the entry `accumulate`.
  uint32_t microBatches = 1;
  /// When the first schedule of a learning rate ends, if there is one.
  uint32_t scheduleSteps = 0;
  /// ELF shared object with the kernels; may be empty if there are none.
  std::vector<char> object;
  /// The effective compile configuration, for people.
  std::vector<std::pair<std::string, std::string>> options;
  std::vector<PlanDecision> decisions;
};

/// Serialise the plan ops of `module` (stage `plan`) for `target`. Equal input
/// gives equal bytes. Diagnoses what the format cannot hold.
mlir::FailureOr<std::vector<uint8_t>> writePlanFile(mlir::ModuleOp module,
                                                    const TargetModel &target,
                                                    const PlanFileInfo &info);

} // namespace vernier

#endif // VERNIER_TARGET_PLANFILE_H
