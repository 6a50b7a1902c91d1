//===- Archive.cpp - NumPy archives as arrays of doubles
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Archive.h"

#include "vernier/Runtime/Npz.h"

#include <cmath>
#include <cstring>

namespace vernier {

template <typename T> static std::vector<double> widen(const NpyArray &array) {
  std::vector<T> values(array.elements());
  std::memcpy(values.data(), array.data.data(), values.size() * sizeof(T));
  return std::vector<double>(values.begin(), values.end());
}

/// IEEE 754 binary16: a sign, five bits of exponent, ten of mantissa.
static double halfToDouble(uint16_t bits) {
  int exponent = bits >> 10 & 0x1f, mantissa = bits & 0x3ff;
  double magnitude = exponent == 0x1f
                         ? (mantissa ? NAN : HUGE_VAL)
                         : std::ldexp(exponent ? mantissa + 1024 : mantissa,
                                      (exponent ? exponent : 1) - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

static std::vector<double> readElements(const NpyArray &array) {
  switch (array.type) {
  case NpyType::Bool:
  case NpyType::U8:
    return widen<uint8_t>(array);
  case NpyType::I8:
    return widen<int8_t>(array);
  case NpyType::I16:
    return widen<int16_t>(array);
  case NpyType::U16:
    return widen<uint16_t>(array);
  case NpyType::I32:
    return widen<int32_t>(array);
  case NpyType::U32:
    return widen<uint32_t>(array);
  case NpyType::I64:
    return widen<int64_t>(array);
  case NpyType::U64:
    return widen<uint64_t>(array);
  case NpyType::F32:
    return widen<float>(array);
  case NpyType::F64:
    return widen<double>(array);
  case NpyType::F16: {
    std::vector<double> values = widen<uint16_t>(array);
    for (double &value : values)
      value = halfToDouble(static_cast<uint16_t>(value));
    return values;
  }
  }
  return {};
}

template <typename T>
static void narrow(const std::vector<double> &elements, NpyArray &array) {
  std::vector<T> values(elements.begin(), elements.end());
  array.data.resize(values.size() * sizeof(T));
  std::memcpy(array.data.data(), values.data(), array.data.size());
}

static void writeElements(const Array &source, NpyArray &array) {
  switch (source.type) {
  case ArrayType::Bool:
    array.type = NpyType::Bool;
    return narrow<uint8_t>(source.elements, array);
  case ArrayType::I32:
    array.type = NpyType::I32;
    return narrow<int32_t>(source.elements, array);
  case ArrayType::I64:
    array.type = NpyType::I64;
    return narrow<int64_t>(source.elements, array);
  case ArrayType::F32:
    array.type = NpyType::F32;
    return narrow<float>(source.elements, array);
  case ArrayType::F64:
    array.type = NpyType::F64;
    return narrow<double>(source.elements, array);
  }
}

std::string readArchive(const std::string &path, Arrays &arrays) try {
  NpzReader reader(path);
  for (const NpyInfo &info : reader.arrays())
    arrays[info.name] = {ArrayType::F64, info.shape,
                         readElements(reader.read(info.name))};
  return {};
} catch (const std::exception &error) {
  return error.what();
}

std::string writeArchive(const std::string &path, const Arrays &arrays) try {
  std::vector<NpyArray> written;
  for (const auto &[name, source] : arrays) {
    NpyArray array;
    array.name = name;
    array.shape = source.shape;
    writeElements(source, array);
    written.push_back(std::move(array));
  }
  writeNpz(path, written);
  return {};
} catch (const std::exception &error) {
  return error.what();
}

} // namespace vernier
