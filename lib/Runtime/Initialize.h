//===- Initialize.h - Initial values of states
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Element i of the state with name s is drawn from one block of Philox-4x32-10
// (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011):
//
//   key     = (low, high) half of the seed
//   counter = (low, high) half of i, (low, high) half of XXH3-64(s)
//   r0..r3  = philox4x32_10(counter, key)
//   uniform = (r0 >> 8) / 2^24, in [0, 1)
//   normal  = sqrt(-2 ln u) cos(2 pi v), u = (r0 + 1) / 2^32, v = r1 / 2^32
//
// The value a + b normal or a + (b - a) uniform is computed in double and
// rounded once to the state's type. Logarithm and cosine are our own, so that
// the bits are the same with every C library.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_INITIALIZE_H
#define VERNIER_RUNTIME_INITIALIZE_H

#include "vernier-c/plan_generated.h"

#include <array>
#include <cstdint>

namespace vernier::runtime {

/// One block of Philox-4x32-10.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter,
                               std::array<uint32_t, 2> key);

/// Write the initial value of `state`, which the plan's verifier has passed.
/// Leaves states without an initialiser, and padding, as they are: zero.
void initialize(const schema::State &state, uint64_t seed, uint8_t *data);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_INITIALIZE_H
