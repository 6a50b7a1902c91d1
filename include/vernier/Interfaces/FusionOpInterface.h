//===- FusionOpInterface.h - How an op takes part in fusions
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_FUSIONOPINTERFACE_H
#define VERNIER_INTERFACES_FUSIONOPINTERFACE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

namespace vernier {

/// How the fusion planner sees an op.
enum class FusionKind {
  Elementwise, ///< One result element from the operand elements at its index.
  Reduction,   ///< train.reduce.
  Composite,   ///< Expands into elementwise ops and reductions.
  Contraction, ///< A library call with an epilogue.
  Call,        ///< A runtime call of its own: transposes, pooling.
  Opaque,      ///< Neither fuses nor expands.
};
} // namespace vernier

#include "vernier/Interfaces/FusionOpInterface.h.inc"

#endif // VERNIER_INTERFACES_FUSIONOPINTERFACE_H
