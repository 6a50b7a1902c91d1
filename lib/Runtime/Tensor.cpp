//===- Tensor.cpp - Element types, shapes and their sizes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Tensor.h"

#include <cstring>
#include <utility>

using namespace vernier::runtime;

uint64_t vernier::runtime::sizeOf(vernier_dtype_t dtype) {
  switch (dtype) {
  case VERNIER_F32:
  case VERNIER_I32:
    return 4;
  case VERNIER_BF16:
  case VERNIER_F16:
    return 2;
  case VERNIER_I64:
    return 8;
  case VERNIER_I1:
    return 1;
  }
  return 0;
}

const char *vernier::runtime::nameOf(vernier_dtype_t dtype) {
  switch (dtype) {
  case VERNIER_F32:
    return "f32";
  case VERNIER_BF16:
    return "bf16";
  case VERNIER_F16:
    return "f16";
  case VERNIER_I32:
    return "i32";
  case VERNIER_I64:
    return "i64";
  case VERNIER_I1:
    return "i1";
  }
  return "unknown";
}

Tensor::Tensor(std::string name, vernier_dtype_t dtype,
               std::vector<int64_t> shape, int64_t classes)
    : name(std::move(name)), dtype(dtype), shape(std::move(shape)),
      bytes(sizeOf(dtype)), classes(classes) {
  for (int64_t extent : this->shape)
    bytes *= static_cast<uint64_t>(extent);
}

vernier_tensor_info_t Tensor::getInfo() const {
  return {name.c_str(), dtype, shape.size(), shape.data(), bytes, classes};
}

std::string vernier::runtime::describe(vernier_dtype_t dtype,
                                       const std::vector<int64_t> &shape) {
  std::string text = nameOf(dtype);
  text += '[';
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + ']';
}

uint16_t vernier::runtime::toBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return static_cast<uint16_t>(bits >> 16 | 0x40); // keep NaN a (quiet) NaN
  // Half of the last place, less one if the kept part is even.
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

uint16_t vernier::runtime::toF16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  bits &= 0x7fffffff;
  if (bits > 0x7f800000)
    return sign | 0x7e00;
  if (bits >= 0x477ff000) // 65520 and above round to inf
    return sign | 0x7c00;
  int exponent = static_cast<int>(bits >> 23) - 127;
  if (exponent < -25)
    return sign;
  uint32_t mantissa = (bits & 0x7fffff) | 0x800000;
  // Normal: 13 bits are dropped. Below 2^-14 one more for each power of two.
  int shift = exponent >= -14 ? 13 : 13 + (-14 - exponent);
  uint32_t kept = mantissa >> shift;
  uint32_t rest = mantissa & ((1u << shift) - 1), half = 1u << (shift - 1);
  kept += rest > half || (rest == half && (kept & 1));
  // The implicit bit of a normal number adds one to the exponent field.
  uint32_t field = exponent >= -14 ? static_cast<uint32_t>(exponent + 14) : 0;
  return static_cast<uint16_t>(sign | ((field << 10) + kept));
}

float vernier::runtime::fromBf16(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}
