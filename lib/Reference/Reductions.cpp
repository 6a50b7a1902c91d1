//===- Reductions.cpp - Sum, mean, maximum
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include <cmath>

using namespace mlir;

namespace vernier::reference {

/// max that keeps a NaN it has met.
static double keepMaximum(double best, double value) {
  return std::isnan(best) || best >= value ? best : value;
}

/// For each element of `shape` in order, the element of the result it adds to.
static std::vector<int64_t> getTargets(ArrayRef<int64_t> shape,
                                       ArrayRef<int64_t> reduced) {
  int64_t stride = 1, count = 1;
  SmallVector<int64_t> strides(shape.size(), 0);
  for (int64_t dim = int64_t(shape.size()) - 1; dim >= 0; --dim) {
    count *= shape[dim];
    if (llvm::is_contained(reduced, dim))
      continue;
    strides[dim] = stride;
    stride *= shape[dim];
  }
  std::vector<int64_t> targets(count, 0);
  for (int64_t i = 0; i < count; ++i)
    for (int64_t dim = int64_t(shape.size()) - 1, rest = i; dim >= 0; --dim) {
      targets[i] += rest % shape[dim] * strides[dim];
      rest /= shape[dim];
    }
  return targets;
}

static void evaluateReduce(train::ReduceOp op, Invocation &in) {
  const Tensor &input = in.operand(0);
  Tensor &result = in.result();
  bool isMax = op.getKind() == train::ReduceKind::Max;
  if (isMax)
    result.elements.assign(result.size(), -HUGE_VAL);
  std::vector<int64_t> targets = getTargets(input.shape, op.getDims());
  for (int64_t i = 0, e = input.size(); i < e; ++i) {
    double &target = result.elements[targets[i]];
    target = isMax ? keepMaximum(target, input.elements[i])
                   : target + input.elements[i];
  }
  if (op.getKind() != train::ReduceKind::Mean || !result.size())
    return;
  double count = double(input.size()) / result.size();
  for (double &element : result.elements)
    element /= count;
}

void addReductions(OpTable &table) {
  table.add<train::ReduceOp>(evaluateReduce);
}

} // namespace vernier::reference
