//===- Object.h - From the LLVM dialect to a shared object
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TARGET_OBJECT_H
#define VERNIER_TARGET_OBJECT_H

#include "vernier/Target/CpuTarget.h"

#include "mlir/IR/BuiltinOps.h"

#include <vector>

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace vernier {

/// What compileToSharedObject needs to be registered with the context.
void registerObjectTranslation(mlir::DialectRegistry &registry);

/// Compile a module of the LLVM dialect to an ELF shared object that exports
/// its functions and refers to nothing outside; to nothing, if it has none. The
/// bytes depend on the module, the target and the version of LLVM alone.
/// Failures are diagnostics at the module.
mlir::FailureOr<std::vector<char>>
compileToSharedObject(mlir::ModuleOp llvmModule, const CpuTarget &target);

} // namespace vernier

#endif // VERNIER_TARGET_OBJECT_H
