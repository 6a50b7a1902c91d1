//===- Mapping.h - Page-aligned memory
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_MAPPING_H
#define VERNIER_RUNTIME_MAPPING_H

#include "Runtime/Status.h"

#include <cstdint>

namespace vernier::runtime {

/// Anonymous zeroed memory from mmap: pages that are never touched cost
/// nothing.
class Mapping {
public:
  Mapping() = default;
  ~Mapping();
  Mapping(const Mapping &) = delete;
  Mapping &operator=(const Mapping &) = delete;

  /// `purpose` names the memory in the message: "session memory".
  Status allocate(uint64_t bytes, const char *purpose);
  /// No more writes: a stray one faults instead of corrupting the plan.
  void protect();

  uint8_t *data() const { return memory; }
  uint64_t size() const { return bytes; }

private:
  uint8_t *memory = nullptr;
  uint64_t bytes = 0;
};

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_MAPPING_H
