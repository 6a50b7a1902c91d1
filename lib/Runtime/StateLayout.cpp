//===- StateLayout.cpp - Where the elements of a state lie
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/StateLayout.h"

using namespace vernier;
using namespace vernier::runtime;

StateLayout::StateLayout(const schema::State &state, uint64_t elementBytes)
    : bytes(elementBytes) {
  const auto &real = *state.shape(), &padded = getMemoryShape(state);
  uint64_t stride = elementBytes;
  bool isDense = true; // so far, from the innermost dim outwards
  for (unsigned dim = real.size(); dim-- > 0;) {
    uint64_t extent = uint64_t(real[dim]);
    if (isDense) {
      bytes *= extent;
    } else {
      dims.emplace_back(extent, stride);
      count *= extent;
    }
    isDense &= real[dim] == padded[dim];
    stride *= uint64_t(padded[dim]);
  }
}

uint64_t StateLayout::getMemoryOffset(uint64_t run) const {
  uint64_t offset = 0;
  for (auto [extent, stride] : dims) {
    offset += run % extent * stride;
    run /= extent;
  }
  return offset;
}
