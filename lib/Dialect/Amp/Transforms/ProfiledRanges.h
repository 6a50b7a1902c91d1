//===- ProfiledRanges.h - What a profile says of ranges
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PROFILEDRANGES_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PROFILEDRANGES_H

#include "Profile.h"

#include "vernier/Dialect/Amp/Transforms/RangeAnalysis.h"

namespace vernier::amp {

/// Inputs and states, and what the contractions of `function` read and write,
/// stay as large as they were; what was not finite has no bound.
RangeAssumptions getMeasuredRanges(const Profile &profile,
                                   mlir::ModuleOp module,
                                   mlir::FunctionOpInterface function);

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PROFILEDRANGES_H
