//===- AmpExpansions.cpp - What the composites of the amp dialect mean
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/IR/AmpDialect.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace vernier::amp;

#define NO_EXPANSION(OP)                                                       \
  FailureOr<SmallVector<Value>> OP::expand(OpBuilder &) { return failure(); }
NO_EXPANSION(ScaleOp)
NO_EXPANSION(UnscaleOp)
NO_EXPANSION(AllFiniteOp)
NO_EXPANSION(GateOp)
NO_EXPANSION(UpdateScaleOp)
