//===- StateLayout.h - Where the elements of a state lie
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_STATELAYOUT_H
#define VERNIER_RUNTIME_STATELAYOUT_H

#include "vernier-c/plan_generated.h"

#include <cstdint>
#include <cstring>
#include <vector>

namespace vernier::runtime {

/// The extents of a state in memory: its shape, or what that is padded to.
inline const flatbuffers::Vector<int64_t> &
getMemoryShape(const schema::State &state) {
  return state.padded_shape() ? *state.padded_shape() : *state.shape();
}

/// Dense values outside, rows with zeros behind them inside: the C API and
/// checkpoints know nothing of padding.
class StateLayout {
public:
  StateLayout(const schema::State &state, uint64_t elementBytes);

  /// Call `visit(dense, memory, bytes)` with the offsets of each run of bytes
  /// that is contiguous on both sides.
  template <typename Visit> void forEachRun(Visit visit) const {
    for (uint64_t run = 0; run < count; ++run)
      visit(run * bytes, getMemoryOffset(run), bytes);
  }

  void read(const uint8_t *memory, void *dense) const {
    forEachRun([&](uint64_t to, uint64_t from, uint64_t size) {
      std::memcpy(static_cast<uint8_t *>(dense) + to, memory + from, size);
    });
  }
  /// Leaves the padding as it is.
  void write(const void *dense, uint8_t *memory) const {
    forEachRun([&](uint64_t from, uint64_t to, uint64_t size) {
      std::memcpy(memory + to, static_cast<const uint8_t *>(dense) + from,
                  size);
    });
  }

private:
  uint64_t getMemoryOffset(uint64_t run) const;

  /// Runs and the bytes of each; one run if nothing is padded.
  uint64_t count = 1, bytes;
  /// Of the dims outside a run, innermost first: extent, and stride in bytes.
  std::vector<std::pair<uint64_t, uint64_t>> dims;
};

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_STATELAYOUT_H
