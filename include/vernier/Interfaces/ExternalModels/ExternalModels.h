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

/// Attach the interfaces to upstream elementwise and shape ops. The vjps of
/// `tensor` ops and those that must undo a broadcast build `train` ops, so the
/// models of differentiation live with the train dialect's transforms.
void registerArithExternalModels(mlir::DialectRegistry &registry);
void registerMathExternalModels(mlir::DialectRegistry &registry);
void registerTensorExternalModels(mlir::DialectRegistry &registry);

} // namespace vernier

#endif // VERNIER_INTERFACES_EXTERNALMODELS_EXTERNALMODELS_H
