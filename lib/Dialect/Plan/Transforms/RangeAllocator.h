//===- RangeAllocator.h - Offsets for ranges that come and go
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_PLAN_TRANSFORMS_RANGEALLOCATOR_H
#define VERNIER_DIALECT_PLAN_TRANSFORMS_RANGEALLOCATOR_H

#include <cstdint>
#include <map>
#include <set>
#include <utility>

namespace vernier::plan {

/// Hands out offsets in a memory that grows as needed: best fit, neighbours
/// merged when freed. Every operation is logarithmic in the number of holes.
class RangeAllocator {
public:
  explicit RangeAllocator(int64_t alignment) : alignment(alignment) {}

  /// The offset of a new range of `bytes` (rounded up to the alignment).
  int64_t allocate(int64_t bytes);
  /// Give back a range of `bytes` at `offset`.
  void free(int64_t offset, int64_t bytes);
  /// One past the highest offset ever used.
  int64_t getPeak() const { return peak; }

  int64_t align(int64_t bytes) const {
    return (bytes + alignment - 1) / alignment * alignment;
  }

private:
  void insertHole(int64_t offset, int64_t size);
  void eraseHole(std::map<int64_t, int64_t>::iterator hole);

  int64_t alignment, peak = 0;
  std::map<int64_t, int64_t> holes;                  // offset -> size
  std::set<std::pair<int64_t, int64_t>> holesBySize; // (size, offset)
};

} // namespace vernier::plan

#endif // VERNIER_DIALECT_PLAN_TRANSFORMS_RANGEALLOCATOR_H
