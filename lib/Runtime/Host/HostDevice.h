//===- HostDevice.h - The processor as a device
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_HOST_HOSTDEVICE_H
#define VERNIER_RUNTIME_HOST_HOSTDEVICE_H

#include "Runtime/Device.h"
#include "Runtime/Mapping.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <omp.h>

namespace vernier::runtime {

class MatmulLibrary;

/// Memory for what a call keeps while it runs, shared by all calls of an
/// executor: they run one after the other.
class Workspace {
public:
  /// Before the first run: a call will use [0, bytes).
  void reserve(uint64_t needed) { bytes = std::max(bytes, needed); }
  Status allocate() { return memory.allocate(bytes, "work space of calls"); }
  uint8_t *data() const { return memory.data(); }
  uint64_t size() const { return bytes; }

private:
  uint64_t bytes = 0;
  Mapping memory;
};

/// Call `body(chunk, thread)` for each chunk of [0, chunks), on `threads`
/// threads or, if that is 1, on the caller. Which thread takes a chunk is
/// chance: bodies write disjoint memory and do not depend on it.
template <typename Body>
void parallelFor(int64_t chunks, int threads, const Body &body) {
  if (threads <= 1) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk)
      body(chunk, 0);
    return;
  }
  std::atomic<int64_t> next{0};
  // Always the device's whole team, even for fewer chunks: OpenMP would
  // allocate and wake threads each time that a team changes its size.
#pragma omp parallel num_threads(threads)
  {
    omp_set_num_threads(1); // for oneDNN, within this region
    int thread = omp_get_thread_num();
    for (int64_t chunk = next++; chunk < chunks; chunk = next++)
      body(chunk, thread);
  }
}

/// Host/Launch.cpp
Status bindLaunch(const schema::Call &call, const KernelObject &kernels,
                  const std::vector<BoundBuffer> &buffers, int threads,
                  std::unique_ptr<Executable> &executable);
/// Host/Matmul.cpp
Status bindMatmul(const schema::Call &call,
                  const std::vector<BoundBuffer> &buffers,
                  MatmulLibrary &library,
                  std::unique_ptr<Executable> &executable);
/// Host/Transpose.cpp
Status bindTranspose(const schema::Call &call,
                     const std::vector<BoundBuffer> &buffers, int threads,
                     std::unique_ptr<Executable> &executable);
/// Host/Convolution.cpp
Status bindConvolution(const schema::Call &call,
                       const std::vector<BoundBuffer> &buffers,
                       MatmulLibrary &library, Workspace &workspace,
                       std::unique_ptr<Executable> &executable);
/// Host/Pool.cpp
Status bindPool(const schema::Call &call,
                const std::vector<BoundBuffer> &buffers, int threads,
                Workspace &workspace, std::unique_ptr<Executable> &executable);
/// Host/Gather.cpp
Status bindGather(const schema::Call &call,
                  const std::vector<BoundBuffer> &buffers, int threads,
                  Workspace &workspace,
                  std::unique_ptr<Executable> &executable);
Status bindCopy(const schema::Call &call,
                const std::vector<BoundBuffer> &buffers,
                std::unique_ptr<Executable> &executable);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_HOST_HOSTDEVICE_H
