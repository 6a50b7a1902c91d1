//===- Tensor.h - Element types, shapes and their sizes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_TENSOR_H
#define VERNIER_RUNTIME_TENSOR_H

#include "vernier-c/plan.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace vernier::runtime {

/// Bytes of one element; 0 for an unknown type.
uint64_t sizeOf(vernier_dtype_t dtype);

/// "f32", "bf16", ...
const char *nameOf(vernier_dtype_t dtype);

/// Name, type and shape with their memory; `info` points into it, so an object
/// stays where it was made.
class Tensor {
public:
  Tensor(std::string name, vernier_dtype_t dtype, std::vector<int64_t> shape,
         int64_t classes = 0);
  const std::string &getName() const { return name; }
  const std::vector<int64_t> &getShape() const { return shape; }
  /// The C view of this tensor, valid while it lives (moving keeps `shape`'s
  /// memory, but may move a short name).
  vernier_tensor_info_t getInfo() const;
  uint64_t getBytes() const { return bytes; }
  vernier_dtype_t getDType() const { return dtype; }

private:
  std::string name;
  vernier_dtype_t dtype;
  std::vector<int64_t> shape;
  uint64_t bytes;
  int64_t classes;
};

/// "bf16[256, 4096]".
std::string describe(vernier_dtype_t dtype, const std::vector<int64_t> &shape);

/// " at [1, 2]" of element `index`, row major; "" of a scalar.
std::string describePlace(const std::vector<int64_t> &shape, uint64_t index);

//===----------------------------------------------------------------------===//
// 16 bits: rounded to nearest, ties to even; overflow is inf, NaN stays NaN.
// Inline and without branches, so that loops over elements become vectors.
//===----------------------------------------------------------------------===//

inline uint32_t toBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float toFloat(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline float fromBf16(uint16_t bits) { return toFloat(uint32_t(bits) << 16); }

inline uint16_t toBf16(float value) {
  uint32_t bits = toBits(value);
  // Half of the last place, less one if the kept part is even.
  uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1);
  uint32_t quiet = bits | 0x400000; // a NaN stays a (quiet) NaN
  return uint16_t(((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded) >> 16);
}

inline uint16_t toF16(float value) {
  uint32_t bits = toBits(value), magnitude = bits & 0x7fffffff;
  // Normal: the exponent's bias is less by 112, and 13 bits are dropped.
  uint32_t normal =
      (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
  // Below 2^-14: the addition of 1/2, whose last place is 2^-24, rounds.
  uint32_t subnormal = toBits(toFloat(magnitude) + 0.5f) - toBits(0.5f);
  uint32_t finite = magnitude < 0x38800000 ? subnormal : normal;
  // 65520 and above round to inf.
  uint32_t special = magnitude > 0x7f800000 ? 0x7e00 : 0x7c00;
  return uint16_t((bits >> 16 & 0x8000) |
                  (magnitude >= 0x477ff000 ? special : finite));
}

inline float fromF16(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16, rest = bits & 0x7fff;
  // In f32's fields the exponent is too small by 112, and by as much again for
  // infinity and NaN; subnormal numbers come right too.
  uint32_t magnitude = toBits(toFloat(rest << 13) * 0x1p112f);
  uint32_t special = 0x7f800000u | (rest & 0x3ff) << 13;
  return toFloat(sign | (rest >= 0x7c00 ? special : magnitude));
}

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_TENSOR_H
