//===- RangeAllocator.cpp - Offsets for ranges that come and go
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RangeAllocator.h"

#include <algorithm>
#include <iterator>

using namespace vernier::plan;

void RangeAllocator::insertHole(int64_t offset, int64_t size) {
  holes[offset] = size;
  holesBySize.insert({size, offset});
}

void RangeAllocator::eraseHole(std::map<int64_t, int64_t>::iterator hole) {
  holesBySize.erase({hole->second, hole->first});
  holes.erase(hole);
}

int64_t RangeAllocator::allocate(int64_t bytes) {
  int64_t size = std::max(align(bytes), alignment);
  auto fit = holesBySize.lower_bound({size, 0});
  if (fit != holesBySize.end()) {
    auto [holeSize, offset] = *fit;
    eraseHole(holes.find(offset));
    if (holeSize > size)
      insertHole(offset + size, holeSize - size);
    return offset;
  }
  // A hole at the end of the memory grows instead of being left behind.
  int64_t offset = peak;
  if (!holes.empty()) {
    auto last = std::prev(holes.end());
    if (last->first + last->second == peak) {
      offset = last->first;
      eraseHole(last);
    }
  }
  peak = offset + size;
  return offset;
}

void RangeAllocator::free(int64_t offset, int64_t bytes) {
  int64_t size = std::max(align(bytes), alignment);
  auto next = holes.lower_bound(offset);
  if (next != holes.end() && next->first == offset + size) {
    size += next->second;
    eraseHole(next);
  }
  next = holes.lower_bound(offset);
  if (next != holes.begin()) {
    auto previous = std::prev(next);
    if (previous->first + previous->second == offset) {
      offset = previous->first;
      size += previous->second;
      eraseHole(previous);
    }
  }
  insertHole(offset, size);
}
