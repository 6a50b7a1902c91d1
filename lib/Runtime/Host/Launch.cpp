//===- Launch.cpp - Running generated kernels
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Host/HostDevice.h"

#include <algorithm>

using namespace vernier;
using namespace vernier::runtime;

/// Waking the threads costs some microseconds, in which one core handles about
/// this much memory.
static constexpr uint64_t bytesForThreads = 64 * 1024;

namespace {

class LaunchExecutable : public Executable {
public:
  LaunchExecutable(vernier_kernel_t kernel, std::vector<void *> args,
                   int64_t grid, int64_t grain, int threads)
      : kernel(kernel), args(std::move(args)), grid(grid), threads(threads) {
    int64_t grains = grid / grain + (grid % grain != 0);
    // One contiguous range for each thread: neighbours share no cache lines
    // but at the seams.
    ranges = std::min<int64_t>(threads, grains);
    range = ranges ? (grains / ranges + (grains % ranges != 0)) * grain : 0;
  }

  Status run() override {
    parallelFor(ranges, threads, [&](int64_t i, int) {
      int64_t begin = std::min(i * range, grid);
      int64_t end = std::min(begin + range, grid);
      if (begin < end)
        kernel(args.data(), begin, end);
    });
    return {};
  }

private:
  vernier_kernel_t kernel;
  std::vector<void *> args;
  int64_t grid, ranges, range;
  int threads;
};

} // namespace

Status vernier::runtime::bindLaunch(const schema::Call &call,
                                    const KernelObject &kernels,
                                    const std::vector<BoundBuffer> &buffers,
                                    int threads,
                                    std::unique_ptr<Executable> &executable) {
  const schema::Launch &launch = *call.operation_as_Launch();
  vernier_kernel_t kernel = nullptr;
  VERNIER_TRY(kernels.find(launch.kernel()->str(), kernel));
  std::vector<void *> args;
  uint64_t bytes = 0;
  for (const auto *list : {call.inputs(), call.results()})
    for (uint32_t index : *list) {
      args.push_back(buffers[index].data);
      bytes += buffers[index].bytes;
    }
  if (bytes < bytesForThreads)
    threads = 1;
  executable = std::make_unique<LaunchExecutable>(
      kernel, std::move(args), int64_t(launch.grid()), int64_t(launch.grain()),
      threads);
  return {};
}
