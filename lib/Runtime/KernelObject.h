//===- KernelObject.h - The machine code of a plan
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_KERNELOBJECT_H
#define VERNIER_RUNTIME_KERNELOBJECT_H

#include "Runtime/Status.h"
#include "vernier-c/kernel.h"

#include <string>
#include <vector>

namespace vernier::runtime {

/// Check that `bytes` are an ELF shared object which runs no code when it is
/// loaded, needs nothing from outside and defines `symbols`. Executes nothing;
/// any bytes are safe.
Status checkObject(const uint8_t *bytes, size_t size,
                   const std::vector<std::string> &symbols);

/// Check that an object is of this machine's architecture.
Status checkObjectMachine(const uint8_t *bytes, size_t size);

/// A loaded object.
class KernelObject {
public:
  KernelObject() = default;
  ~KernelObject();
  KernelObject(const KernelObject &) = delete;
  KernelObject &operator=(const KernelObject &) = delete;

  /// Load from memory, without a file on disk.
  Status load(const uint8_t *bytes, size_t size);
  bool isLoaded() const { return handle; }
  Status find(const std::string &symbol, vernier_kernel_t &kernel) const;

private:
  void *handle = nullptr;
  /// The object's file in memory, open as long as the object is loaded: the
  /// loader takes two files of one name for one object, and the name is made of
  /// this number.
  int file = -1;
};

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_KERNELOBJECT_H
