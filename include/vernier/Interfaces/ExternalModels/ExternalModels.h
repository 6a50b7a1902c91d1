//===- ExternalModels.h - Our interfaces on upstream ops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_EXTERNALMODELS_EXTERNALMODELS_H
#define VERNIER_INTERFACES_EXTERNALMODELS_EXTERNALMODELS_H

#include "mlir/IR/DialectRegistry.h"

namespace vernier {

/// Attach the precision, fusion, cost and differentiation interfaces to
/// upstream elementwise ops, reshapes, and concatenation, slices and padding.
void registerArithExternalModels(mlir::DialectRegistry &registry);
void registerMathExternalModels(mlir::DialectRegistry &registry);
void registerTensorExternalModels(mlir::DialectRegistry &registry);
void registerSliceExternalModels(mlir::DialectRegistry &registry);

/// Attach the range interface to the ops of the three dialects.
void registerRangeExternalModels(mlir::DialectRegistry &registry);

} // namespace vernier

#endif // VERNIER_INTERFACES_EXTERNALMODELS_EXTERNALMODELS_H
