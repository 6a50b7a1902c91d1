//===- Indices.cpp - Indices, rows by index, dropout
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

static void evaluateIota(train::IotaOp, Invocation &in) {
  for (auto [index, element] : llvm::enumerate(in.result().elements))
    element = index;
}

/// The first of the largest; the first NaN if there is one.
static int64_t findLargest(ArrayRef<double> row) {
  size_t best = 0;
  for (size_t i = 1; i < row.size(); ++i)
    if (!std::isnan(row[best]) && !(row[i] <= row[best]))
      best = i;
  return best;
}

static void evaluateArgmax(train::ArgmaxOp, Invocation &in) {
  for (auto [row, element] : llvm::enumerate(in.result().elements))
    element = findLargest(getRow(in.operand(0), row));
}

static void evaluateAccuracy(train::AccuracyOp, Invocation &in) {
  const std::vector<double> &labels = in.operand(1).elements;
  double correct = 0.0;
  for (auto [row, label] : llvm::enumerate(labels))
    correct += findLargest(getRow(in.operand(0), row)) == label;
  in.result().elements[0] = correct / labels.size();
}

/// Calls `visit(row, index)` for the rows whose index is inside of a table.
template <typename Visit>
static void forEachRow(const Tensor &indices, int64_t rows, Visit visit) {
  for (auto [row, index] : llvm::enumerate(indices.elements))
    if (index >= 0 && index < rows)
      visit(int64_t(row), int64_t(index));
}

static void evaluateGather(train::GatherOp, Invocation &in) {
  const Tensor &source = in.operand(0);
  int64_t length = source.size() / source.shape[0];
  forEachRow(in.operand(1), source.shape[0], [&](int64_t row, int64_t index) {
    for (int64_t i = 0; i < length; ++i)
      in.result().elements[row * length + i] =
          source.elements[index * length + i];
  });
}

static void evaluateScatterAdd(train::ScatterAddOp, Invocation &in) {
  Tensor &result = in.result();
  int64_t length = result.size() / result.shape[0];
  forEachRow(in.operand(1), result.shape[0], [&](int64_t row, int64_t index) {
    for (int64_t i = 0; i < length; ++i)
      result.elements[index * length + i] +=
          in.operand(0).elements[row * length + i];
  });
}

/// Philox2x32-10 of Salmon et al. 2011; the first word.
static uint32_t philox(uint32_t low, uint32_t high, uint32_t key) {
  for (int round = 0; round < 10; ++round, key += 0x9E3779B9u) {
    uint64_t product = uint64_t(0xD256D193u) * low;
    low = uint32_t(product >> 32) ^ key ^ high;
    high = uint32_t(product);
  }
  return low;
}

static void evaluateDropout(train::DropoutOp op, Invocation &in) {
  double rate = op.getRate().convertToDouble();
  auto step = uint32_t(int64_t(in.operand(1).elements[0]));
  for (auto [index, element] : llvm::enumerate(in.result().elements)) {
    bool isKept = philox(index, step, uint32_t(op.getSeed())) >=
                  std::floor(rate * 4294967296.0);
    element = isKept ? in.operand(0).elements[index] / (1.0 - rate) : 0.0;
  }
}

void addIndices(OpTable &table) {
  table.add<train::IotaOp>(evaluateIota);
  table.add<train::ArgmaxOp>(evaluateArgmax);
  table.add<train::AccuracyOp>(evaluateAccuracy);
  table.add<train::GatherOp>(evaluateGather);
  table.add<train::ScatterAddOp>(evaluateScatterAdd);
  table.add<train::DropoutOp>(evaluateDropout);
}

} // namespace vernier::reference
