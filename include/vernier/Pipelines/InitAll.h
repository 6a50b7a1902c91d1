//===- InitAll.h - Registers everything that Vernier's compiler knows
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_PIPELINES_INITALL_H
#define VERNIER_PIPELINES_INITALL_H

#include "mlir/IR/DialectRegistry.h"

namespace vernier {

/// The dialects that a model may be written in, and our interfaces on them.
void registerInputDialects(mlir::DialectRegistry &registry);

/// Every dialect that a pass may produce as well.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Vernier's passes, and upstream's canonicalize, cse, inline, symbol-dce.
void registerAllPasses();

} // namespace vernier

#endif // VERNIER_PIPELINES_INITALL_H
