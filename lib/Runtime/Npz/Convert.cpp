//===- Convert.cpp - Between numpy's types and the plan's
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A conversion is exact or refused: a label that does not fit or a pixel that
// would be rounded is a mistake in the data that training would hide.
//
//===----------------------------------------------------------------------===//

#include "vernier/Runtime/Npz.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>

using namespace vernier;

namespace {

//===----------------------------------------------------------------------===//
// 16-bit floats, as exact as the value allows
//===----------------------------------------------------------------------===//

float bitsToFloat(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

double halfToDouble(uint16_t bits) {
  int exponent = bits >> 10 & 31;
  int mantissa = bits & 1023;
  double value = exponent == 31  ? (mantissa ? NAN : INFINITY)
                 : exponent == 0 ? std::ldexp(mantissa, -24)
                                 : std::ldexp(1024 + mantissa, exponent - 25);
  return bits & 0x8000 ? -value : value;
}

/// The float of `mantissaBits` explicit bits and smallest normal exponent
/// `minExponent` that equals `value`; nothing if there is none.
std::optional<uint16_t> toSixteen(double value, int mantissaBits,
                                  int minExponent) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  uint16_t infinity =
      static_cast<uint16_t>((0x7fff >> mantissaBits) << mantissaBits);
  if (std::isnan(value))
    return sign | infinity | 1 << (mantissaBits - 1);
  if (std::isinf(value))
    return sign | infinity;
  if (value == 0)
    return sign;
  // value = units * 2^scale with the spacing of the value's binade.
  int exponent = std::max(std::ilogb(value), minExponent);
  double units = std::ldexp(std::fabs(value), mantissaBits - exponent);
  if (units != std::floor(units))
    return std::nullopt;
  uint32_t bits =
      static_cast<uint32_t>(units) +
      (static_cast<uint32_t>(exponent - minExponent) << mantissaBits);
  if (bits >= infinity)
    return std::nullopt;
  return static_cast<uint16_t>(sign | bits);
}

//===----------------------------------------------------------------------===//
// Exact conversion of one element
//===----------------------------------------------------------------------===//

/// Tags: what the elements of a plan's type are stored as.
struct BF16 {
  uint16_t bits;
};
struct F16 {
  uint16_t bits;
};
struct I1 {
  uint8_t value;
};

template <typename To, typename From> bool toInteger(From from, To &to) {
  if constexpr (std::is_floating_point_v<From>) {
    // Both bounds are exact powers of two; NaN fails the comparison.
    From bound = std::ldexp(From(1), std::numeric_limits<To>::digits);
    if (!(from >= -bound && from < bound))
      return false;
    to = static_cast<To>(from);
    return static_cast<From>(to) == from;
  } else {
    to = static_cast<To>(from);
    return static_cast<From>(to) == from && (to < 0) == (from < 0);
  }
}

template <typename From> bool toDouble(From from, double &to) {
  if constexpr (std::is_floating_point_v<From>) {
    to = from;
    return true;
  } else {
    // 2^53 and up is rounded, then fails to come back; the largest 64-bit
    // values would overflow on the way.
    to = static_cast<double>(from);
    return std::fabs(to) < 0x1p63 && static_cast<From>(to) == from;
  }
}

template <typename From> bool convert(From from, int32_t &to) {
  return toInteger(from, to);
}
template <typename From> bool convert(From from, int64_t &to) {
  return toInteger(from, to);
}

template <typename From> bool convert(From from, float &to) {
  double value;
  if (!toDouble(from, value))
    return false;
  to = static_cast<float>(value);
  return std::isnan(value) || static_cast<double>(to) == value;
}

template <typename From> bool convert(From from, I1 &to) {
  to.value = from == From(1);
  return from == From(0) || from == From(1);
}

template <typename From> bool convert(From from, BF16 &to) {
  double value;
  std::optional<uint16_t> bits;
  if (!toDouble(from, value) || !(bits = toSixteen(value, 7, -126)))
    return false;
  to.bits = *bits;
  return true;
}

template <typename From> bool convert(From from, F16 &to) {
  double value;
  std::optional<uint16_t> bits;
  if (!toDouble(from, value) || !(bits = toSixteen(value, 10, -14)))
    return false;
  to.bits = *bits;
  return true;
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

template <typename T> T load(const uint8_t *data) {
  T value;
  std::memcpy(&value, data, sizeof value);
  return value;
}

/// Reads a 16-bit float as double: the one source type that C++ lacks.
struct Half {
  uint16_t bits;
};

template <typename T> auto valueOf(T value) { return value; }
double valueOf(Half value) { return halfToDouble(value.bits); }

std::string position(const NpyInfo &info, uint64_t index) {
  std::vector<int64_t> place(info.shape.size());
  for (size_t i = place.size(); i-- > 0;) {
    place[i] =
        static_cast<int64_t>(index % static_cast<uint64_t>(info.shape[i]));
    index /= static_cast<uint64_t>(info.shape[i]);
  }
  std::string text;
  for (size_t i = 0; i < place.size(); ++i)
    text += (i ? ", " : "") + std::to_string(place[i]);
  return "[" + text + "]";
}

template <typename T> std::string print(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", static_cast<double>(value));
    return text;
  } else {
    return std::to_string(value);
  }
}

template <typename To, typename From>
std::vector<uint8_t> convertArray(const NpyArray &array, const char *target) {
  uint64_t count = array.elements();
  std::vector<uint8_t> result(count * sizeof(To));
  for (uint64_t i = 0; i < count; ++i) {
    auto from = valueOf(load<From>(array.data.data() + i * sizeof(From)));
    To to;
    if (!convert(from, to))
      throw NpzError(VERNIER_BAD_FILE,
                     "element " + position(array, i) + " is " + print(from) +
                         ", which " + target +
                         " cannot hold exactly; convert "
                         "the array yourself, e.g. with a.astype('" +
                         target + "')");
    std::memcpy(result.data() + i * sizeof(To), &to, sizeof(To));
  }
  return result;
}

template <typename To>
std::vector<uint8_t> convertFromAny(const NpyArray &array, const char *target) {
  switch (array.type) {
  case NpyType::Bool:
  case NpyType::U8:
    return convertArray<To, uint8_t>(array, target);
  case NpyType::I8:
    return convertArray<To, int8_t>(array, target);
  case NpyType::I16:
    return convertArray<To, int16_t>(array, target);
  case NpyType::U16:
    return convertArray<To, uint16_t>(array, target);
  case NpyType::I32:
    return convertArray<To, int32_t>(array, target);
  case NpyType::U32:
    return convertArray<To, uint32_t>(array, target);
  case NpyType::I64:
    return convertArray<To, int64_t>(array, target);
  case NpyType::U64:
    return convertArray<To, uint64_t>(array, target);
  case NpyType::F16:
    return convertArray<To, Half>(array, target);
  case NpyType::F32:
    return convertArray<To, float>(array, target);
  case NpyType::F64:
    return convertArray<To, double>(array, target);
  }
  throw NpzError(VERNIER_FAILED, "unknown element type");
}

} // namespace

std::vector<uint8_t> vernier::convertExactly(NpyArray array,
                                             vernier_dtype_t dtype) {
  if (array.data.size() != array.bytes())
    throw NpzError(VERNIER_FAILED, "the array is incomplete");
  bool same = (dtype == VERNIER_F32 && array.type == NpyType::F32) ||
              (dtype == VERNIER_I32 && array.type == NpyType::I32) ||
              (dtype == VERNIER_I64 && array.type == NpyType::I64);
  if (same)
    return std::move(array.data);
  switch (dtype) {
  case VERNIER_F32:
    return convertFromAny<float>(array, "float32");
  case VERNIER_BF16:
    return convertFromAny<BF16>(array, "bfloat16");
  case VERNIER_F16:
    return convertFromAny<F16>(array, "float16");
  case VERNIER_I32:
    return convertFromAny<int32_t>(array, "int32");
  case VERNIER_I64:
    return convertFromAny<int64_t>(array, "int64");
  case VERNIER_I1:
    return convertFromAny<I1>(array, "bool");
  }
  throw NpzError(VERNIER_FAILED, "unknown element type of the plan");
}

NpyArray vernier::toNpy(const std::string &name, vernier_dtype_t dtype,
                        std::vector<int64_t> shape, const void *data) {
  NpyArray array;
  array.name = name;
  array.shape = std::move(shape);
  switch (dtype) {
  case VERNIER_F32:
  case VERNIER_BF16:
    array.type = NpyType::F32;
    break;
  case VERNIER_F16:
    array.type = NpyType::F16;
    break;
  case VERNIER_I32:
    array.type = NpyType::I32;
    break;
  case VERNIER_I64:
    array.type = NpyType::I64;
    break;
  case VERNIER_I1:
    array.type = NpyType::Bool;
    break;
  }
  const auto *bytes = static_cast<const uint8_t *>(data);
  if (dtype != VERNIER_BF16) {
    array.data.assign(bytes, bytes + array.bytes());
    return array;
  }
  array.data.resize(array.bytes());
  for (uint64_t i = 0, count = array.elements(); i < count; ++i) {
    float value =
        bitsToFloat(static_cast<uint32_t>(load<uint16_t>(bytes + 2 * i)) << 16);
    std::memcpy(array.data.data() + 4 * i, &value, sizeof value);
  }
  return array;
}
