//===- TrainRanges.h - Bounds of train ops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_TRAIN_IR_TRAINRANGES_H
#define VERNIER_LIB_DIALECT_TRAIN_IR_TRAINRANGES_H

#include "mlir/IR/MLIRContext.h"

namespace vernier::train {

/// Attach RangeOpInterface to the ops of the dialect, which are loaded.
void attachRangeModels(mlir::MLIRContext &context);

} // namespace vernier::train

#endif // VERNIER_LIB_DIALECT_TRAIN_IR_TRAINRANGES_H
