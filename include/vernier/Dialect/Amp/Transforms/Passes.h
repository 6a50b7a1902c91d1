//===- Passes.h - The amp dialect's passes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_AMP_TRANSFORMS_PASSES_H
#define VERNIER_DIALECT_AMP_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

#include <limits>

namespace vernier::amp {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "vernier/Dialect/Amp/Transforms/Passes.h.inc"

} // namespace vernier::amp

#endif // VERNIER_DIALECT_AMP_TRANSFORMS_PASSES_H
