//===- Device.h - What a session asks of a device
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_DEVICE_H
#define VERNIER_RUNTIME_DEVICE_H

#include "Runtime/Plan.h"
#include "vernier-c/device.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace vernier::runtime {

/// A buffer of an entry with its memory.
struct BoundBuffer {
  uint8_t *data;
  uint64_t bytes;
  vernier_dtype_t dtype;
  std::vector<int64_t> shape;
};

/// A call bound to its memory, ready to run any number of times without
/// allocating.
class Executable {
public:
  virtual ~Executable() = default;
  virtual Status run() = 0;
};

/// What one session holds on a device: it binds calls and owns what they share.
/// Used by one thread at a time; outlives its executables.
class Executor {
public:
  virtual ~Executor() = default;
  virtual Status bind(const schema::Call &call, const KernelObject &kernels,
                      const std::vector<BoundBuffer> &buffers,
                      std::unique_ptr<Executable> &executable) = 0;
  /// After the last bind: allocate what the calls share.
  virtual Status finish() = 0;
  /// Bytes of work space that the bound calls need, whether or not it is
  /// allocated yet.
  virtual uint64_t getBytes() const = 0;
};

} // namespace vernier::runtime

struct vernier_device_t {
  virtual ~vernier_device_t() = default;
  virtual std::unique_ptr<vernier::runtime::Executor> createExecutor() = 0;

  std::atomic<uint32_t> references{1};
  std::string description;
};

namespace vernier::runtime {

/// Host/HostDevice.cpp: the processor, with `threads` threads.
std::unique_ptr<vernier_device_t> createHostDevice(int threads);
/// What OpenMP would use.
int getDefaultThreads();

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_DEVICE_H
