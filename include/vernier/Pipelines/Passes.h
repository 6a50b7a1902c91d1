//===- Passes.h - Passes over the whole compiler's contracts
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_PIPELINES_PASSES_H
#define VERNIER_PIPELINES_PASSES_H

#include "vernier/Target/IR/TargetDialect.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace vernier {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "vernier/Pipelines/Passes.h.inc"

} // namespace vernier

#endif // VERNIER_PIPELINES_PASSES_H
