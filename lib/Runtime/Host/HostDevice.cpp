//===- HostDevice.cpp - The processor as a device
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Host/HostDevice.h"

#include "Runtime/CpuFeatures.h"
#include "Runtime/Host/MatmulLibrary.h"

using namespace vernier;
using namespace vernier::runtime;

namespace {

class HostExecutor : public Executor {
public:
  explicit HostExecutor(int threads) : threads(threads), library(threads) {}

  Status bind(const schema::Call &call, const KernelObject &kernels,
              const std::vector<BoundBuffer> &buffers,
              std::unique_ptr<Executable> &executable) override {
    switch (call.operation_type()) {
    case schema::Operation::Launch:
      return bindLaunch(call, kernels, buffers, threads, executable);
    case schema::Operation::Matmul:
      return bindMatmul(call, buffers, library, executable);
    case schema::Operation::Transpose:
      return bindTranspose(call, buffers, threads, executable);
    case schema::Operation::Copy:
      return bindCopy(call, buffers, executable);
    case schema::Operation::Convolution:
      return bindConvolution(call, buffers, library, workspace, executable);
    case schema::Operation::Pool:
      return bindPool(call, buffers, threads, workspace, executable);
    case schema::Operation::Gather:
      return bindGather(call, buffers, threads, workspace, executable);
    case schema::Operation::NONE:
      break;
    }
    return failed("an operation that the verifier does not know");
  }

  Status finish() override {
    VERNIER_TRY(workspace.allocate());
    return library.allocateWorkSpace();
  }
  uint64_t getBytes() const override {
    return library.getBytes() + workspace.size();
  }

private:
  int threads;
  MatmulLibrary library;
  Workspace workspace;
};

class HostDevice : public vernier_device_t {
public:
  explicit HostDevice(int threads) : threads(threads) {
    description = "cpu: " + std::to_string(threads) +
                  (threads == 1 ? " thread," : " threads,");
    bool any = false;
    for (const char *name : {"avx", "avx2", "fma", "f16c", "avx512f",
                             "avx512_bf16", "avx512_fp16", "amx_bf16"})
      if (hasCpuFeature(name)) {
        description += std::string(" ") + name;
        any = true;
      }
    if (!any)
      description += " baseline";
  }
  std::unique_ptr<Executor> createExecutor() override {
    return std::make_unique<HostExecutor>(threads);
  }

private:
  int threads;
};

} // namespace

std::unique_ptr<vernier_device_t>
vernier::runtime::createHostDevice(int threads) {
  return std::make_unique<HostDevice>(threads);
}

int vernier::runtime::getDefaultThreads() { return omp_get_max_threads(); }
