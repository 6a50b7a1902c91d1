//===- VerifyImport.h - What a model must be
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_PIPELINES_VERIFYIMPORT_H
#define VERNIER_LIB_PIPELINES_VERIFYIMPORT_H

#include "mlir/IR/BuiltinOps.h"

namespace vernier {

/// Check what the stage import promises: all that later stages and the runtime
/// take for granted of a model. Every violation is reported where it is.
llvm::LogicalResult verifyImport(mlir::ModuleOp module);

} // namespace vernier

#endif // VERNIER_LIB_PIPELINES_VERIFYIMPORT_H
