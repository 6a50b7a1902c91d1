//===- ImageCallVerifier.cpp - Checks of convolutions, pools and gathers
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/CallVerifier.h"
#include "Runtime/Plan.h"

using namespace vernier;
using namespace vernier::runtime;

using Numbers = flatbuffers::Vector<uint32_t>;

/// Extents and steps stay below this, so that no sum of them overflows.
static constexpr int64_t kMaxExtent = int64_t(1) << 30;

static bool areWithin(const Numbers &numbers, unsigned count, uint32_t least) {
  for (uint32_t number : numbers)
    if (number < least || number > kMaxExtent)
      return false;
  return numbers.size() == count;
}

static bool isImage(const schema::Buffer &buffer) {
  for (int64_t extent : *buffer.shape())
    if (extent > kMaxExtent)
      return false;
  return buffer.shape()->size() == 4;
}

/// The number of places of a window over an extent; 0 if it does not fit.
static int64_t countPlaces(int64_t extent, int64_t window, int64_t dilation,
                           int64_t stride, int64_t padding) {
  int64_t room = extent + padding - dilation * (window - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

static Status verifyConvolutionTypes(schema::DType lhs, schema::DType rhs,
                                     schema::DType result) {
  using schema::DType;
  bool isF32 = lhs == DType::f32 && rhs == DType::f32 && result == DType::f32;
  bool isBf16 = lhs == DType::bf16 && rhs == DType::bf16 &&
                (result == DType::bf16 || result == DType::f32);
  if (!isF32 && !isBf16)
    return bad("a convolution of ", nameOf(toDType(lhs)), " and ",
               nameOf(toDType(rhs)), " to ", nameOf(toDType(result)),
               " is not supported");
  return {};
}

Status
vernier::runtime::verifyConvolution(const schema::Convolution &convolution,
                                    const CallBuffers &buffers) {
  using Kind = schema::ConvolutionKind;
  Kind kind = convolution.kind();
  if (kind != Kind::output && kind != Kind::image && kind != Kind::weight)
    return bad("an unknown kind of convolution");
  const schema::Buffer *lhs = buffers.inputs[0], *rhs = buffers.inputs[1],
                       *result = buffers.results[0];
  const schema::Buffer *image = kind == Kind::image ? result : lhs,
                       *weight = kind == Kind::weight ? result : rhs,
                       *output = kind == Kind::output  ? result
                                 : kind == Kind::image ? lhs
                                                       : rhs;
  VERNIER_TRY(
      verifyConvolutionTypes(lhs->dtype(), rhs->dtype(), result->dtype()));
  const Numbers &strides = *convolution.strides(),
                &padding = *convolution.padding(),
                &dilation = *convolution.dilation();
  if (!isImage(*image) || !isImage(*weight) || !isImage(*output) ||
      !areWithin(strides, 2, 1) || !areWithin(padding, 4, 0) ||
      !areWithin(dilation, 2, 1) || convolution.tile() < 1 ||
      convolution.tile() > kMaxExtent)
    return bad("its buffers are no images, or a stride, padding, dilation or "
               "tile is out of range");
  const auto &x = *image->shape(), &w = *weight->shape(), &y = *output->shape();
  int64_t groups = convolution.groups();
  if (groups < 1 || x[3] % groups || w[0] % groups || w[3] != x[3] / groups ||
      y[0] != x[0] || y[3] != w[0])
    return bad("channels, images and ", groups, " groups do not agree");
  for (int dim : {0, 1}) {
    int64_t places =
        countPlaces(x[dim + 1], w[dim + 1], dilation[dim], strides[dim],
                    int64_t(padding[dim]) + padding[dim + 2]);
    if (y[dim + 1] != places)
      return bad("extent ", dim + 1, " of its output is ", y[dim + 1],
                 ", expected ", places);
  }
  if (overlap(*result, *lhs) || overlap(*result, *rhs))
    return bad("its result overlaps an operand");
  return {};
}

/// Every window has a pixel of the image in it.
static Status verifyWindows(const schema::Pool &pool, int64_t extent,
                            int64_t places, int dim) {
  const Numbers &window = *pool.window();
  if (window.size() == 0)
    return places <= extent ? Status() : bad("it has more windows than pixels");
  int64_t before = (*pool.padding())[dim], after = (*pool.padding())[dim + 2],
          stride = (*pool.strides())[dim];
  int64_t expected =
      countPlaces(extent, window[dim], 1, stride, before + after);
  if (before >= window[dim] || after >= window[dim] || places != expected ||
      (places - 1) * stride - before >= extent)
    return bad("extent ", dim + 1, " of its pooled image is ", places,
               ", expected ", expected);
  return {};
}

Status vernier::runtime::verifyPool(const schema::Pool &pool,
                                    const CallBuffers &buffers) {
  using Kind = schema::PoolKind;
  const schema::Buffer *source = buffers.inputs[0],
                       *result = buffers.results[0];
  bool readsImage = buffers.inputs.size() > 1;
  bool isMax = pool.kind() == Kind::max;
  if (!isMax && pool.kind() != Kind::average)
    return bad("an unknown kind of pool");
  if (readsImage != (isMax && pool.gradient()))
    return bad("only the gradient of max reads the image");
  const Numbers &window = *pool.window();
  if (!isImage(*source) || !isImage(*result) ||
      !areWithin(window, window.size() == 0 ? 0 : 2, 1) ||
      !areWithin(*pool.strides(), 2, 1) || !areWithin(*pool.padding(), 4, 0))
    return bad("its buffers are no images, or a window, stride or padding is "
               "out of range");
  schema::DType dtype = source->dtype();
  bool isFloat = dtype == schema::DType::f32 || dtype == schema::DType::bf16 ||
                 dtype == schema::DType::f16;
  if (!isFloat || result->dtype() != dtype)
    return bad("pooling ", nameOf(toDType(dtype)), " to ",
               nameOf(toDType(result->dtype())), " is not supported");
  const auto &large = pool.gradient() ? *result->shape() : *source->shape(),
             &small = pool.gradient() ? *source->shape() : *result->shape();
  if (large[0] != small[0] || large[3] != small[3])
    return bad("images or channels do not agree");
  for (int dim : {0, 1})
    VERNIER_TRY(verifyWindows(pool, large[dim + 1], small[dim + 1], dim));
  if (readsImage) {
    const schema::Buffer *image = buffers.inputs[1];
    bool isSame = image->dtype() == dtype && image->shape()->size() == 4;
    for (unsigned i = 0; isSame && i < 4; ++i)
      isSame = (*image->shape())[i] == (*result->shape())[i];
    if (!isSame)
      return bad("its image is not as its result");
    if (overlap(*result, *image))
      return bad("its result overlaps its image");
  }
  if (overlap(*result, *source))
    return bad("its result overlaps its source");
  return {};
}

Status vernier::runtime::verifyGather(const schema::Gather &gather,
                                      const CallBuffers &buffers) {
  using schema::DType;
  const schema::Buffer *source = buffers.inputs[0],
                       *indices = buffers.inputs[1],
                       *result = buffers.results[0];
  auto isFloat = [](DType dtype) {
    return dtype == DType::f32 || dtype == DType::bf16 || dtype == DType::f16;
  };
  if ((indices->dtype() != DType::i32 && indices->dtype() != DType::i64) ||
      !isFloat(source->dtype()) || !isFloat(result->dtype()) ||
      (!gather.add() && source->dtype() != result->dtype()))
    return bad("gathering ", nameOf(toDType(source->dtype())), " to ",
               nameOf(toDType(result->dtype())), " by ",
               nameOf(toDType(indices->dtype())), " is not supported");
  auto count = [](const schema::Buffer &buffer) {
    return getBytes(buffer) / sizeOf(toDType(buffer.dtype()));
  };
  uint64_t table = count(gather.add() ? *result : *source),
           rows = count(gather.add() ? *source : *result);
  if (gather.rows() < 1 || table % gather.rows() ||
      rows % (table / gather.rows()) ||
      rows / (table / gather.rows()) != count(*indices))
    return bad(gather.rows(), " rows of ", table, " elements and ",
               count(*indices), " indices do not agree with ", rows,
               " elements");
  if (overlap(*result, *source) || overlap(*result, *indices))
    return bad("its result overlaps an operand");
  return {};
}
