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
};

class PoolExecutable : public Executable {
public:
  PoolExecutable(const schema::Pool &pool,
                 const std::vector<BoundBuffer> &buffers, int threads,
                 Workspace &workspace);
  Status run() override;

private:
  Range getRange(int dim, int64_t place) const;
  /// Calls `visit(place, pixels' rows, columns)` for each window of an image.
  template <typename Visit> void forEachWindow(const Visit &visit) const;
  template <typename Element> void pool(int64_t n, float *sums) const;
  template <typename Element> void giveBack(int64_t n, float *sums) const;

  bool isMax, isGradient;
  const uint8_t *source, *image;
  uint8_t *result;
  vernier_dtype_t dtype;
  std::vector<int64_t> large, small; ///< shapes of the image and the pooled one
  std::vector<int64_t> window, strides, padding;
  int threads;
  Workspace &workspace;
  int64_t sumCount; ///< f32 sums that one thread keeps
};

} // namespace

PoolExecutable::PoolExecutable(const schema::Pool &pool,
                               const std::vector<BoundBuffer> &buffers,
                               int threads, Workspace &workspace)
    : isMax(pool.kind() == schema::PoolKind::max), isGradient(pool.gradient()),
      source(buffers[pool.source()].data),
      image(pool.image() >= 0 ? buffers[pool.image()].data : nullptr),
      result(buffers[pool.result()].data), dtype(buffers[pool.source()].dtype),
      large(buffers[isGradient ? pool.result() : pool.source()].shape),
      small(buffers[isGradient ? pool.source() : pool.result()].shape),
      window(pool.window()->begin(), pool.window()->end()),
      strides(pool.strides()->begin(), pool.strides()->end()),
      padding(pool.padding()->begin(), pool.padding()->end()), threads(threads),
      workspace(workspace),
      sumCount(isGradient ? large[1] * large[2] * large[3] : large[3]) {
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

/// NaN wins: the comparison with it is false.
static float larger(float value, float than) {
  return value <= than || std::isnan(than) ? than : value;
}

template <typename Element>
void PoolExecutable::pool(int64_t n, float *sums) const {
  using Storage = typename Element::Storage;
  int64_t channels = large[3];
  const Storage *from = reinterpret_cast<const Storage *>(source) +
                        n * large[1] * large[2] * channels;
  Storage *to =
      reinterpret_cast<Storage *>(result) + n * small[1] * small[2] * channels;
  forEachWindow([&](int64_t place, Range rows, Range columns) {
    std::fill_n(sums, channels, isMax ? -HUGE_VALF : 0.0f);
    for (int64_t h = rows.begin; h < rows.end; ++h)
      for (int64_t w = columns.begin; w < columns.end; ++w) {
        const Storage *pixel = from + (h * large[2] + w) * channels;
        if (isMax)
          for (int64_t c = 0; c < channels; ++c)
            sums[c] = larger(Element::load(pixel[c]), sums[c]);
        else
          for (int64_t c = 0; c < channels; ++c)
            sums[c] += Element::load(pixel[c]);
      }
    float count =
        isMax ? 1.0f
              : float((rows.end - rows.begin) * (columns.end - columns.begin));
    for (int64_t c = 0; c < channels; ++c)
      to[place * channels + c] = Element::store(sums[c] / count);
  });
}

template <typename Element>
void PoolExecutable::giveBack(int64_t n, float *sums) const {
  using Storage = typename Element::Storage;
  int64_t channels = large[3], pixels = large[1] * large[2];
  const Storage *from = reinterpret_cast<const Storage *>(source) +
                        n * small[1] * small[2] * channels;
  const Storage *values =
      image ? reinterpret_cast<const Storage *>(image) + n * pixels * channels
            : nullptr;
  std::fill_n(sums, pixels * channels, 0.0f);
  auto giveToLargest = [&](int64_t c, float g, Range rows, Range columns) {
    int64_t best = -1;
    float largest = 0.0f;
    for (int64_t h = rows.begin; h < rows.end; ++h)
      for (int64_t w = columns.begin; w < columns.end; ++w) {
        int64_t at = (h * large[2] + w) * channels + c;
        float value = Element::load(values[at]);
        bool isBetter =
            best < 0 || (!std::isnan(largest) && !(value <= largest));
        largest = isBetter ? value : largest;
        best = isBetter ? at : best;
      }
    sums[best] += g;
  };
  forEachWindow([&](int64_t place, Range rows, Range columns) {
    const Storage *g = from + place * channels;
    if (isMax) {
      for (int64_t c = 0; c < channels; ++c)
        giveToLargest(c, Element::load(g[c]), rows, columns);
      return;
    }
    float count =
        float((rows.end - rows.begin) * (columns.end - columns.begin));
    for (int64_t h = rows.begin; h < rows.end; ++h)
      for (int64_t w = columns.begin; w < columns.end; ++w)
        for (int64_t c = 0; c < channels; ++c)
          sums[(h * large[2] + w) * channels + c] +=
              Element::load(g[c]) / count;
  });
  Storage *to = reinterpret_cast<Storage *>(result) + n * pixels * channels;
  for (int64_t i = 0; i < pixels * channels; ++i)
    to[i] = Element::store(sums[i]);
}

Status PoolExecutable::run() {
  uint64_t bytes = alignUp(sumCount * sizeof(float));
  withElement(dtype, [&](auto element) {
    using Element = decltype(element);
    parallelFor(large[0], threads, [&](int64_t n, int thread) {
      auto *sums = reinterpret_cast<float *>(workspace.data() + thread * bytes);
      if (isGradient)
        giveBack<Element>(n, sums);
      else
        pool<Element>(n, sums);
    });
  });
  return {};
}

Status vernier::runtime::bindPool(const schema::Pool &pool,
                                  const std::vector<BoundBuffer> &buffers,
                                  int threads, Workspace &workspace,
                                  std::unique_ptr<Executable> &executable) {
  executable =
      std::make_unique<PoolExecutable>(pool, buffers, threads, workspace);
  return {};
}
