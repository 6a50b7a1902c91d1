//===- Transpose.cpp - Moving data
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Host/HostDevice.h"

#include <algorithm>
#include <cstring>

using namespace vernier;
using namespace vernier::runtime;

namespace {

/// The result as rows of its last dim; the source is read with strides, in
/// blocks that keep both sides in the cache.
class TransposeExecutable : public Executable {
public:
  TransposeExecutable(const schema::Transpose &transpose,
                      const BoundBuffer &source, const BoundBuffer &result,
                      int threads)
      : source(source.data), result(result.data), threads(threads),
        size(sizeOf(source.dtype)) {
    simplify(*transpose.permutation(), source.shape);
    if (result.bytes < 64 * 1024)
      this->threads = 1;
  }

  Status run() override;

private:
  struct Dim {
    int64_t extent, stride; ///< of the result; stride of the source
  };

  void simplify(const flatbuffers::Vector<uint32_t> &permutation,
                const std::vector<int64_t> &shape);
  template <typename T> void runTyped();
  /// One matrix: rows x columns of the result, from the source with strides.
  template <typename T>
  void copyBlock(const T *from, T *to, int64_t rowBegin, int64_t rowEnd) const;

  const uint8_t *source;
  uint8_t *result;
  int threads;
  uint64_t size;
  std::vector<Dim> outer;            ///< all dims but `rows` and `columns`
  std::vector<int64_t> outerStrides; ///< of the result
  Dim rows{1, 0}, columns{1, 0};
  int64_t rowStride = 0; ///< of the result
};

} // namespace

void TransposeExecutable::simplify(
    const flatbuffers::Vector<uint32_t> &permutation,
    const std::vector<int64_t> &shape) {
  size_t rank = shape.size();
  std::vector<int64_t> strides(rank, 1);
  for (size_t i = rank; i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  // Result dims; neighbours that stay neighbours become one, ones vanish.
  std::vector<Dim> dims;
  for (uint32_t from : permutation) {
    Dim dim{shape[from], strides[from]};
    if (dim.extent == 1)
      continue;
    if (!dims.empty() && dims.back().stride == dim.stride * dim.extent)
      dims.back() = {dims.back().extent * dim.extent, dim.stride};
    else
      dims.push_back(dim);
  }
  if (dims.empty())
    return;
  columns = dims.back();
  std::vector<int64_t> resultStrides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;)
    resultStrides[i - 1] = resultStrides[i] * dims[i].extent;
  // Pair the columns with the dim that is contiguous in the source (or, if that
  // is the columns themselves, with the next outer one).
  size_t pair = dims.size();
  for (size_t i = 0; i + 1 < dims.size(); ++i)
    if (pair == dims.size() || dims[i].stride < dims[pair].stride)
      pair = i;
  for (size_t i = 0; i + 1 < dims.size(); ++i) {
    if (i == pair) {
      rows = dims[i];
      rowStride = resultStrides[i];
    } else {
      outer.push_back(dims[i]);
      outerStrides.push_back(resultStrides[i]);
    }
  }
}

template <typename T>
void TransposeExecutable::copyBlock(const T *from, T *to, int64_t rowBegin,
                                    int64_t rowEnd) const {
  if (columns.stride == 1) {
    for (int64_t r = rowBegin; r < rowEnd; ++r)
      std::memcpy(to + r * rowStride, from + r * rows.stride,
                  columns.extent * sizeof(T));
    return;
  }
  // 16 rows of source lines are read while they are in the cache.
  constexpr int64_t block = 16;
  for (int64_t r0 = rowBegin; r0 < rowEnd; r0 += block)
    for (int64_t c0 = 0; c0 < columns.extent; c0 += block)
      for (int64_t r = r0; r < std::min(r0 + block, rowEnd); ++r)
        for (int64_t c = c0; c < std::min(c0 + block, columns.extent); ++c)
          to[r * rowStride + c] = from[r * rows.stride + c * columns.stride];
}

template <typename T> void TransposeExecutable::runTyped() {
  constexpr int64_t rowsOfChunk = 64;
  int64_t rowChunks = (rows.extent + rowsOfChunk - 1) / rowsOfChunk;
  int64_t matrices = 1;
  for (const Dim &dim : outer)
    matrices *= dim.extent;
  parallelFor(matrices * rowChunks, threads, [&](int64_t chunk, int) {
    int64_t index = chunk / rowChunks, from = 0, to = 0;
    for (size_t i = outer.size(); i-- > 0;) {
      from += index % outer[i].extent * outer[i].stride;
      to += index % outer[i].extent * outerStrides[i];
      index /= outer[i].extent;
    }
    int64_t begin = chunk % rowChunks * rowsOfChunk;
    copyBlock(reinterpret_cast<const T *>(source) + from,
              reinterpret_cast<T *>(result) + to, begin,
              std::min(begin + rowsOfChunk, rows.extent));
  });
}

Status TransposeExecutable::run() {
  switch (size) {
  case 1:
    runTyped<uint8_t>();
    break;
  case 2:
    runTyped<uint16_t>();
    break;
  case 4:
    runTyped<uint32_t>();
    break;
  default:
    runTyped<uint64_t>();
    break;
  }
  return {};
}

Status vernier::runtime::bindTranspose(
    const schema::Call &call, const std::vector<BoundBuffer> &buffers,
    int threads, std::unique_ptr<Executable> &executable) {
  executable = std::make_unique<TransposeExecutable>(
      *call.operation_as_Transpose(), buffers[call.inputs()->Get(0)],
      buffers[call.results()->Get(0)], threads);
  return {};
}

//===----------------------------------------------------------------------===//
// Copy
//===----------------------------------------------------------------------===//

namespace {

class CopyExecutable : public Executable {
public:
  CopyExecutable(const uint8_t *source, uint8_t *result, uint64_t bytes)
      : source(source), result(result), bytes(bytes) {}
  Status run() override {
    std::memmove(result, source, bytes);
    return {};
  }

private:
  const uint8_t *source;
  uint8_t *result;
  uint64_t bytes;
};

/// Between boxes of one rank: the elements that both have, row by row, and
/// zeros elsewhere unless those are kept.
class ResizeExecutable : public Executable {
public:
  ResizeExecutable(const schema::Copy &copy, const BoundBuffer &source,
                   const BoundBuffer &result)
      : source(source), result(result), offset(result.shape.size(), 0),
        elementBytes(sizeOf(result.dtype)), keep(copy.keep()) {
    if (copy.offset() && copy.offset()->size())
      offset.assign(copy.offset()->begin(), copy.offset()->end());
  }
  Status run() override {
    if (!keep)
      std::memset(result.data, 0, result.bytes);
    copyDim(0, source.data, result.data);
    return {};
  }

private:
  /// Copy the common part of dim `dim` and of the dims inside it.
  void copyDim(size_t dim, const uint8_t *from, uint8_t *to) {
    if (dim == result.shape.size()) {
      std::memcpy(to, from, elementBytes);
      return;
    }
    int64_t begin = std::max<int64_t>(0, -offset[dim]),
            end = std::min(result.shape[dim], source.shape[dim] - offset[dim]);
    if (begin >= end)
      return;
    uint64_t fromStride = strideOf(source, dim),
             toStride = strideOf(result, dim);
    from += (begin + offset[dim]) * fromStride;
    to += begin * toStride;
    if (dim + 1 == source.shape.size()) {
      std::memcpy(to, from, (end - begin) * elementBytes);
      return;
    }
    for (int64_t i = begin; i < end; ++i, from += fromStride, to += toStride)
      copyDim(dim + 1, from, to);
  }
  uint64_t strideOf(const BoundBuffer &buffer, size_t dim) const {
    uint64_t stride = elementBytes;
    for (size_t inner = dim + 1; inner < buffer.shape.size(); ++inner)
      stride *= buffer.shape[inner];
    return stride;
  }

  BoundBuffer source, result;
  std::vector<int64_t> offset; ///< of the result in the source
  uint64_t elementBytes;
  bool keep;
};

} // namespace

Status vernier::runtime::bindCopy(const schema::Call &call,
                                  const std::vector<BoundBuffer> &buffers,
                                  std::unique_ptr<Executable> &executable) {
  const schema::Copy &copy = *call.operation_as_Copy();
  const BoundBuffer &source = buffers[call.inputs()->Get(0)];
  const BoundBuffer &result = buffers[call.results()->Get(0)];
  bool isMoved =
      copy.offset() && std::any_of(copy.offset()->begin(), copy.offset()->end(),
                                   [](int64_t offset) { return offset != 0; });
  if (isMoved || source.shape != result.shape) {
    executable = std::make_unique<ResizeExecutable>(copy, source, result);
    return {};
  }
  executable =
      std::make_unique<CopyExecutable>(source.data, result.data, result.bytes);
  return {};
}
