//===- CostOpInterface.h - FLOPs and bytes of an op
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_COSTOPINTERFACE_H
#define VERNIER_INTERFACES_COSTOPINTERFACE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

namespace vernier::detail {
int64_t countResultElements(mlir::Operation *op);
int64_t countOperandAndResultBytes(mlir::Operation *op);
} // namespace vernier::detail

#include "vernier/Interfaces/CostOpInterface.h.inc"

#endif // VERNIER_INTERFACES_COSTOPINTERFACE_H
