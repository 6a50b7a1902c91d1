//===- ContractionOpInterface.h - Which dims of an op are M, N, K and batch
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_CONTRACTIONOPINTERFACE_H
#define VERNIER_INTERFACES_CONTRACTIONOPINTERFACE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

namespace vernier {

/// Extents of a contraction and how its operands are stored.
struct ContractionDims {
  int64_t batch = 1, m = 1, n = 1, k = 1;
  bool transposeLhs = false, transposeRhs = false;
  /// The right operand is one matrix shared by the whole batch.
  bool sharedRhs = false;
};
} // namespace vernier

#include "vernier/Interfaces/ContractionOpInterface.h.inc"

#endif // VERNIER_INTERFACES_CONTRACTIONOPINTERFACE_H
