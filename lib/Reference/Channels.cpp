//===- Channels.cpp - Normalisation of channels
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

namespace {

struct Statistics {
  double mean = 0.0, variance = 0.0;
};

} // namespace

/// Mean and biased variance of the elements for which `isMember(index)`.
template <typename IsMember>
static Statistics measure(const Tensor &x, IsMember isMember) {
  Statistics s;
  int64_t count = 0;
  for (int64_t i = 0; i < x.size(); ++i)
    if (isMember(i)) {
      s.mean += x.elements[i];
      ++count;
    }
  s.mean /= count;
  for (int64_t i = 0; i < x.size(); ++i)
    if (isMember(i))
      s.variance += (x.elements[i] - s.mean) * (x.elements[i] - s.mean) / count;
  return s;
}

/// Element i of the normalised result, in channel c.
static double normalize(Invocation &in, int64_t i, int64_t c, Statistics s,
                        double epsilon) {
  return (in.operand(0).elements[i] - s.mean) /
             std::sqrt(s.variance + epsilon) * in.operand(1).elements[c] +
         in.operand(2).elements[c];
}

static void evaluateBatchNorm(train::BatchNormOp op, Invocation &in) {
  const Tensor &x = in.operand(0);
  double epsilon = op.getEpsilon().convertToDouble(),
         momentum = op.getMomentum().convertToDouble();
  int64_t channels = x.columns(), rows = x.rows();
  for (int64_t c = 0; c < channels; ++c) {
    Statistics s = measure(x, [&](int64_t i) { return i % channels == c; });
    for (int64_t i = c; i < x.size(); i += channels)
      in.result().elements[i] = normalize(in, i, c, s, epsilon);
    double unbiased = rows > 1 ? s.variance * rows / (rows - 1) : s.variance;
    in.result(1).elements[c] =
        (1.0 - momentum) * in.operand(3).elements[c] + momentum * s.mean;
    in.result(2).elements[c] =
        (1.0 - momentum) * in.operand(4).elements[c] + momentum * unbiased;
  }
}

static void evaluateBatchNormInference(train::BatchNormInferenceOp op,
                                       Invocation &in) {
  for (int64_t i = 0, e = in.result().size(); i < e; ++i) {
    int64_t c = i % in.result().columns();
    Statistics s{in.operand(3).elements[c], in.operand(4).elements[c]};
    in.result().elements[i] =
        normalize(in, i, c, s, op.getEpsilon().convertToDouble());
  }
}

static void evaluateGroupNorm(train::GroupNormOp op, Invocation &in) {
  const Tensor &x = in.operand(0);
  int64_t groups = op.getGroups(), width = x.columns() / groups,
          sample = x.size() / x.shape[0];
  auto groupOf = [&](int64_t i) {
    return i / sample * groups + i % x.columns() / width;
  };
  for (int64_t group = 0; group < x.shape[0] * groups; ++group) {
    auto isMember = [&](int64_t i) { return groupOf(i) == group; };
    Statistics s = measure(x, isMember);
    for (int64_t i = 0; i < x.size(); ++i)
      if (isMember(i))
        in.result().elements[i] = normalize(in, i, i % x.columns(), s,
                                            op.getEpsilon().convertToDouble());
  }
}

void addChannels(OpTable &table) {
  table.add<train::BatchNormOp>(evaluateBatchNorm);
  table.add<train::BatchNormInferenceOp>(evaluateBatchNormInference);
  table.add<train::GroupNormOp>(evaluateGroupNorm);
}

} // namespace vernier::reference
