//===- Passes.h - The plan dialect's passes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_PLAN_TRANSFORMS_PASSES_H
#define VERNIER_DIALECT_PLAN_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace vernier::plan {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "vernier/Dialect/Plan/Transforms/Passes.h.inc"

} // namespace vernier::plan

#endif // VERNIER_DIALECT_PLAN_TRANSFORMS_PASSES_H
