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

/// Buffer `index`, if there is one that may be written.
inline Status getResult(const schema::Entry &entry, uint32_t index,
                        const schema::Buffer *&buffer) {
  if (index >= entry.buffers()->size())
    return bad("there is no buffer ", index);
  buffer = entry.buffers()->Get(index);
  if (buffer->memory() == schema::Memory::constants)
    return bad("it writes a constant");
  return {};
}

inline Status getOperand(const schema::Entry &entry, uint32_t index,
                         const schema::Buffer *&buffer) {
  if (index >= entry.buffers()->size())
    return bad("there is no buffer ", index);
  buffer = entry.buffers()->Get(index);
  return {};
}

/// ImageCallVerifier.cpp
Status verifyConvolution(const schema::Entry &entry,
                         const schema::Convolution &convolution);
Status verifyPool(const schema::Entry &entry, const schema::Pool &pool);
Status verifyGather(const schema::Entry &entry, const schema::Gather &gather);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_CALLVERIFIER_H
