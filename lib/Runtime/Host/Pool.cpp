//===- Pool.cpp - Pooling of images
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// One image is one chunk of work: gradients of overlapping windows add up in
// the order of the windows, whatever the number of threads.
//
//===----------------------------------------------------------------------===//

#include "Runtime/Host/Elements.h"
#include "Runtime/Host/HostDevice.h"

#include <cmath>

using namespace vernier;
using namespace vernier::runtime;

namespace {

/// The pixels [begin, end) of a window along one dim.
struct Range {
  int64_t begin, end;
  int64_t length() const { return end - begin; }
};

class PoolExecutable : public Executable {
public:
  PoolExecutable(const schema::Call &call,
                 const std::vector<BoundBuffer> &buffers, int threads,
                 Workspace &workspace);
  Status run() override;

private:
  PoolExecutable(const schema::Pool &pool, const BoundBuffer &from,
                 const BoundBuffer &to, int threads, Workspace &workspace);
  Range getRange(int dim, int64_t place) const;
  /// Calls `visit(place, pixels' rows, columns)` for each window of an image.
  template <typename Visit> void forEachWindow(const Visit &visit) const;
  /// Pool image n, or give the gradients of its windows back.
  template <typename Element> void pool(int64_t n, float *sums) const;
  template <typename Element>
  void poolWindow(const typename Element::Storage *from,
                  typename Element::Storage *to, Range rows,
                  Range columns) const;
  template <typename Element>
  void giveToLargest(const typename Element::Storage *gradient,
                     const typename Element::Storage *values, float *sums,
                     Range rows, Range columns) const;
  template <typename Element>
  void giveToAll(const typename Element::Storage *gradient, float *sums,
                 Range rows, Range columns) const;

  bool isMax, isGradient;
  const uint8_t *source, *image = nullptr; ///< image: for gradients of max
  uint8_t *result;
  vernier_dtype_t dtype;
  std::vector<int64_t> large, small; ///< shapes of the image and the pooled one
  std::vector<int64_t> window, strides, padding;
  int64_t channels;
  int threads;
  Workspace &workspace;
  int64_t sumCount; ///< f32 sums that one thread keeps
};

} // namespace

PoolExecutable::PoolExecutable(const schema::Call &call,
                               const std::vector<BoundBuffer> &buffers,
                               int threads, Workspace &workspace)
    : PoolExecutable(*call.operation_as_Pool(), buffers[call.inputs()->Get(0)],
                     buffers[call.results()->Get(0)], threads, workspace) {
  if (call.inputs()->size() > 1)
    image = buffers[call.inputs()->Get(1)].data;
}

PoolExecutable::PoolExecutable(const schema::Pool &pool,
                               const BoundBuffer &from, const BoundBuffer &to,
                               int threads, Workspace &workspace)
    : isMax(pool.kind() == schema::PoolKind::max), isGradient(pool.gradient()),
      source(from.data), result(to.data), dtype(from.dtype),
      large(isGradient ? to.shape : from.shape),
      small(isGradient ? from.shape : to.shape),
      window(pool.window()->begin(), pool.window()->end()),
      strides(pool.strides()->begin(), pool.strides()->end()),
      padding(pool.padding()->begin(), pool.padding()->end()),
      channels(large[3]), threads(threads), workspace(workspace),
      sumCount(isGradient ? large[1] * large[2] * channels : 0) {
  workspace.reserve(threads * alignUp(sumCount * sizeof(float)));
}

Range PoolExecutable::getRange(int dim, int64_t place) const {
  int64_t extent = large[dim + 1], places = small[dim + 1];
  if (window.empty())
    return {place * extent / places,
            ((place + 1) * extent + places - 1) / places};
  int64_t begin = place * strides[dim] - padding[dim];
  return {std::max<int64_t>(begin, 0), std::min(begin + window[dim], extent)};
}

template <typename Visit>
void PoolExecutable::forEachWindow(const Visit &visit) const {
  for (int64_t p = 0; p < small[1]; ++p)
    for (int64_t q = 0; q < small[2]; ++q)
      visit(p * small[2] + q, getRange(0, p), getRange(1, q));
}

/// Channels are combined in blocks, so that what is kept of them stays in
/// registers or the first cache.
static constexpr int64_t kBlock = 64;

/// NaN wins: the comparison with it is false.
static float larger(float value, float than) {
  return value <= than || than != than ? than : value;
}

template <typename Element>
void PoolExecutable::poolWindow(const typename Element::Storage *from,
                                typename Element::Storage *to, Range rows,
                                Range columns) const {
  const float count = isMax ? 1.0f : float(rows.length() * columns.length());
  for (int64_t begin = 0; begin < channels; begin += kBlock) {
    const int64_t block = std::min(kBlock, channels - begin);
    float kept[kBlock];
    std::fill_n(kept, block, isMax ? -HUGE_VALF : 0.0f);
    for (int64_t h = rows.begin; h < rows.end; ++h)
      for (int64_t w = columns.begin; w < columns.end; ++w) {
        const auto *pixel = from + (h * large[2] + w) * channels + begin;
        if (isMax)
          for (int64_t c = 0; c < block; ++c)
            kept[c] = larger(Element::load(pixel[c]), kept[c]);
        else
          for (int64_t c = 0; c < block; ++c)
            kept[c] += Element::load(pixel[c]);
      }
    for (int64_t c = 0; c < block; ++c)
      to[begin + c] = Element::store(kept[c] / count);
  }
}

template <typename Element>
void PoolExecutable::giveToLargest(const typename Element::Storage *gradient,
                                   const typename Element::Storage *values,
                                   float *sums, Range rows,
                                   Range columns) const {
  for (int64_t begin = 0; begin < channels; begin += kBlock) {
    const int64_t block = std::min(kBlock, channels - begin);
    float largest[kBlock];
    int32_t best[kBlock]; // the pixel's number in the window
    std::fill_n(largest, block, -HUGE_VALF);
    std::fill_n(best, block, 0);
    int32_t number = 0;
    for (int64_t h = rows.begin; h < rows.end; ++h)
      for (int64_t w = columns.begin; w < columns.end; ++w, ++number) {
        const auto *pixel = values + (h * large[2] + w) * channels + begin;
        for (int64_t c = 0; c < block; ++c) {
          float value = Element::load(pixel[c]), than = largest[c];
          // The first of equals stays, and so does the first NaN.
          bool isBetter = !(value <= than) & (than == than);
          largest[c] = isBetter ? value : than;
          best[c] = isBetter ? number : best[c];
        }
      }
    number = 0;
    for (int64_t h = rows.begin; h < rows.end; ++h)
      for (int64_t w = columns.begin; w < columns.end; ++w, ++number) {
        float *sum = sums + (h * large[2] + w) * channels + begin;
        for (int64_t c = 0; c < block; ++c) {
          float given = Element::load(gradient[begin + c]);
          sum[c] += best[c] == number ? given : 0.0f;
        }
      }
  }
}

template <typename Element>
void PoolExecutable::giveToAll(const typename Element::Storage *gradient,
                               float *sums, Range rows, Range columns) const {
  const float count = float(rows.length() * columns.length());
  for (int64_t h = rows.begin; h < rows.end; ++h)
    for (int64_t w = columns.begin; w < columns.end; ++w) {
      float *sum = sums + (h * large[2] + w) * channels;
      for (int64_t c = 0; c < channels; ++c)
        sum[c] += Element::load(gradient[c]) / count;
    }
}

template <typename Element>
void PoolExecutable::pool(int64_t n, float *sums) const {
  using Storage = typename Element::Storage;
  int64_t pixels = large[1] * large[2], places = small[1] * small[2];
  auto at = [&](const uint8_t *base, int64_t rows) {
    return reinterpret_cast<const Storage *>(base) + n * rows * channels;
  };
  auto *to = reinterpret_cast<Storage *>(result) +
             n * (isGradient ? pixels : places) * channels;
  if (!isGradient)
    return forEachWindow([&](int64_t place, Range rows, Range columns) {
      poolWindow<Element>(at(source, pixels), to + place * channels, rows,
                          columns);
    });
  std::fill_n(sums, pixels * channels, 0.0f);
  forEachWindow([&](int64_t place, Range rows, Range columns) {
    const Storage *gradient = at(source, places) + place * channels;
    if (isMax)
      giveToLargest<Element>(gradient, at(image, pixels), sums, rows, columns);
    else
      giveToAll<Element>(gradient, sums, rows, columns);
  });
  for (int64_t i = 0; i < pixels * channels; ++i)
    to[i] = Element::store(sums[i]);
}

Status PoolExecutable::run() {
  uint64_t bytes = alignUp(sumCount * sizeof(float));
  withElement(dtype, [&](auto element) {
    using Element = decltype(element);
    parallelFor(large[0], threads, [&](int64_t n, int thread) {
      auto *sums = reinterpret_cast<float *>(workspace.data() + thread * bytes);
      pool<Element>(n, sums);
    });
  });
  return {};
}

Status vernier::runtime::bindPool(const schema::Call &call,
                                  const std::vector<BoundBuffer> &buffers,
                                  int threads, Workspace &workspace,
                                  std::unique_ptr<Executable> &executable) {
  executable =
      std::make_unique<PoolExecutable>(call, buffers, threads, workspace);
  return {};
}
