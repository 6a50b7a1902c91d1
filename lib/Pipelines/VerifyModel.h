//===- VerifyModel.h - What is read of a model
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_PIPELINES_VERIFYMODEL_H
#define VERNIER_LIB_PIPELINES_VERIFYMODEL_H

#include "mlir/IR/BuiltinOps.h"

namespace vernier {

/// Check that a model says nothing that nobody reads, and that its calls can be
/// inlined: before import, while it is as it was written.
llvm::LogicalResult verifyModel(mlir::ModuleOp module);

} // namespace vernier

#endif // VERNIER_LIB_PIPELINES_VERIFYMODEL_H
