//===- Memory.h - The memory plan, before the first step
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_MEMORY_H
#define VERNIER_RUN_MEMORY_H

#include "Runtime.h"
#include "Terminal.h"

namespace vernier::run {

/// Where a session's bytes will go, known before there is one.
struct MemoryPlan {
  uint64_t parameters = 0; ///< trained or frozen
  uint64_t optimizer = 0;  ///< moments
  uint64_t copies = 0;     ///< low-precision copies of parameters
  uint64_t other = 0;      ///< counters, loss scale, alignment
  uint64_t saved = 0;      ///< kept by the forward part for the backward part
  uint64_t workspace = 0;  ///< the rest of the largest entry's arena
  uint64_t staging = 0;    ///< inputs and outputs
  uint64_t device = 0;     ///< what the device's threads work in
  uint64_t constants = 0;  ///< mapped with the plan

  /// What a session allocates.
  uint64_t total() const {
    return parameters + optimizer + copies + other + saved + workspace +
           staging + device;
  }
};

/// What cannot run on the device is counted without its work space.
MemoryPlan planMemory(const Plan &plan, const Device &device);

/// The parts of the plan as a table with bars, one line each.
std::vector<std::string> memoryTable(const MemoryPlan &memory,
                                     const Terminal &terminal);

uint64_t bytesOf(schema::DType dtype,
                 const flatbuffers::Vector<int64_t> &shape);
/// A state's bytes in memory, padding included.
uint64_t bytesOf(const schema::State &state);

/// Bytes that this process can still use, what sets the limit, and what to do
/// about it.
struct Available {
  uint64_t bytes;
  const char *limit, *remedy;
};
Available availableMemory();

/// Throws a resources Failure, with the memory plan, the largest tensors and
/// what to do, if the plan does not fit (MemoryReport.cpp).
void requireMemory(const Plan &plan, const MemoryPlan &memory,
                   const Terminal &terminal);

/// Bytes in memory: now, and the most there ever were.
uint64_t residentBytes();
uint64_t peakResidentBytes();

} // namespace vernier::run

#endif // VERNIER_RUN_MEMORY_H
