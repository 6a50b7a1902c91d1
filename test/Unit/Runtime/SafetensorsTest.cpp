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
#include <memory>
#include <random>
#include <set>

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

/// A file of some layers, as a checkpoint's, in all types.
static std::vector<uint8_t> makeModel() {
  std::vector<Tensor> tensors;
  for (int layer = 0; layer < 3; ++layer) {
    std::string name = "layers." + std::to_string(layer);
    tensors.emplace_back(name + ".weight", VERNIER_F32,
                         std::vector<int64_t>{8, 12});
    tensors.emplace_back(name + ".weight.m", VERNIER_BF16,
                         std::vector<int64_t>{8, 12});
    tensors.emplace_back(name + ".scale", VERNIER_F16, std::vector<int64_t>{5});
    tensors.emplace_back(name + ".mask", VERNIER_I1,
                         std::vector<int64_t>{2, 1, 3});
  }
  tensors.emplace_back("train.step", VERNIER_I32, std::vector<int64_t>{});
  tensors.emplace_back("ids", VERNIER_I64, std::vector<int64_t>{4});
  std::vector<const Tensor *> pointers;
  size_t bytes = 0;
  for (const Tensor &tensor : tensors) {
    pointers.push_back(&tensor);
    bytes += tensor.getBytes();
  }
  std::string header = makeSafetensorsHeader(pointers);
  std::vector<uint8_t> file(header.begin(), header.end());
  std::mt19937 random(2);
  for (size_t i = 0; i < bytes; ++i)
    file.push_back(uint8_t(random()));
  return file;
}

/// Read a file, and if it is accepted look at all that it says: tensors whose
/// shapes are as large as their data, which fill the file behind the header.
static bool readsConsistently(const std::vector<uint8_t> &file) {
  std::unique_ptr<uint8_t[]> bytes(new uint8_t[file.size()]);
  std::copy(file.begin(), file.end(), bytes.get());
  std::vector<StoredTensor> tensors;
  Status status = readSafetensors(bytes.get(), file.size(), tensors);
  if (!status.ok()) {
    EXPECT_EQ(status.getCode(), VERNIER_BAD_FILE);
    EXPECT_FALSE(status.getMessage().empty());
    return false;
  }
  uint64_t header = 0;
  std::memcpy(&header, file.data(), 8);
  const uint8_t *place = bytes.get() + 8 + header;
  std::set<std::string> names;
  for (const StoredTensor &tensor : tensors) {
    uint64_t size = sizeOf(tensor.dtype);
    for (int64_t extent : tensor.shape)
      size *= uint64_t(extent);
    EXPECT_EQ(tensor.bytes, size) << tensor.name;
    EXPECT_EQ(tensor.data, place) << tensor.name;
    EXPECT_TRUE(names.insert(tensor.name).second) << tensor.name;
    place += tensor.bytes;
  }
  EXPECT_EQ(place, bytes.get() + file.size());
  return true;
}

// A file that ends anywhere is refused.
TEST(Safetensors, EveryPrefixIsRefused) {
  std::vector<uint8_t> good = makeModel();
  ASSERT_TRUE(readsConsistently(good));
  for (size_t size = 0; size < good.size(); ++size)
    ASSERT_FALSE(readsConsistently({good.begin(), good.begin() + size}));
}

// 100,000 times some bytes are altered: the file is refused, or it is another
// one that is right, such as one with other names. In the data, which have no
// hash of their own, nothing is noticed: a checkpoint's manifest has one.
TEST(Safetensors, RandomDamage) {
  std::vector<uint8_t> good = makeModel();
  uint64_t header = 0;
  std::memcpy(&header, good.data(), 8);
  std::mt19937 random(1);
  int ofHeader = 0, accepted = 0;
  for (int i = 0; i < 100000; ++i) {
    std::vector<uint8_t> bytes = good;
    bool isHeader = false;
    for (int flips = 1 + random() % 3; flips > 0; --flips) {
      size_t at = random() % bytes.size();
      isHeader |= at < 8 + header;
      if (random() % 2)
        bytes[at] ^= uint8_t(1 << random() % 8);
      else
        bytes[at] = uint8_t(random());
    }
    bool reads = readsConsistently(bytes);
    ofHeader += isHeader;
    accepted += isHeader && reads;
    if (!isHeader)
      ASSERT_TRUE(reads);
  }
  EXPECT_GT(ofHeader, 50000);
  EXPECT_GT(accepted, 0);
  EXPECT_LT(accepted, ofHeader / 2);
}
