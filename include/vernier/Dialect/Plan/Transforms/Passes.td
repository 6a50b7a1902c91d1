//===- Passes.td - The plan dialect's passes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_PLAN_TRANSFORMS_PASSES_TD
#define VERNIER_DIALECT_PLAN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // VERNIER_DIALECT_PLAN_TRANSFORMS_PASSES_TD
