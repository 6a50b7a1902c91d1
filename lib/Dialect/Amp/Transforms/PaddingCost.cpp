//===- PaddingCost.cpp - Whether padding a contraction pays
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PaddingCost.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

double
vernier::amp::estimateSeconds(const TargetModel &target, Type operandType,
                              double flops,
                              const std::array<TensorTraffic, 3> &tensors) {
  auto slowdown = [&](const TensorTraffic &tensor) {
    return tensor.isAligned ? 1.0 : target.getMisalignedSlowdown();
  };
  double products = flops / target.getTensorCoreRate(operandType) *
                    (slowdown(tensors[0]) + slowdown(tensors[1])) / 2;
  double bytes = 0, copied = 0;
  for (const TensorTraffic &tensor : tensors) {
    bytes += tensor.bytes * slowdown(tensor);
    copied += tensor.copiedBytes;
  }
  double bandwidth = target.getMemoryBandwidth();
  return std::max(products, bytes / bandwidth) + copied / bandwidth;
}

double vernier::amp::estimateSeconds(const TargetModel &target,
                                     const PaddingProblem &problem, int64_t m,
                                     int64_t n, int64_t k) {
  const ContractionDims &dims = problem.dims;
  double batch = dims.batch, rhsBatch = dims.sharedRhs ? 1 : batch;
  double operandBytes = problem.operandBytes;
  auto describe = [&](double bytes, double realBytes, int64_t columns,
                      bool isCopied) {
    bool isChanged = bytes != realBytes;
    return TensorTraffic{bytes, columns % problem.multiple == 0,
                         isCopied && isChanged ? bytes + realBytes : 0};
  };
  return estimateSeconds(
      target, problem.operandType, 2 * batch * m * n * k,
      {describe(batch * m * k * operandBytes,
                batch * dims.m * dims.k * operandBytes,
                dims.transposeLhs ? m : k, problem.copiesLhs),
       describe(rhsBatch * k * n * operandBytes,
                rhsBatch * dims.k * dims.n * operandBytes,
                dims.transposeRhs ? k : n, problem.copiesRhs),
       describe(batch * m * n * problem.resultBytes,
                batch * dims.m * dims.n * problem.resultBytes, n,
                problem.copiesResult)});
}

PaddedExtents vernier::amp::choosePadding(const TargetModel &target,
                                          const PaddingProblem &problem) {
  const ContractionDims &dims = problem.dims;
  auto choices = [&](int64_t extent, bool isLeading) {
    SmallVector<int64_t, 2> result = {extent};
    int64_t padded = llvm::alignTo(extent, problem.multiple);
    if (isLeading && extent > 1 && padded != extent)
      result.push_back(padded);
    return result;
  };
  bool kIsLeading = !dims.transposeLhs || dims.transposeRhs;
  PaddedExtents real{dims.m, dims.n, dims.k,
                     estimateSeconds(target, problem, dims.m, dims.n, dims.k)};
  PaddedExtents best = real;
  for (int64_t m : choices(dims.m, dims.transposeLhs))
    for (int64_t n : choices(dims.n, true))
      for (int64_t k : choices(dims.k, kIsLeading)) {
        double seconds = estimateSeconds(target, problem, m, n, k);
        if (seconds < best.seconds)
          best = {m, n, k, seconds};
      }
  return paysOff(best.seconds, real.seconds) ? best : real;
}
