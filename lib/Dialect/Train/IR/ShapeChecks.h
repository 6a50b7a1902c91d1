//===- ShapeChecks.h - What verifiers say about shapes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_TRAIN_IR_SHAPECHECKS_H
#define VERNIER_LIB_DIALECT_TRAIN_IR_SHAPECHECKS_H

#include "vernier/Dialect/Train/IR/TrainDialect.h"

namespace vernier::train {

inline mlir::RankedTensorType tensorType(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}

/// "(2, 3)".
std::string shapeText(llvm::ArrayRef<int64_t> shape);

/// "(label) expects what of shape ..., got ..."
llvm::LogicalResult checkShape(mlir::Operation *op, llvm::StringRef label,
                               llvm::StringRef what,
                               llvm::ArrayRef<int64_t> expected,
                               mlir::Value value);

} // namespace vernier::train

#endif // VERNIER_LIB_DIALECT_TRAIN_IR_SHAPECHECKS_H
