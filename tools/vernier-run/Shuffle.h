//===- Shuffle.h - The order of the rows in an epoch
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_SHUFFLE_H
#define VERNIER_RUN_SHUFFLE_H

#include <array>
#include <cstdint>
#include <vector>

namespace vernier::run {

/// Philox-4x32-10 (Salmon et al., SC 2011): four random words that depend on
/// counter and key alone.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter,
                               std::array<uint32_t, 2> key);

/// Fill `rows` (its size is kept) with a permutation of 0, 1, ... that depends
/// on seed and epoch alone, so that a resumed run needs nothing but both.
void shuffle(std::vector<uint64_t> &rows, uint64_t seed, uint64_t epoch);

} // namespace vernier::run

#endif // VERNIER_RUN_SHUFFLE_H
