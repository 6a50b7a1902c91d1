//===- TrainVjps.cpp - The vjps of the train ops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/IR/TrainDialect.h"

using namespace mlir;
using namespace vernier::train;

#define NO_VJP(OP)                                                             \
  LogicalResult OP::buildVjp(OpBuilder &, ArrayRef<Value>, ArrayRef<bool>,     \
                             MutableArrayRef<Value>) {                         \
    return failure();                                                          \
  }
NO_VJP(MatmulOp)
NO_VJP(LinearOp)
NO_VJP(ReluOp)
NO_VJP(GeluOp)
NO_VJP(SiluOp)
NO_VJP(SigmoidOp)
NO_VJP(SoftmaxOp)
NO_VJP(LogSoftmaxOp)
NO_VJP(LayerNormOp)
NO_VJP(RmsNormOp)
NO_VJP(CrossEntropyOp)
NO_VJP(MseLossOp)
NO_VJP(BceWithLogitsLossOp)
NO_VJP(BroadcastOp)
NO_VJP(ReduceOp)
NO_VJP(TransposeOp)
