//===- Elements.h - 16-bit elements as floats
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_HOST_ELEMENTS_H
#define VERNIER_RUNTIME_HOST_ELEMENTS_H

#include "Runtime/Tensor.h"

#include <cstdint>

namespace vernier::runtime {

/// How an element type is read as a float and written, rounded to nearest even.
struct F32Element {
  using Storage = float;
  static float load(float value) { return value; }
  static float store(float value) { return value; }
};
struct Bf16Element {
  using Storage = uint16_t;
  static float load(uint16_t bits) { return fromBf16(bits); }
  static uint16_t store(float value) { return toBf16(value); }
};
struct F16Element {
  using Storage = uint16_t;
  static float load(uint16_t bits) { return fromF16(bits); }
  static uint16_t store(float value) { return toF16(value); }
};

/// Call `visit(Element())` with the element type of `dtype`, a floating one.
template <typename Visit> void withElement(vernier_dtype_t dtype, Visit visit) {
  if (dtype == VERNIER_F32)
    visit(F32Element());
  else if (dtype == VERNIER_BF16)
    visit(Bf16Element());
  else
    visit(F16Element());
}

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_HOST_ELEMENTS_H
