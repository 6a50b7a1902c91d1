//===- Plan.h - A loaded plan
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_PLAN_H
#define VERNIER_RUNTIME_PLAN_H

#include "Runtime/KernelObject.h"
#include "Runtime/Mapping.h"
#include "Runtime/Tensor.h"
#include "vernier-c/plan.h"
#include "vernier-c/plan_generated.h"

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

namespace vernier::runtime {

/// Alignment of every buffer, in bytes.
constexpr uint64_t bufferAlignment = 64;

inline uint64_t alignUp(uint64_t bytes) {
  return (bytes + bufferAlignment - 1) / bufferAlignment * bufferAlignment;
}

/// Check everything that running a plan relies on (see PlanVerifier.cpp). The
/// bytes may be anything.
Status verifyPlan(const uint8_t *payload, size_t size);

/// Whether this machine can run a verified plan (see PlanVerifier.cpp).
Status checkMachine(const schema::Plan &plan);

/// The dtype of the schema by the number of the C API: they are the same.
inline vernier_dtype_t toDType(schema::DType dtype) {
  return static_cast<vernier_dtype_t>(dtype);
}

/// Inputs and outputs of an entry, for the C API.
struct EntryPorts {
  std::string name;
  std::vector<Tensor> inputs, outputs;
  std::vector<vernier_tensor_info_t> inputInfos, outputInfos;
};

} // namespace vernier::runtime

struct vernier_plan_t {
  std::atomic<uint32_t> references{1};
  std::vector<uint8_t> payload;
  const vernier::schema::Plan *schema = nullptr;
  std::string digest; ///< 32 hexadecimal digits
  vernier::runtime::Mapping constants;
  std::vector<vernier::runtime::EntryPorts> entries;

  /// Load the kernels, if they are not yet. Thread-safe.
  vernier::runtime::Status
  loadKernels(const vernier::runtime::KernelObject *&object);

  /// Index of an entry, or -1.
  int findEntry(const std::string &name) const;

private:
  std::mutex kernelMutex;
  vernier::runtime::KernelObject kernels;
};

#endif // VERNIER_RUNTIME_PLAN_H
