//===- FusionPatterns.h - Simplifications before fusions are planned
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_TRAIN_TRANSFORMS_FUSIONPATTERNS_H
#define VERNIER_LIB_DIALECT_TRAIN_TRANSFORMS_FUSIONPATTERNS_H

#include "mlir/IR/PatternMatch.h"

namespace vernier::train {

/// Moves transposes of the last two dims and relu into contractions, and brings
/// reductions into the forms that fusions have.
void populateFusionPatterns(mlir::RewritePatternSet &patterns);

} // namespace vernier::train

#endif // VERNIER_LIB_DIALECT_TRAIN_TRANSFORMS_FUSIONPATTERNS_H
