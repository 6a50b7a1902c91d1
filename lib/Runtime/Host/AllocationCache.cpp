//===- AllocationCache.cpp - Memory that oneDNN asks for again and again
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blocks come from and go back to the process's own allocator; the cache only
// delays the going back. A block that oneDNN keeps beyond the call in which it
// asked for it is forgotten, and freed like any other.
//
// Which thread runs a tile is chance, so a thread may first ask for a block
// long after the others. Whoever first needs one of a kind therefore allocates
// one for each thread: when every tile has run once, on whatever threads, all
// blocks are there.
//
//===----------------------------------------------------------------------===//

#include "Runtime/Host/AllocationCache.h"

#include "Runtime/Host/ImportSlots.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <new>
#include <oneapi/dnnl/dnnl.h>
#include <vector>

using namespace vernier::runtime;

namespace {

/// One block, and how it was asked for: with an alignment by posix_memalign,
/// without (0) by operator new.
struct Block {
  void *memory;
  size_t bytes, alignment;
};

/// A few blocks, in no order. oneDNN holds about ten in a call.
class BlockList {
public:
  bool isFull() const { return count == blocks.size(); }
  void add(const Block &block) { blocks[count++] = block; }

  /// Remove the first block that `isWanted` accepts; null memory if none.
  template <typename Predicate> Block take(const Predicate &isWanted) {
    for (size_t i = 0; i < count; ++i)
      if (isWanted(blocks[i])) {
        Block block = blocks[i];
        blocks[i] = blocks[--count];
        return block;
      }
    return {};
  }
  void forget() { count = 0; }
  size_t countKind(size_t bytes, size_t alignment) const {
    return std::count_if(
        blocks.begin(), blocks.begin() + count, [&](const Block &block) {
          return block.bytes == bytes && block.alignment == alignment;
        });
  }

private:
  std::array<Block, 64> blocks;
  size_t count = 0;
};

/// Blocks of one kind, and for how many simultaneous requests of one thread
/// each thread has been given a share.
struct Kind {
  size_t bytes, alignment;
  size_t shares = 0;
  /// The shares that their threads have not fetched.
  std::vector<void *> spares;
};

/// What all threads have in common. Entered only by a thread that has not yet
/// fetched its share of a kind.
struct SharedCache {
  std::mutex mutex;
  std::vector<Kind> kinds;
  size_t threads = 1;
};

/// The cache of one thread.
struct ThreadCache {
  ~ThreadCache();
  int depth = 0;
  /// What oneDNN holds, and what it has given back.
  BlockList held, kept;
  PackingArea area;
  bool isAreaHeld = false;
};

} // namespace

static void release(const Block &block) {
  if (block.alignment)
    std::free(block.memory);
  else
    ::operator delete(block.memory);
}

ThreadCache::~ThreadCache() {
  depth = 0;
  while (true) {
    Block block = kept.take([](const Block &) { return true; });
    if (!block.memory)
      return;
    release(block);
  }
}

static thread_local ThreadCache cache;

/// Never destroyed: threads may outlive static objects.
static SharedCache &getShared() {
  static auto *shared = new SharedCache;
  return *shared;
}

AllocationCacheScope::AllocationCacheScope(PackingArea area) {
  if (++cache.depth == 1)
    cache.area = area;
}

AllocationCacheScope::~AllocationCacheScope() {
  if (--cache.depth > 0)
    return;
  cache.held.forget();
  cache.area = {};
  cache.isAreaHeld = false;
}

/// Null if there is no memory.
static void *allocateBlock(size_t bytes, size_t alignment) {
  void *memory = nullptr;
  if (alignment)
    return posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
  // Not the nothrow form: a program may have replaced this one alone.
  try {
    return ::operator new(bytes);
  } catch (const std::bad_alloc &) {
    return nullptr;
  }
}

/// This thread's share of a kind, and if it has had all of them, one more for
/// every thread.
static void *fetchShare(size_t bytes, size_t alignment) {
  SharedCache &shared = getShared();
  std::lock_guard<std::mutex> lock(shared.mutex);
  auto kind = std::find_if(
      shared.kinds.begin(), shared.kinds.end(), [&](const Kind &candidate) {
        return candidate.bytes == bytes && candidate.alignment == alignment;
      });
  if (kind == shared.kinds.end())
    kind = shared.kinds.insert(kind, {bytes, alignment, 0, {}});
  if (cache.held.countKind(bytes, alignment) == kind->shares) {
    ++kind->shares;
    for (size_t i = 1; i < shared.threads; ++i)
      if (void *spare = allocateBlock(bytes, alignment))
        kind->spares.push_back(spare);
  } else if (!kind->spares.empty()) {
    void *memory = kind->spares.back();
    kind->spares.pop_back();
    return memory;
  }
  return allocateBlock(bytes, alignment);
}

/// A block that was kept, or this thread's share. The requests of a step repeat
/// exactly, so kinds do too. Null if there is no memory.
static void *request(size_t bytes, size_t alignment) {
  if (!cache.depth || cache.held.isFull())
    return allocateBlock(bytes, alignment);
  Block block = cache.kept.take([&](const Block &candidate) {
    return candidate.bytes == bytes && candidate.alignment == alignment;
  });
  if (!block.memory)
    block = {fetchShare(bytes, alignment), bytes, alignment};
  if (block.memory)
    cache.held.add(block);
  return block.memory;
}

/// Whether the block is one of this call's, and is kept.
static bool keep(void *memory) {
  if (!cache.depth)
    return false;
  Block block = cache.held.take(
      [&](const Block &candidate) { return candidate.memory == memory; });
  if (!block.memory)
    return false;
  if (cache.kept.isFull())
    release(block);
  else
    cache.kept.add(block);
  return true;
}

//===----------------------------------------------------------------------===//
// What oneDNN calls
//===----------------------------------------------------------------------===//

static void *allocate(size_t bytes) {
  // If there is no memory, operator new says so in its own way.
  void *memory = request(bytes, /*alignment=*/0);
  return memory ? memory : ::operator new(bytes);
}

/// Objects, which oneDNN may keep, are aligned to cache lines; what it packs
/// into during a call, to more.
static constexpr size_t objectAlignment = 64;

static int allocateAligned(void **result, size_t alignment, size_t bytes) {
  if (alignment > objectAlignment && bytes <= cache.area.bytes &&
      !cache.isAreaHeld) {
    cache.isAreaHeld = true;
    *result = cache.area.memory;
    return 0;
  }
  *result = request(bytes, alignment);
  return *result ? 0 : ENOMEM;
}

static void freeObject(void *memory) {
  if (memory && !keep(memory))
    ::operator delete(memory);
}

static void freeAligned(void *memory) {
  if (memory && memory == cache.area.memory) {
    cache.isAreaHeld = false;
    return;
  }
  if (memory && !keep(memory))
    std::free(memory);
}

bool vernier::runtime::installAllocationCache(int threads) {
  {
    SharedCache &shared = getShared();
    std::lock_guard<std::mutex> lock(shared.mutex);
    shared.threads = std::max(shared.threads, size_t(threads));
  }
  static const bool isInstalled = redirectImports(
      reinterpret_cast<const void *>(&dnnl_version), "libdnnl",
      {{"_Znwm", reinterpret_cast<void *>(&allocate)},
       {"_ZdlPv", reinterpret_cast<void *>(&freeObject)},
       {"posix_memalign", reinterpret_cast<void *>(&allocateAligned)},
       {"free", reinterpret_cast<void *>(&freeAligned)}});
  // A thread's first scope registers the end of its cache, which allocates.
#pragma omp parallel num_threads(threads)
  AllocationCacheScope scope;
  return isInstalled;
}
