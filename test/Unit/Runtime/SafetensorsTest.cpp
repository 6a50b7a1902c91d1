//===- SafetensorsTest.cpp - The strict readers of JSON and safetensors
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Safetensors.h"
#include "Runtime/Json.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace vernier::runtime;

/// A file of this header and so many bytes of data.
static std::vector<uint8_t> makeFile(const std::string &header, size_t data,
                                     int64_t headerSize = -1) {
  uint64_t size = headerSize < 0 ? header.size() : headerSize;
  std::vector<uint8_t> file(8);
  std::memcpy(file.data(), &size, 8);
  file.insert(file.end(), header.begin(), header.end());
  file.resize(file.size() + data);
  return file;
}

static Status read(const std::vector<uint8_t> &file) {
  // Exactly as long as the file, so that a sanitizer sees reads behind it.
  std::unique_ptr<uint8_t[]> bytes(new uint8_t[file.size()]);
  std::copy(file.begin(), file.end(), bytes.get());
  std::vector<StoredTensor> tensors;
  return readSafetensors(bytes.get(), file.size(), tensors);
}

static void expectBad(const std::string &part, const std::string &header,
                      size_t data = 8) {
  Status status = read(makeFile(header, data));
  EXPECT_EQ(status.getCode(), VERNIER_BAD_FILE) << header;
  EXPECT_NE(status.getMessage().find(part), std::string::npos)
      << status.getMessage();
}

// What is written is read, scalars and booleans included; data are aligned.
TEST(Safetensors, RoundTrip) {
  Tensor a("layer \"0\"\n", VERNIER_F32, {2, 3}), b("b", VERNIER_BF16, {5}),
      c("scalar", VERNIER_I64, {}), d("mask", VERNIER_I1, {3}),
      e("h", VERNIER_F16, {1, 1}), f("i", VERNIER_I32, {2});
  std::vector<const Tensor *> tensors = {&a, &b, &c, &d, &e, &f};
  std::string header = makeSafetensorsHeader(tensors);
  EXPECT_EQ(header.size() % 64, 0u);
  std::vector<uint8_t> file(header.begin(), header.end());
  size_t start = file.size();
  file.resize(start + 24 + 10 + 8 + 3 + 2 + 8);
  std::vector<StoredTensor> stored;
  Status status = readSafetensors(file.data(), file.size(), stored);
  ASSERT_TRUE(status.ok()) << status.getMessage();
  ASSERT_EQ(stored.size(), tensors.size());
  for (size_t i = 0; i < stored.size(); ++i) {
    EXPECT_EQ(stored[i].name, tensors[i]->getName());
    EXPECT_EQ(stored[i].dtype, tensors[i]->getDType());
    EXPECT_EQ(stored[i].shape, tensors[i]->getShape());
    EXPECT_EQ(stored[i].bytes, tensors[i]->getBytes());
  }
  EXPECT_EQ(stored[1].data, file.data() + start + 24);
  EXPECT_TRUE(read(makeFile("{}", 0)).ok());
  EXPECT_TRUE(read(makeFile("{\"__metadata__\": {\"k\": \"v\"}}  ", 0)).ok());
}

TEST(Safetensors, Refuses) {
  const std::string good =
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  EXPECT_TRUE(read(makeFile(good, 8)).ok());
  expectBad("bytes at the end belong to no tensor", good, 9);
  expectBad("outside the file", good, 7);
  expectBad("occurs twice",
            R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
            R"("a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})");
  expectBad("hole or an overlap",
            R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
            R"("b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})");
  expectBad("hole",
            R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})");
  expectBad("unknown dtype F64",
            R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})");
  expectBad("unknown dtype (none)", R"({"a":{"shape":[1]}})");
  expectBad("no object", R"({"a":3})");
  expectBad("8 bytes, its shape needs 12",
            R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})");
  expectBad("malformed or too large",
            R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}})");
  expectBad("malformed or too large",
            R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],)"
            R"("data_offsets":[0,8]}})");
  expectBad("data_offsets are malformed",
            R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}})");
  expectBad("data_offsets are malformed",
            R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8.5]}})");
  expectBad("outside the file",
            R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})");
  expectBad("its header is not JSON", "[]");
  expectBad("its header is not JSON", "");
  expectBad("bad JSON", "{\"a\":");
  expectBad("bad JSON", "{\"\xff\":1}");
  expectBad("bad JSON", "{\"a\":1e999}");
  std::string deep = "{\"a\":";
  for (int i = 0; i < 100000; ++i)
    deep += '[';
  expectBad("nested too deeply", deep);
  EXPECT_EQ(read({1, 2, 3}).getCode(), VERNIER_BAD_FILE);
  EXPECT_EQ(read(makeFile(good, 8, 1'000'000'000'000)).getCode(),
            VERNIER_BAD_FILE);
  EXPECT_EQ(read(makeFile(good, 8, good.size() + 9)).getCode(),
            VERNIER_BAD_FILE);
}

// Any damage gives a status, never a crash.
TEST(Safetensors, RandomDamage) {
  const std::string header =
      R"({"__metadata__":{"format":"x"},)"
      R"("a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"BOOL","shape":[],"data_offsets":[8,9]}})";
  std::vector<uint8_t> good = makeFile(header, 9);
  ASSERT_TRUE(read(good).ok());
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(read({good.begin(), good.begin() + size}).ok());
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::vector<uint8_t> bytes = good;
    for (int flips = 1 + random() % 3; flips > 0; --flips)
      bytes[random() % bytes.size()] = random();
    (void)read(bytes).ok();
  }
}
