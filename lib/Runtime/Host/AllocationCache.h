//===- AllocationCache.h - Memory that oneDNN asks for again and again
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// oneDNN builds a map of its arguments whenever a primitive is executed, and
// its products pack operands into memory of their own: the same blocks each
// time, which its interface offers no way to keep. So they are kept here: what
// it frees during a call is what it gets in the next, and it packs into memory
// that the caller brings (docs/Rationale/Allocations.md).
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_HOST_ALLOCATIONCACHE_H
#define VERNIER_RUNTIME_HOST_ALLOCATIONCACHE_H

#include <cstdint>

namespace vernier::runtime {

/// Makes oneDNN ask the cache for memory; the first call in a process does it.
/// `threads` run its calls: the most that any caller says counts, for blocks
/// that are allocated from then on. False if oneDNN cannot be made to: then it
/// allocates in each call.
bool installAllocationCache(int threads);

/// Where one thread's products pack their operands; not given if null.
struct PackingArea {
  void *memory = nullptr; ///< page-aligned
  uint64_t bytes = 0;
};

/// While one lives, what oneDNN frees on this thread is kept for its next
/// request on this thread. Outside, the cache takes nothing and gives nothing.
/// What is packed goes to `area` if it fits.
class AllocationCacheScope {
public:
  explicit AllocationCacheScope(PackingArea area = {});
  ~AllocationCacheScope();
  AllocationCacheScope(const AllocationCacheScope &) = delete;
  AllocationCacheScope &operator=(const AllocationCacheScope &) = delete;
};

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_HOST_ALLOCATIONCACHE_H
