//===- CallVerifier.h - What the checks of calls share
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_CALLVERIFIER_H
#define VERNIER_RUNTIME_CALLVERIFIER_H

#include "Runtime/PlanVerifier.h"

namespace vernier::runtime {

/// PlanVerifier.cpp says which call it is.
template <typename... Parts> Status bad(const Parts &...parts) {
  return badFile(parts...);
}

/// Of a buffer that was verified.
inline uint64_t getBytes(const schema::Buffer &buffer) {
  uint64_t bytes = 0;
  (void)computeBytes(buffer.dtype(), *buffer.shape(), bytes);
  return bytes;
}

/// Whether they share memory.
inline bool overlap(const schema::Buffer &a, const schema::Buffer &b) {
  return a.memory() == b.memory() && a.offset() < b.offset() + getBytes(b) &&
         b.offset() < a.offset() + getBytes(a);
}

/// The buffers of a call, each of which there is.
struct CallBuffers {
  std::vector<const schema::Buffer *> inputs, results;
};

/// What a call is checked with: what it does, and to which buffers. There are
/// as many as its kind has.
/// ImageCallVerifier.cpp
Status verifyConvolution(const schema::Convolution &convolution,
                         const CallBuffers &buffers);
Status verifyPool(const schema::Pool &pool, const CallBuffers &buffers);
Status verifyGather(const schema::Gather &gather, const CallBuffers &buffers);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_CALLVERIFIER_H
