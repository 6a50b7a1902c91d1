//===- TrainExpansions.cpp - What the composites of the train dialect mean
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/IR/TrainDialect.h"

using namespace mlir;
using namespace vernier::train;

#define NO_EXPANSION(OP)                                                       \
  FailureOr<SmallVector<Value>> OP::expand(OpBuilder &) { return failure(); }
NO_EXPANSION(ReluOp)
NO_EXPANSION(GeluOp)
NO_EXPANSION(SiluOp)
NO_EXPANSION(SigmoidOp)
NO_EXPANSION(SoftmaxOp)
NO_EXPANSION(LogSoftmaxOp)
NO_EXPANSION(LayerNormOp)
NO_EXPANSION(RmsNormOp)
NO_EXPANSION(CrossEntropyOp)
NO_EXPANSION(MseLossOp)
NO_EXPANSION(BceWithLogitsLossOp)
NO_EXPANSION(SeedOp)
NO_EXPANSION(ClipByGlobalNormOp)
NO_EXPANSION(LearningRateOp)
NO_EXPANSION(UpdateOp)
