//===- CompareSelect.h - Ops that are comparisons and selections
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_CODEGEN_COMPARESELECT_H
#define VERNIER_LIB_CODEGEN_COMPARESELECT_H

#include "Lanes.h"

namespace vernier {

/// Build the value of `op` for `operands` in registers if it is one that
/// comparisons and selections compute where LLVM would call a library or trap:
/// maxima that pass over NaN, classes of numbers, integer division. Null for
/// other ops.
mlir::Value buildCompareSelect(LaneBuilder &b, mlir::Operation *op,
                               mlir::ValueRange operands);

} // namespace vernier

#endif // VERNIER_LIB_CODEGEN_COMPARESELECT_H
