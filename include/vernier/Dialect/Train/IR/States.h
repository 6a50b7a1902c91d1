//===- States.h - Which state a value is made from
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_STATES_H
#define VERNIER_DIALECT_TRAIN_IR_STATES_H

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Value.h"

namespace vernier::train {

/// The name of the state that `value` is made from alone: cast, reshaped,
/// transposed or padded. Null where there is none or more goes into it.
inline mlir::StringAttr getSoleState(mlir::Value value) {
  while (mlir::Operation *op = value.getDefiningOp()) {
    if (auto load = mlir::dyn_cast<mlir::ml_program::GlobalLoadOp>(op))
      return load.getGlobal().getLeafReference();
    if (op->getNumOperands() != 1)
      return {};
    value = op->getOperand(0);
  }
  return {};
}

} // namespace vernier::train

#endif // VERNIER_DIALECT_TRAIN_IR_STATES_H
