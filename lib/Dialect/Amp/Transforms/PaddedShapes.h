//===- PaddedShapes.h - Which operand shapes a padded result asks for
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PADDEDSHAPES_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PADDEDSHAPES_H

#include "mlir/IR/Operation.h"

namespace vernier::amp {

/// Whether `op`, an elementwise op, a reduction, a composite, or one that moves
/// elements, may be able to compute padded results.
bool canComputePadded(mlir::Operation *op);

/// The shape that `operand` must have for the results of its owner, all of one
/// shape, to have `shape`; none if that is not known.
std::optional<llvm::SmallVector<int64_t>>
getPaddedOperandShape(mlir::OpOperand &operand, llvm::ArrayRef<int64_t> shape);

/// Give the results of `op` the shape `shape`; its operands are padded already.
void setPaddedResultShape(mlir::Operation *op, llvm::ArrayRef<int64_t> shape);

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PADDEDSHAPES_H
