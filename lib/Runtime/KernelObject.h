//===- KernelObject.h - The machine code of a plan
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_KERNELOBJECT_H
#define VERNIER_RUNTIME_KERNELOBJECT_H

#include "Runtime/ObjectLayout.h"
#include "Runtime/Status.h"
#include "vernier-c/kernel.h"

#include <string>
#include <vector>

namespace vernier::runtime {

/// Check that `bytes` are an object as vernier-compile makes it (see
/// ObjectLayout.h) which defines `symbols`. Executes nothing; any bytes are
/// safe.
Status checkObject(const uint8_t *bytes, size_t size,
                   const std::vector<std::string> &symbols);

/// Check that an object is of this machine's architecture.
Status checkObjectMachine(const uint8_t *bytes, size_t size);

/// An object in memory, ready to run.
class KernelObject {
public:
  KernelObject() = default;
  ~KernelObject();
  KernelObject(const KernelObject &) = delete;
  KernelObject &operator=(const KernelObject &) = delete;

  /// Copy code and constants to pages of their own. Runs none of it.
  Status load(const uint8_t *bytes, size_t size);
  bool isLoaded() const { return memory; }
  /// The kernel's address; null as long as nothing is loaded: then calls are
  /// bound to learn what memory they need, not to run.
  Status find(const std::string &symbol, vernier_kernel_t &kernel) const;

private:
  Status map(const uint8_t *bytes);

  ObjectLayout layout;
  uint8_t *memory =
      nullptr; ///< `mappedBytes`; both segments at their addresses
  uint64_t mappedBytes = 0;
};

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_KERNELOBJECT_H
