//===- Passes.h - The train dialect's passes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_TRANSFORMS_PASSES_H
#define VERNIER_DIALECT_TRAIN_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

#include <limits>
#include <string>

namespace vernier::train {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "vernier/Dialect/Train/Transforms/Passes.h.inc"

} // namespace vernier::train

#endif // VERNIER_DIALECT_TRAIN_TRANSFORMS_PASSES_H
