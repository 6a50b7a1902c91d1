//===- TrainSettings.h - Numbers that ops are set with
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_TRAIN_IR_TRAINSETTINGS_H
#define VERNIER_LIB_DIALECT_TRAIN_IR_TRAINSETTINGS_H

#include "mlir/IR/Operation.h"

namespace vernier::train {

/// (N5) What a variance is shifted by is a positive number of f32.
llvm::LogicalResult verifyEpsilon(mlir::Operation *op,
                                  const llvm::APFloat &epsilon);

/// (U4) The settings of an optimizer lie where its formula means something.
llvm::LogicalResult verifyOptimizer(mlir::Operation *op,
                                    mlir::Attribute optimizer);

/// Whether `value` is 0 or more and finite in f32, in which steps compute.
bool isRate(double value);
/// Whether `value` is one of [0, 1), as the weight of an average is.
bool isFraction(double value);
/// Whether `value` is above 0 in f32, and neither subnormal nor inf.
bool isPositive(double value);

} // namespace vernier::train

#endif // VERNIER_LIB_DIALECT_TRAIN_IR_TRAINSETTINGS_H
