//===- Images.cpp - Convolutions and pooling
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Reference/Rounding.h"

#include <cmath>

using namespace mlir;

namespace vernier::reference {

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// Calls `visit(image, weight, output)` with the three linear indices of each
/// product that is not with padding, in row-major order of output, then weight.
template <typename Visit>
static void forEachProduct(const train::Convolution &c, Visit visit) {
  ArrayRef<int64_t> image = c.image.getShape(), weight = c.weight.getShape(),
                    output = c.output.getShape();
  int64_t outputs = output[3], groupOutputs = outputs / c.groups,
          groupChannels = weight[3];
  for (int64_t out = 0, e = c.output.getNumElements(); out < e; ++out) {
    int64_t o = out % outputs, q = out / outputs % output[2],
            p = out / outputs / output[2] % output[1],
            n = out / outputs / output[2] / output[1];
    for (int64_t i = 0; i < weight[1]; ++i)
      for (int64_t j = 0; j < weight[2]; ++j) {
        int64_t h = p * c.strides[0] + i * c.dilation[0] - c.padding[0],
                w = q * c.strides[1] + j * c.dilation[1] - c.padding[1];
        if (h < 0 || h >= image[1] || w < 0 || w >= image[2])
          continue;
        int64_t pixel = ((n * image[1] + h) * image[2] + w) * image[3] +
                        o / groupOutputs * groupChannels,
                tap = ((o * weight[1] + i) * weight[2] + j) * groupChannels;
        for (int64_t channel = 0; channel < groupChannels; ++channel)
          visit(pixel + channel, tap + channel, out);
      }
  }
}

static std::vector<double> readOperand(const Invocation &in, unsigned index,
                                       bool tf32) {
  std::vector<double> elements = in.operand(index).elements;
  bool flushes = isBf16DotProduct(in);
  for (double &element : elements) {
    if (tf32)
      element = round(element, kTf32);
    if (flushes)
      element = flushSubnormal(element);
  }
  return elements;
}

/// `add(result, lhs, rhs)` is one product; sums are rounded to the accumulate
/// type once at their end.
template <typename OpTy>
static void evaluateConvolution(OpTy op, Invocation &in) {
  bool isTf32 = op.getTf32() && !in.exact;
  std::vector<double> lhs = readOperand(in, 0, isTf32),
                      rhs = readOperand(in, 1, isTf32);
  std::vector<double> &sums = in.result().elements;
  forEachProduct(
      op.getConvolution(), [&](int64_t image, int64_t weight, int64_t output) {
        if constexpr (std::is_same_v<OpTy, train::Conv2dOp>)
          sums[output] += lhs[image] * rhs[weight];
        else if constexpr (std::is_same_v<OpTy, train::Conv2dInputGradientOp>)
          sums[image] += lhs[output] * rhs[weight];
        else
          sums[weight] += lhs[image] * rhs[output];
      });
  if (isBf16DotProduct(in))
    for (double &sum : sums)
      sum = flushSubnormal(static_cast<float>(sum));
  std::optional<Type> accumulate = op.getAccumulateType();
  if (accumulate && !in.exact)
    for (double &sum : sums)
      sum = roundToType(sum, *accumulate);
}

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

namespace {

/// The pixels [begin, end) of a window along one dim.
struct Range {
  int64_t begin, end;
};

} // namespace

template <typename OpTy>
static Range getRange(OpTy op, int dim, int64_t place, int64_t places,
                      int64_t extent) {
  if (op.getAdaptive())
    return {place * extent / places,
            ((place + 1) * extent + places - 1) / places};
  int64_t begin = place * op.getStrides()[dim] - op.getPadding()[dim];
  return {std::max<int64_t>(begin, 0),
          std::min(begin + op.getWindow()[dim], extent)};
}

/// Calls `visit(output, pixels)` for each window, with the linear indices of
/// its pixels in row-major order.
template <typename OpTy, typename Visit>
static void forEachWindow(OpTy op, ArrayRef<int64_t> image,
                          ArrayRef<int64_t> output, Visit visit) {
  SmallVector<int64_t> pixels;
  for (int64_t out = 0, e = ShapedType::getNumElements(output); out < e;
       ++out) {
    int64_t c = out % output[3], q = out / output[3] % output[2],
            p = out / output[3] / output[2] % output[1],
            n = out / output[3] / output[2] / output[1];
    Range rows = getRange(op, 0, p, output[1], image[1]),
          columns = getRange(op, 1, q, output[2], image[2]);
    pixels.clear();
    for (int64_t h = rows.begin; h < rows.end; ++h)
      for (int64_t w = columns.begin; w < columns.end; ++w)
        pixels.push_back(((n * image[1] + h) * image[2] + w) * image[3] + c);
    visit(out, pixels);
  }
}

/// The first of the largest pixels; the first NaN if there is one.
static int64_t findLargest(const Tensor &image, ArrayRef<int64_t> pixels) {
  int64_t best = pixels.front();
  for (int64_t pixel : pixels) {
    double value = image.elements[pixel], largest = image.elements[best];
    if (!std::isnan(largest) && (value > largest || std::isnan(value)))
      best = pixel;
  }
  return best;
}

static void evaluatePool2d(train::Pool2dOp op, Invocation &in) {
  const Tensor &image = in.operand(0);
  Tensor &result = in.result();
  forEachWindow(op, image.shape, result.shape,
                [&](int64_t out, ArrayRef<int64_t> pixels) {
                  if (op.getKind() == train::PoolKind::Max) {
                    result.elements[out] =
                        image.elements[findLargest(image, pixels)];
                    return;
                  }
                  double sum = 0.0;
                  for (int64_t pixel : pixels)
                    sum += image.elements[pixel];
                  result.elements[out] = sum / pixels.size();
                });
}

static void evaluatePool2dGradient(train::Pool2dGradientOp op, Invocation &in) {
  const Tensor &gradient = in.operand(0);
  Tensor &result = in.result();
  forEachWindow(op, result.shape, gradient.shape,
                [&](int64_t out, ArrayRef<int64_t> pixels) {
                  double g = gradient.elements[out];
                  if (op.getKind() == train::PoolKind::Max) {
                    result.elements[findLargest(in.operand(1), pixels)] += g;
                    return;
                  }
                  for (int64_t pixel : pixels)
                    result.elements[pixel] += g / pixels.size();
                });
}

void addImages(OpTable &table) {
  table.add<train::Conv2dOp>(evaluateConvolution<train::Conv2dOp>);
  table.add<train::Conv2dInputGradientOp>(
      evaluateConvolution<train::Conv2dInputGradientOp>);
  table.add<train::Conv2dWeightGradientOp>(
      evaluateConvolution<train::Conv2dWeightGradientOp>);
  table.add<train::Pool2dOp>(evaluatePool2d);
  table.add<train::Pool2dGradientOp>(evaluatePool2dGradient);
}

} // namespace vernier::reference
