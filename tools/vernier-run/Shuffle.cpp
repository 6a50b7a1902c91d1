//===- Shuffle.cpp - The order of the rows in an epoch
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Shuffle.h"

#include <numeric>
#include <utility>

std::array<uint32_t, 4> vernier::run::philox(std::array<uint32_t, 4> counter,
                                             std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t a = 0xD2511F53ull * counter[0];
    uint64_t b = 0xCD9E8D57ull * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// A number in [0, bound): the high half of a 128-bit product. Its bias is
/// below bound / 2^64.
static uint64_t below(uint64_t random, uint64_t bound) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(random) * bound >>
                               64);
}

void vernier::run::shuffle(std::vector<uint64_t> &rows, uint64_t seed,
                           uint64_t epoch) {
  std::iota(rows.begin(), rows.end(), 0);
  std::array<uint32_t, 2> key = {static_cast<uint32_t>(seed),
                                 static_cast<uint32_t>(seed >> 32)};
  // Fisher and Yates from the back: draw i decides which row comes to place i.
  for (uint64_t i = rows.size(); i-- > 1;) {
    auto words = philox(
        {static_cast<uint32_t>(i), static_cast<uint32_t>(i >> 32),
         static_cast<uint32_t>(epoch), static_cast<uint32_t>(epoch >> 32)},
        key);
    uint64_t random = words[0] | static_cast<uint64_t>(words[1]) << 32;
    std::swap(rows[i], rows[below(random, i + 1)]);
  }
}
