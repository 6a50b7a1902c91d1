//===- TrainStatistics.cpp - How many values statistics are of
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainStatistics.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Interfaces/StatisticsOpInterface.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

static RankedTensorType getInputType(Operation *op) {
  return cast<RankedTensorType>(op->getOperand(0).getType());
}

namespace {

/// Statistics of each row: norms over the last dim, softmax and its losses.
template <typename OpT>
struct RowModel : StatisticsOpInterface::ExternalModel<RowModel<OpT>, OpT> {
  int64_t getStatisticsCount(Operation *op) const {
    return getInputType(op).getShape().back();
  }
};

/// Statistics of each channel over the batch.
struct BatchNormModel
    : StatisticsOpInterface::ExternalModel<BatchNormModel, BatchNormOp> {
  int64_t getStatisticsCount(Operation *op) const {
    RankedTensorType type = getInputType(op);
    return type.getNumElements() / type.getShape().back();
  }
};

/// Statistics of each sample and group of channels.
struct GroupNormModel
    : StatisticsOpInterface::ExternalModel<GroupNormModel, GroupNormOp> {
  int64_t getStatisticsCount(Operation *op) const {
    RankedTensorType type = getInputType(op);
    int64_t sample = type.getNumElements() / type.getShape().front();
    return sample / int64_t(cast<GroupNormOp>(op).getGroups());
  }
};

} // namespace

template <typename... OpTs> static void attachRows(MLIRContext &context) {
  (OpTs::template attachInterface<RowModel<OpTs>>(context), ...);
}

void vernier::train::attachStatisticsModels(MLIRContext &context) {
  attachRows<SoftmaxOp, LogSoftmaxOp, LayerNormOp, RmsNormOp, CrossEntropyOp>(
      context);
  BatchNormOp::attachInterface<BatchNormModel>(context);
  GroupNormOp::attachInterface<GroupNormModel>(context);
}
