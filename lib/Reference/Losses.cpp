//===- Losses.cpp - Cross entropy, squared error, binary cross entropy
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "Rows.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include <cmath>

using namespace mlir;

namespace vernier::reference {

static double combine(ArrayRef<double> losses, train::Reduction reduction) {
  double average = mean(losses);
  return reduction == train::Reduction::Mean ? average
                                             : average * losses.size();
}

/// The loss of one row of scores.
static double getCrossEntropy(ArrayRef<double> logits, int64_t label,
                              double smoothing) {
  double normalizer = logSumExp(logits);
  double smoothed = 0.0;
  if (smoothing > 0.0)
    for (double logit : logits)
      smoothed += smoothing / logits.size() * (logit - normalizer);
  return -(1.0 - smoothing) * (logits[label] - normalizer) - smoothed;
}

static LogicalResult evaluateCrossEntropy(train::CrossEntropyOp op,
                                          Invocation &in) {
  const Tensor &logits = in.operand(0);
  std::vector<double> losses(logits.rows());
  for (int64_t row = 0, rows = logits.rows(); row < rows; ++row) {
    int64_t label = in.operand(1).elements[row];
    if (label < 0 || label >= logits.columns())
      return op.emitOpError("label ")
             << label << " of row " << row << " is not in [0, "
             << logits.columns() << "); check the data";
    losses[row] = getCrossEntropy(getRow(logits, row), label,
                                  op.getLabelSmoothing().convertToDouble());
  }
  in.result().elements[0] = combine(losses, op.getReduction());
  return success();
}

/// Registers a loss that combines `function(input, target)` of all elements.
template <typename OpTy>
static void addPairLoss(OpTable &table, double (*function)(double, double)) {
  table.add<OpTy>([function](OpTy op, Invocation &in) {
    std::vector<double> losses(in.operand(0).size());
    for (size_t i = 0; i < losses.size(); ++i)
      losses[i] =
          function(in.operand(0).elements[i], in.operand(1).elements[i]);
    in.result().elements[0] = combine(losses, op.getReduction());
  });
}

void addLosses(OpTable &table) {
  table.add<train::CrossEntropyOp>(evaluateCrossEntropy);
  addPairLoss<train::MseLossOp>(
      table, [](double x, double t) { return (x - t) * (x - t); });
  addPairLoss<train::BceWithLogitsLossOp>(table, [](double x, double t) {
    return std::fmax(x, 0.0) - x * t + std::log1p(std::exp(-std::fabs(x)));
  });
}

} // namespace vernier::reference
