//===- TrainStatistics.h - How many values statistics are of
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_TRAIN_IR_TRAINSTATISTICS_H
#define VERNIER_LIB_DIALECT_TRAIN_IR_TRAINSTATISTICS_H

#include "mlir/IR/MLIRContext.h"

namespace vernier::train {

/// Attach StatisticsOpInterface to the ops of the dialect, which are loaded.
void attachStatisticsModels(mlir::MLIRContext &context);

} // namespace vernier::train

#endif // VERNIER_LIB_DIALECT_TRAIN_IR_TRAINSTATISTICS_H
