//===- ReadResources.h - Elements of resources become plain ones
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_PIPELINES_READRESOURCES_H
#define VERNIER_PIPELINES_READRESOURCES_H

#include "mlir/IR/BuiltinOps.h"

namespace vernier {

/// Turn every `dense_resource<name>` of the module, the bytes of which stand
/// behind it in its file, into the `dense<...>` that all passes read. An error
/// says which resource has no bytes, or not those of its type.
mlir::LogicalResult readResources(mlir::ModuleOp module);

} // namespace vernier

#endif // VERNIER_PIPELINES_READRESOURCES_H
