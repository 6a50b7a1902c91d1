//===- Normalizations.cpp - Softmax, layer norm, rms norm
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

double logSumExp(ArrayRef<double> row) {
  double maximum = -HUGE_VAL;
  for (double value : row)
    maximum = std::fmax(maximum, value);
  double sum = 0.0;
  for (double value : row)
    sum += std::exp(value - maximum);
  return maximum + std::log(sum);
}

double mean(ArrayRef<double> row) {
  double sum = 0.0;
  for (double value : row)
    sum += value;
  return sum / row.size();
}

static void evaluateLogSoftmax(ArrayRef<double> row,
                               MutableArrayRef<double> out) {
  double normalizer = logSumExp(row);
  for (auto [value, result] : llvm::zip_equal(row, out))
    result = value - normalizer;
}

static void evaluateSoftmax(ArrayRef<double> row, MutableArrayRef<double> out) {
  double normalizer = logSumExp(row);
  for (auto [value, result] : llvm::zip_equal(row, out))
    result = std::exp(value - normalizer);
}

/// Registers an op whose `function` maps each row of its operand to a row.
template <typename OpTy>
static void addRows(OpTable &table, void (*function)(ArrayRef<double>,
                                                     MutableArrayRef<double>)) {
  table.add<OpTy>([function](OpTy, Invocation &in) {
    for (int64_t row = 0, rows = in.result().rows(); row < rows; ++row)
      function(getRow(in.operand(0), row), getRow(in.result(), row));
  });
}

static void evaluateLayerNorm(train::LayerNormOp op, Invocation &in) {
  const std::vector<double> &scale = in.operand(1).elements;
  const std::vector<double> &bias = in.operand(2).elements;
  double epsilon = op.getEpsilon().convertToDouble();
  for (int64_t row = 0, rows = in.result().rows(); row < rows; ++row) {
    ArrayRef<double> x = getRow(in.operand(0), row);
    MutableArrayRef<double> y = getRow(in.result(), row);
    double center = mean(x), variance = 0.0;
    for (double value : x)
      variance += (value - center) * (value - center) / x.size();
    for (size_t c = 0; c < x.size(); ++c)
      y[c] =
          (x[c] - center) / std::sqrt(variance + epsilon) * scale[c] + bias[c];
  }
}

static void evaluateRmsNorm(train::RmsNormOp op, Invocation &in) {
  const std::vector<double> &scale = in.operand(1).elements;
  double epsilon = op.getEpsilon().convertToDouble();
  for (int64_t row = 0, rows = in.result().rows(); row < rows; ++row) {
    ArrayRef<double> x = getRow(in.operand(0), row);
    MutableArrayRef<double> y = getRow(in.result(), row);
    double square = 0.0;
    for (double value : x)
      square += value * value / x.size();
    for (size_t c = 0; c < x.size(); ++c)
      y[c] = x[c] / std::sqrt(square + epsilon) * scale[c];
  }
}

void addNormalizations(OpTable &table) {
  addRows<train::SoftmaxOp>(table, evaluateSoftmax);
  addRows<train::LogSoftmaxOp>(table, evaluateLogSoftmax);
  table.add<train::LayerNormOp>(evaluateLayerNorm);
  table.add<train::RmsNormOp>(evaluateRmsNorm);
}

} // namespace vernier::reference
