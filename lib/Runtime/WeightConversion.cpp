//===- WeightConversion.cpp - Values of a file as a state has them
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/WeightConversion.h"

#include <cctype>
#include <cmath>
#include <cstring>
#include <type_traits>

using namespace vernier::runtime;

//===----------------------------------------------------------------------===//
// One value
//===----------------------------------------------------------------------===//

namespace {

/// 16-bit floats, which C++ lacks: what they are stored as.
struct BF16 {
  uint16_t bits;
};
struct F16 {
  uint16_t bits;
};

} // namespace

static double toValue(double value) { return value; }
static double toValue(float value) { return value; }
static double toValue(BF16 value) { return fromBf16(value.bits); }
static double toValue(F16 value) { return fromF16(value.bits); }

/// The f32 towards zero from `value`, with its last bit set if it is not exact
/// (rounding to odd): rounding this once more, to 16 bits, gives what rounding
/// `value` at once would. See Boldo and Melquiond, "When double rounding is
/// odd", 2005.
static float roundToOdd(double value) {
  auto nearest = static_cast<float>(value);
  if (static_cast<double>(nearest) == value)
    return nearest;
  uint32_t bits = toBits(nearest);
  if (std::fabs(static_cast<double>(nearest)) > std::fabs(value))
    --bits;
  return toFloat(bits | 1);
}

static void round(double value, float &to) { to = static_cast<float>(value); }
static void round(double value, BF16 &to) {
  to.bits = toBf16(roundToOdd(value));
}
static void round(double value, F16 &to) { to.bits = toF16(roundToOdd(value)); }

//===----------------------------------------------------------------------===//
// All values
//===----------------------------------------------------------------------===//

template <typename T> static T load(const uint8_t *data, uint64_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));
  return value;
}

template <typename From, typename To>
static Status convertFloats(const StoredTensor &stored, bool infinityIsMeant,
                            const char *target, ConvertedValues &converted) {
  constexpr bool isSame = std::is_same_v<From, To>;
  uint64_t count = stored.bytes / sizeof(From);
  if (!isSame)
    converted.bytes.resize(count * sizeof(To));
  for (uint64_t i = 0; i < count; ++i) {
    double value = toValue(load<From>(stored.data, i));
    if (!std::isfinite(value) && !(infinityIsMeant && std::isinf(value)))
      return badFile("it holds ", std::isnan(value) ? "nan" : join(value),
                     describePlace(stored.shape, i));
    if (isSame)
      continue;
    To to;
    round(value, to);
    double after = toValue(to);
    if (std::isinf(after) && !std::isinf(value))
      return badFile("it holds ", value, describePlace(stored.shape, i),
                     ", which ", target, " cannot");
    converted.rounded += after != value;
    converted.vanished += after == 0 && value != 0;
    std::memcpy(converted.bytes.data() + i * sizeof(To), &to, sizeof(To));
  }
  return {};
}

template <typename From, typename To>
static Status convertIntegers(const StoredTensor &stored, const char *target,
                              ConvertedValues &converted) {
  if (std::is_same_v<From, To>)
    return {};
  uint64_t count = stored.bytes / sizeof(From);
  converted.bytes.resize(count * sizeof(To));
  for (uint64_t i = 0; i < count; ++i) {
    From value = load<From>(stored.data, i);
    auto to = static_cast<To>(value);
    if (static_cast<From>(to) != value || (to < 0) != (value < 0))
      return badFile("it holds ", +value, describePlace(stored.shape, i),
                     ", which ", target, " cannot");
    std::memcpy(converted.bytes.data() + i * sizeof(To), &to, sizeof(To));
  }
  return {};
}

static Status checkBooleans(const StoredTensor &stored) {
  for (uint64_t i = 0; i < stored.bytes; ++i)
    if (stored.data[i] > 1)
      return badFile("it holds ", +stored.data[i],
                     describePlace(stored.shape, i),
                     ", expected booleans, 0 or 1");
  return {};
}

static Status refuseType(const StoredTensor &stored, const char *target) {
  return badFile("values of type ", stored.typeName, " do not become ", target,
                 ": floats become floats, integers integers");
}

//===----------------------------------------------------------------------===//
// By type
//===----------------------------------------------------------------------===//

template <typename To>
static Status toFloats(const StoredTensor &stored, bool infinityIsMeant,
                       const char *target, ConvertedValues &converted) {
  switch (stored.type) {
  case StoredType::f32:
    return convertFloats<float, To>(stored, infinityIsMeant, target, converted);
  case StoredType::bf16:
    return convertFloats<BF16, To>(stored, infinityIsMeant, target, converted);
  case StoredType::f16:
    return convertFloats<F16, To>(stored, infinityIsMeant, target, converted);
  case StoredType::f64:
    return convertFloats<double, To>(stored, infinityIsMeant, target,
                                     converted);
  default:
    return refuseType(stored, target);
  }
}

template <typename To>
static Status toIntegers(const StoredTensor &stored, const char *target,
                         ConvertedValues &converted) {
  switch (stored.type) {
  case StoredType::i8:
    return convertIntegers<int8_t, To>(stored, target, converted);
  case StoredType::u8:
    return convertIntegers<uint8_t, To>(stored, target, converted);
  case StoredType::i16:
    return convertIntegers<int16_t, To>(stored, target, converted);
  case StoredType::u16:
    return convertIntegers<uint16_t, To>(stored, target, converted);
  case StoredType::i32:
    return convertIntegers<int32_t, To>(stored, target, converted);
  case StoredType::u32:
    return convertIntegers<uint32_t, To>(stored, target, converted);
  case StoredType::i64:
    return convertIntegers<int64_t, To>(stored, target, converted);
  case StoredType::u64:
    return convertIntegers<uint64_t, To>(stored, target, converted);
  default:
    return refuseType(stored, target);
  }
}

Status vernier::runtime::convertValues(const StoredTensor &stored,
                                       vernier_dtype_t dtype,
                                       bool infinityIsMeant,
                                       ConvertedValues &converted) {
  const char *target = nameOf(dtype);
  switch (dtype) {
  case VERNIER_F32:
    return toFloats<float>(stored, infinityIsMeant, target, converted);
  case VERNIER_BF16:
    return toFloats<BF16>(stored, infinityIsMeant, target, converted);
  case VERNIER_F16:
    return toFloats<F16>(stored, infinityIsMeant, target, converted);
  case VERNIER_I32:
    return toIntegers<int32_t>(stored, target, converted);
  case VERNIER_I64:
    return toIntegers<int64_t>(stored, target, converted);
  case VERNIER_I1:
    return stored.type == StoredType::boolean ? checkBooleans(stored)
                                              : refuseType(stored, target);
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

std::string vernier::runtime::describe(const StoredTensor &stored) {
  std::string text;
  for (char c : stored.typeName)
    text += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  text += '[';
  for (size_t i = 0; i < stored.shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(stored.shape[i]);
  return text + ']';
}
