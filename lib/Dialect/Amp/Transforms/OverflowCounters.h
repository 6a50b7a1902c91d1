//===- OverflowCounters.h - Counts skipped steps and whose gradients overflow
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_OVERFLOWCOUNTERS_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_OVERFLOWCOUNTERS_H

#include "ScalerStates.h"

namespace vernier::amp {

/// What a step found out.
struct StepOutcome {
  mlir::Value scale;         ///< f32: the loss scale
  mlir::Value allFinite;     ///< i1
  mlir::Value firstOverflow; ///< i32: a gradient's index, -1: none
};

/// Counters on the device, of every step, skipped or not: no host reads them
/// until it wants to.
class OverflowCounters {
public:
  /// `labels` names the gradients. `minScale` of a dynamic scale: how often it
  /// did not help is counted, too.
  OverflowCounters(ScalerStates &states, mlir::ArrayAttr labels,
                   std::optional<double> minScale);

  /// Count, at the end of `step`; adds the results `first_overflow` and
  /// `steps_at_minimum`.
  llvm::LogicalResult build(mlir::func::FuncOp step,
                            const StepOutcome &outcome);

private:
  mlir::ml_program::GlobalOp skipped, steps, overflows, first, firstStep,
      atMinimum;
  std::optional<double> minScale;
};

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_OVERFLOWCOUNTERS_H
