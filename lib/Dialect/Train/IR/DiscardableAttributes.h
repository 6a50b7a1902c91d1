//===- DiscardableAttributes.h - train attributes on other dialects' ops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_TRAIN_IR_DISCARDABLEATTRIBUTES_H
#define VERNIER_LIB_DIALECT_TRAIN_IR_DISCARDABLEATTRIBUTES_H

#include "mlir/IR/Diagnostics.h"

namespace vernier::train {

/// What a `train.` attribute can stand on.
enum AttributePlace : unsigned {
  OnGlobal = 1,
  OnArgument = 2,
  OnResult = 4,
  OnOp = 8
};

/// Whether `attribute` is one of those that the dialect's description lists for
/// such a place, with a value of its kind; if not, says what was meant.
llvm::LogicalResult verifyDiscardableAttribute(mlir::Location loc,
                                               mlir::NamedAttribute attribute,
                                               AttributePlace place);

} // namespace vernier::train

#endif // VERNIER_LIB_DIALECT_TRAIN_IR_DISCARDABLEATTRIBUTES_H
