//===- ContractionRanges.cpp - Bounds of sums of products
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A device with bf16 dot products reads subnormal operands as zero and writes
// subnormal sums as zero; one that computes bf16 products in f32 does not. The
// bounds hold for both.
//
//===----------------------------------------------------------------------===//

#include "RangeModel.h"

#include "vernier/Dialect/Train/IR/Convolution.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

/// `x`, or `x` with what is subnormal in bf16 as zero.
static Interval flushed(const Interval &x) {
  double tiny = kRangeBf16.getSmallestNormal();
  Interval result = x;
  if (x.low > 0 && x.low < tiny)
    result.low = 0;
  if (x.high < 0 && x.high > -tiny)
    result.high = 0;
  return result;
}

/// A sum of `k` terms each of which, and each partial sum of which, may become
/// zero if it is subnormal.
static Interval flushedSum(const Interval &terms, int64_t k,
                           const FloatRange &accumulator) {
  Interval result = sum(terms, k, accumulator);
  double lost = double(k) * kRangeBf16.getSmallestNormal();
  result.low =
      terms.low >= 0 ? std::max(0.0, result.low - lost) : result.low - lost;
  result.high =
      terms.high <= 0 ? std::min(0.0, result.high + lost) : result.high + lost;
  // What is left is normal, or zero.
  result.smallest = std::min(result.smallest, kRangeBf16.getSmallestNormal());
  return result;
}

/// Of `k` products, whatever their places.
template <typename OpT>
static Interval contract(OpT op, Interval lhs, Interval rhs, int64_t k) {
  Operation *base = op;
  bool isBf16 = getElementTypeOrSelf(base->getOperand(0).getType()).isBF16();
  if (op.getTf32()) {
    // Rounded to 10 mantissa bits.
    lhs = lhs.widened(0x1p-11);
    rhs = rhs.widened(0x1p-11);
  }
  FloatRange format = kRangeF32;
  if (op.getAccumulateType())
    format = getFloatRange(*op.getAccumulateType()).value_or(kRangeF32);
  if (isBf16)
    return flushedSum(flushed(lhs) * flushed(rhs), k, format);
  return sum(lhs * rhs, k, format);
}

/// A matrix product, with its bias and its epilogue.
template <typename OpT>
static Interval multiply(OpT op, const Interval &lhs, const Interval &rhs,
                         std::optional<Interval> bias) {
  auto contraction = cast<ContractionOpInterface>(op.getOperation());
  int64_t k = contraction.getContractionDims().k;
  Interval result = contract(op, lhs, rhs, k);
  // The bias may be the first term of the rounded sum or the last.
  if (bias && !bias->isZero()) {
    double error = bias->getMagnitude() * double(k) * 0x1p-23;
    result = result + *bias;
    result.low -= error;
    result.high += error;
    result = result.rounded(kRangeF32);
  }
  if (op.getEpilogue() == Epilogue::Relu)
    result = maximum(result, Interval::exactly(0));
  return result;
}

INFER(MatmulOp) { results[0] = multiply(op, x[0], x[1], std::nullopt); }

INFER(LinearOp) {
  std::optional<Interval> bias;
  if (op.getBias())
    bias = x[2];
  results[0] = multiply(op, x[0], x[1], bias);
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// `k` products are summed for an element. Beyond the edge of an image a term
/// is missing: zero.
template <typename OpT>
static Interval convolve(OpT op, ArrayRef<Interval> x, int64_t k) {
  return contract(op, x[0].joined(Interval::exactly(0)), x[1], k);
}

static int64_t getDepth(ContractionOpInterface op) {
  return op.getContractionDims().k;
}

INFER(Conv2dOp) { results[0] = convolve(op, x, getDepth(op)); }
INFER(Conv2dInputGradientOp) {
  // The product that does the same work has a column for each place of the
  // kernel, (KH, KW), which are summed, too.
  RankedTensorType weight = op.getConvolution().weight;
  int64_t places = weight.getDimSize(1) * weight.getDimSize(2);
  results[0] = convolve(op, x, getDepth(op) * places);
}
INFER(Conv2dWeightGradientOp) { results[0] = convolve(op, x, getDepth(op)); }

void vernier::train::attachContractionRanges(MLIRContext &context) {
  attachRanges<MatmulOp, LinearOp, Conv2dOp, Conv2dInputGradientOp,
               Conv2dWeightGradientOp>(context);
}
