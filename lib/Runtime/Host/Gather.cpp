//===- Gather.cpp - Rows by index
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Host/Elements.h"
#include "Runtime/Host/HostDevice.h"

#include <cstring>

using namespace vernier;
using namespace vernier::runtime;

namespace {

class GatherExecutable : public Executable {
public:
  GatherExecutable(const schema::Call &call,
                   const std::vector<BoundBuffer> &buffers, int threads,
                   Workspace &workspace)
      : source(buffers[call.inputs()->Get(0)]),
        indices(buffers[call.inputs()->Get(1)]),
        result(buffers[call.results()->Get(0)]),
        rows(int64_t(call.operation_as_Gather()->rows())),
        count(int64_t(indices.bytes / sizeOf(indices.dtype))),
        isSum(call.operation_as_Gather()->add()), threads(threads),
        workspace(workspace) {
    const BoundBuffer &table = isSum ? result : source;
    length = int64_t(table.bytes / sizeOf(table.dtype)) / rows;
    if (isSum)
      workspace.reserve(rows * length * sizeof(float));
  }
  Status run() override;

private:
  /// The index of row i; -1 if there is none.
  int64_t getIndex(int64_t i) const {
    int64_t index = indices.dtype == VERNIER_I32
                        ? reinterpret_cast<const int32_t *>(indices.data)[i]
                        : reinterpret_cast<const int64_t *>(indices.data)[i];
    return index >= 0 && index < rows ? index : -1;
  }
  void copyRows();
  void sumRows();

  BoundBuffer source, indices, result;
  int64_t rows, count, length = 0;
  bool isSum;
  int threads;
  Workspace &workspace;
};

} // namespace

void GatherExecutable::copyRows() {
  constexpr int64_t rowsOfChunk = 64;
  uint64_t bytes = length * sizeOf(source.dtype);
  parallelFor((count + rowsOfChunk - 1) / rowsOfChunk, threads,
              [&](int64_t chunk, int) {
                int64_t end = std::min(count, (chunk + 1) * rowsOfChunk);
                for (int64_t i = chunk * rowsOfChunk; i < end; ++i) {
                  int64_t index = getIndex(i);
                  uint8_t *to = result.data + i * bytes;
                  if (index < 0)
                    std::memset(to, 0, bytes);
                  else
                    std::memcpy(to, source.data + index * bytes, bytes);
                }
              });
}

/// Threads share the columns: each sum is made by one of them, in order.
void GatherExecutable::sumRows() {
  constexpr int64_t columnsOfChunk = 64;
  auto *sums = reinterpret_cast<float *>(workspace.data());
  auto sumColumns = [&](auto element, int64_t begin, int64_t end) {
    using Element = decltype(element);
    const auto *from =
        reinterpret_cast<const typename Element::Storage *>(source.data);
    for (int64_t row = 0; row < rows; ++row)
      std::fill(sums + row * length + begin, sums + row * length + end, 0.0f);
    for (int64_t i = 0; i < count; ++i)
      if (int64_t index = getIndex(i); index >= 0)
        for (int64_t c = begin; c < end; ++c)
          sums[index * length + c] += Element::load(from[i * length + c]);
  };
  auto storeColumns = [&](auto element, int64_t begin, int64_t end) {
    using Element = decltype(element);
    auto *to = reinterpret_cast<typename Element::Storage *>(result.data);
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t i = row * length + begin; i < row * length + end; ++i)
        to[i] = Element::store(sums[i]);
  };
  parallelFor((length + columnsOfChunk - 1) / columnsOfChunk, threads,
              [&](int64_t chunk, int) {
                int64_t begin = chunk * columnsOfChunk,
                        end = std::min(length, begin + columnsOfChunk);
                withElement(source.dtype, [&](auto element) {
                  sumColumns(element, begin, end);
                });
                withElement(result.dtype, [&](auto element) {
                  storeColumns(element, begin, end);
                });
              });
}

Status GatherExecutable::run() {
  if (isSum)
    sumRows();
  else
    copyRows();
  return {};
}

Status vernier::runtime::bindGather(const schema::Call &call,
                                    const std::vector<BoundBuffer> &buffers,
                                    int threads, Workspace &workspace,
                                    std::unique_ptr<Executable> &executable) {
  executable =
      std::make_unique<GatherExecutable>(call, buffers, threads, workspace);
  return {};
}
