//===- AmpRanges.h - Bounds of amp ops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_IR_AMPRANGES_H
#define VERNIER_LIB_DIALECT_AMP_IR_AMPRANGES_H

#include "mlir/IR/MLIRContext.h"

namespace vernier::amp {

/// Attach RangeOpInterface to the ops of the dialect, which are loaded.
void attachRangeModels(mlir::MLIRContext &context);

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_IR_AMPRANGES_H
