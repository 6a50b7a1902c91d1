//===- Mapping.cpp - Page-aligned memory
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Mapping.h"

#include <cerrno>
#include <cstring>
#include <sys/mman.h>

using namespace vernier::runtime;

/// Mapped behind the memory that was asked for. oneDNN's generated products
/// read a few vectors past the end of their operands; what the kernel happens
/// to map there may be the tail of a file, where a read raises SIGBUS.
static constexpr uint64_t kSlack = 64 * 1024;

/// Smaller mappings would waste a noticeable part of their last large page.
static constexpr uint64_t kLargePages = 32 << 20;

Mapping::~Mapping() {
  if (memory)
    munmap(memory, bytes + kSlack);
}

Status Mapping::allocate(uint64_t size, const char *purpose) {
  if (size == 0)
    return {};
  void *address = mmap(nullptr, size + kSlack, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED)
    return resources("cannot allocate ", size, " bytes of ", purpose, ": ",
                     std::strerror(errno),
                     "; reduce the batch size or free memory");
  // A step walks through hundreds of megabytes in strides of a matrix row; 2
  // MiB pages spare most of the page table walks. Only advice: no error if
  // refused.
  if (size >= kLargePages)
    (void)madvise(address, size + kSlack, MADV_HUGEPAGE);
  memory = static_cast<uint8_t *>(address);
  bytes = size;
  return {};
}

void Mapping::protect() {
  if (memory)
    (void)mprotect(memory, bytes, PROT_READ);
}
