//===- NpzTest.cpp - NumPy archives
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Runtime/Npz.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>

using namespace vernier;

namespace {

/// A .npy file of version 1 with this dictionary.
std::string npy(const std::string &dict, char major = 1) {
  std::string text("\x93NUMPY", 6);
  text += major;
  text += '\0';
  size_t size = dict.size() + 1;
  text += static_cast<char>(size & 0xff);
  text += static_cast<char>(size >> 8 & 0xff);
  if (major > 1)
    text += std::string(2, '\0');
  return text + dict + "\n";
}

std::string messageOf(const std::string &bytes) {
  try {
    NpyInfo info;
    parseNpyHeader(bytes, info);
    return "accepted";
  } catch (const NpzError &error) {
    EXPECT_EQ(error.code(), VERNIER_BAD_FILE);
    return error.what();
  }
}

template <typename T>
NpyArray makeArray(NpyType type, const std::vector<T> &values) {
  NpyArray array;
  array.name = "a";
  array.type = type;
  array.shape = {static_cast<int64_t>(values.size())};
  array.data.resize(values.size() * sizeof(T));
  if (!values.empty())
    std::memcpy(array.data.data(), values.data(), array.data.size());
  return array;
}

template <typename T>
std::vector<T> elements(const std::vector<uint8_t> &bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

template <typename T>
std::string refusal(NpyType type, T value, vernier_dtype_t dtype) {
  try {
    convertExactly(makeArray<T>(type, {T(0), value}), dtype);
    return "accepted";
  } catch (const NpzError &error) {
    return error.what();
  }
}

std::string readFile(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Headers as numpy writes them, in each version.
TEST(Npy, ReadsHeaders) {
  NpyInfo info;
  std::string text =
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }  ");
  EXPECT_EQ(parseNpyHeader(text + "data", info), text.size());
  EXPECT_EQ(info.type, NpyType::F32);
  EXPECT_EQ(info.shape, (std::vector<int64_t>{3, 4}));
  for (char major : {2, 3}) {
    text = npy("{\"shape\":(7,),'descr':'|u1','fortran_order':True}", major);
    EXPECT_EQ(parseNpyHeader(text, info), text.size());
    EXPECT_EQ(info.type, NpyType::U8);
    EXPECT_EQ(info.shape, (std::vector<int64_t>{7}));
  }
  parseNpyHeader(npy("{'descr': '<i8', 'fortran_order': False, 'shape': ()}"),
                 info);
  EXPECT_EQ(info.elements(), 1u);
}

// What cannot be read is refused with the reason and what to do.
TEST(Npy, RefusesOtherHeaders) {
  auto with = [](const char *descr, const char *order, const char *shape) {
    return messageOf(npy(std::string("{'descr': ") + descr +
                         ", 'fortran_order': " + order + ", 'shape': " + shape +
                         "}"));
  };
  EXPECT_NE(with("'>f4'", "False", "(3,)").find("big endian"),
            std::string::npos);
  EXPECT_NE(with("'<c8'", "False", "(3,)").find("not supported"),
            std::string::npos);
  EXPECT_NE(with("'|V2'", "False", "(3,)").find("not supported"),
            std::string::npos);
  EXPECT_NE(with("'|O'", "False", "(3,)").find("not supported"),
            std::string::npos);
  EXPECT_NE(with("[('x', '<f4')]", "False", "(3,)").find("structured"),
            std::string::npos);
  EXPECT_NE(with("'<f4'", "True", "(3, 4)").find("Fortran"), std::string::npos);
  EXPECT_NE(with("'<f4'", "Maybe", "(3, 4)").find("neither True nor False"),
            std::string::npos);
  EXPECT_NE(with("'<f4'", "False", "(3, -4)").find("tuple of numbers"),
            std::string::npos);
  EXPECT_NE(with("'<f4'", "False", "(99999999999999999999,)").find("too large"),
            std::string::npos);
  EXPECT_NE(
      with("'<f4'", "False", "(4294967296, 4294967296)").find("too large"),
      std::string::npos);
  EXPECT_NE(with("'<f4'", "False", "(3,), 'shape': (3,)").find("twice"),
            std::string::npos);
  EXPECT_NE(with("'<f4'", "False", "(3,), 'x': (3,)").find("unknown key"),
            std::string::npos);
  EXPECT_NE(messageOf(npy("{'descr': '<f4'}")).find("lacks"),
            std::string::npos);
  EXPECT_NE(messageOf(npy("{}", 4)).find("version is 4.0"), std::string::npos);
  EXPECT_NE(messageOf("PK\3\4 not an array").find("not a .npy"),
            std::string::npos);
}

// Our header is one that we (and numpy) read; data starts at a multiple of 64.
TEST(Npy, WritesHeaders) {
  for (std::vector<int64_t> shape : {std::vector<int64_t>{}, {5}, {2, 3, 4}}) {
    NpyInfo info, again;
    info.type = NpyType::F64;
    info.shape = shape;
    std::string header = npyHeader(info);
    EXPECT_EQ(header.size() % 64, 0u);
    EXPECT_EQ(parseNpyHeader(header, again), header.size());
    EXPECT_EQ(again.shape, shape);
    EXPECT_EQ(again.type, info.type);
  }
}

// What is written is read back, and the bytes depend on the arrays alone.
TEST(Npz, RoundTrips) {
  std::string path = testing::TempDir() + "vernier-npz-test.npz";
  NpyArray a = makeArray<float>(NpyType::F32, {1, 2, 3, 4});
  a.shape = {2, 2};
  NpyArray b = makeArray<int64_t>(NpyType::I64, {});
  b.name = "empty";
  writeNpz(path, {a, b});
  std::string bytes = readFile(path);
  writeNpz(path, {a, b});
  EXPECT_EQ(readFile(path), bytes);
  NpzReader reader(path);
  ASSERT_EQ(reader.arrays().size(), 2u);
  EXPECT_EQ(reader.read("a").data, a.data);
  EXPECT_EQ(reader.read("a").shape, a.shape);
  EXPECT_EQ(reader.read("empty").data.size(), 0u);
  EXPECT_EQ(reader.names(), (std::vector<std::string>{"a", "empty"}));
  EXPECT_FALSE(reader.contains("b"));
  EXPECT_THROW(reader.info("b"), NpzError);
  EXPECT_THROW(reader.read("b"), NpzError);
  std::remove(path.c_str());
}

// A missing file and a folder that is not there name the path.
TEST(Npz, NamesThePath) {
  try {
    NpzReader reader("/nonexistent/train.npz");
    FAIL();
  } catch (const NpzError &error) {
    EXPECT_EQ(error.code(), VERNIER_BAD_FILE);
    EXPECT_STREQ(
        error.what(),
        "/nonexistent/train.npz: cannot be opened: No such file or directory");
  }
  try {
    writeNpz("/nonexistent/out.npz", {makeArray<float>(NpyType::F32, {1})});
    FAIL();
  } catch (const NpzError &error) {
    EXPECT_EQ(error.code(), VERNIER_RESOURCES);
  }
}

// Truncated and altered archives are read in full or refused: no crash, no
// endless loop, no data that differs from the original unnoticed.
TEST(Npz, SurvivesAnyBytes) {
  std::string path = testing::TempDir() + "vernier-npz-hostile.npz";
  std::vector<float> values(300);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(i);
  NpyArray original = makeArray<float>(NpyType::F32, values);
  writeNpz(path, {original});
  const std::string bytes = readFile(path);
  std::remove(path.c_str());

  auto check = [&](const std::string &hostile) {
    try {
      NpzReader reader(hostile.data(), hostile.size(), "hostile");
      for (const NpyInfo &info : reader.arrays()) {
        NpyArray array = reader.read(info.name);
        if (info.type == original.type && info.shape == original.shape)
          EXPECT_EQ(array.data, original.data);
      }
    } catch (const NpzError &) {
    }
  };
  for (size_t size = 0; size < bytes.size(); ++size)
    check(bytes.substr(0, size));
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string hostile = bytes;
    for (int n = 1 + round % 4; n > 0; --n)
      hostile[random() % hostile.size()] = static_cast<char>(random());
    check(hostile);
  }
}

// Whatever became of one array, the others are read.
TEST(Npz, ArraysAreIndependent) {
  std::string path = testing::TempDir() + "vernier-npz-two.npz";
  NpyArray a = makeArray<float>(NpyType::F32, {1, 2, 3});
  NpyArray b = makeArray<float>(NpyType::F32, {4, 5, 6});
  b.name = "b";
  writeNpz(path, {a, b});
  const std::string bytes = readFile(path);
  std::remove(path.c_str());
  size_t magic = bytes.rfind("\x93NUMPY"), end = bytes.find("PK\x01\x02");
  for (size_t at = magic; at < end; ++at) {
    std::string hostile = bytes;
    hostile[at] ^= 1;
    NpzReader reader(hostile.data(), hostile.size(), "hostile");
    EXPECT_EQ(reader.read("a").data, a.data);
    EXPECT_THROW(reader.read("b"), NpzError) << at - magic;
  }
}

// Values move between types only if they stay the same.
TEST(Convert, IsExactOrRefused) {
  auto i32 = [](const std::vector<uint8_t> &bytes) {
    return elements<int32_t>(bytes);
  };
  EXPECT_EQ(
      i32(convertExactly(makeArray<int64_t>(NpyType::I64, {-5, 2147483647}),
                         VERNIER_I32)),
      (std::vector<int32_t>{-5, 2147483647}));
  EXPECT_EQ(i32(convertExactly(makeArray<uint8_t>(NpyType::U8, {0, 255}),
                               VERNIER_I32)),
            (std::vector<int32_t>{0, 255}));
  EXPECT_EQ(i32(convertExactly(makeArray<double>(NpyType::F64, {3, -4}),
                               VERNIER_I32)),
            (std::vector<int32_t>{3, -4}));
  EXPECT_EQ(refusal<int64_t>(NpyType::I64, 2147483648, VERNIER_I32),
            "element [1] is 2147483648, which int32 cannot hold exactly; "
            "convert the array "
            "yourself, e.g. with a.astype('int32')");
  EXPECT_NE(refusal<double>(NpyType::F64, 0.5, VERNIER_I32), "accepted");
  EXPECT_NE(refusal<float>(NpyType::F32, 2147483648.0f, VERNIER_I32),
            "accepted");
  EXPECT_NE(refusal<float>(NpyType::F32, NAN, VERNIER_I32), "accepted");
  EXPECT_NE(refusal<uint64_t>(NpyType::U64, UINT64_MAX, VERNIER_I64),
            "accepted");
  EXPECT_NE(refusal<uint64_t>(NpyType::U64, UINT64_MAX, VERNIER_F32),
            "accepted");
  EXPECT_EQ(refusal<uint64_t>(NpyType::U64, 1ull << 40, VERNIER_F32),
            "accepted");
  EXPECT_NE(refusal<int64_t>(NpyType::I64, INT64_MAX, VERNIER_F32), "accepted");
  EXPECT_NE(refusal<int32_t>(NpyType::I32, 16777217, VERNIER_F32), "accepted");
  EXPECT_NE(refusal<double>(NpyType::F64, 0.1, VERNIER_F32), "accepted");
  EXPECT_EQ(refusal<double>(NpyType::F64, 0.5, VERNIER_F32), "accepted");
  EXPECT_EQ(refusal<double>(NpyType::F64, NAN, VERNIER_F32), "accepted");
  EXPECT_NE(refusal<double>(NpyType::F64, 1e300, VERNIER_F32), "accepted");
  EXPECT_EQ(refusal<uint8_t>(NpyType::U8, 1, VERNIER_I1), "accepted");
  EXPECT_NE(refusal<uint8_t>(NpyType::U8, 2, VERNIER_I1), "accepted");
}

// Every finite float16 and bfloat16 comes through a round trip; their
// neighbours half a step away are refused.
TEST(Convert, SixteenBits) {
  std::vector<uint16_t> bits(65536);
  for (size_t i = 0; i < bits.size(); ++i)
    bits[i] = static_cast<uint16_t>(i);
  NpyArray half = makeArray<uint16_t>(NpyType::F16, bits);
  std::vector<float> wide = elements<float>(convertExactly(half, VERNIER_F32));
  std::vector<uint16_t> again = elements<uint16_t>(
      convertExactly(makeArray<float>(NpyType::F32, wide), VERNIER_F16));
  for (size_t i = 0; i < bits.size(); ++i)
    if (!std::isnan(wide[i]))
      EXPECT_EQ(again[i], bits[i]);
  NpyArray brain = toNpy("b", VERNIER_BF16, {65536}, bits.data());
  EXPECT_EQ(brain.type, NpyType::F32);
  wide = elements<float>(brain.data);
  again = elements<uint16_t>(convertExactly(brain, VERNIER_BF16));
  for (size_t i = 0; i < bits.size(); ++i)
    if (!std::isnan(wide[i]))
      EXPECT_EQ(again[i], bits[i]);
  EXPECT_EQ(refusal<float>(NpyType::F32, 65504.0f, VERNIER_F16), "accepted");
  EXPECT_NE(refusal<float>(NpyType::F32, 65520.0f, VERNIER_F16), "accepted");
  EXPECT_NE(refusal<float>(NpyType::F32, 0x1p-25f, VERNIER_F16), "accepted");
  EXPECT_NE(refusal<float>(NpyType::F32, 1.00390625f, VERNIER_BF16),
            "accepted");
}

} // namespace
