//===- InitialWeightsTest.cpp - Weights from files of anyone
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"

#include "Runtime/WeightConversion.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <map>
#include <tuple>

using namespace vernier;
using namespace vernier::test;
using namespace vernier::runtime;

namespace {

/// A file of tensors, in memory.
class File {
public:
  /// Adds a tensor, or replaces it.
  template <typename T>
  File &add(const char *name, const char *type, std::vector<int64_t> shape,
            const std::vector<T> &values) {
    const char *data = reinterpret_cast<const char *>(values.data());
    tensors[name] = {{{"dtype", type}, {"shape", shape}},
                     std::string(data, values.size() * sizeof(T))};
    return *this;
  }
  vernier_status_t load(test::Session &session,
                        vernier_weights_options_t options = {}) const {
    nlohmann::json header = nlohmann::json::object();
    std::string data, file(8, '\0');
    for (auto [name, tensor] : tensors) {
      tensor.first["data_offsets"] = {data.size(),
                                      data.size() + tensor.second.size()};
      header[name] = tensor.first;
      data += tensor.second;
    }
    uint64_t size = header.dump().size();
    std::memcpy(file.data(), &size, 8);
    file += header.dump() + data;
    return vernier_session_load_weights_memory(session.handle, file.data(),
                                               file.size(), "file", &options);
  }

private:
  /// By name: description and bytes.
  std::map<std::string, std::pair<nlohmann::json, std::string>> tensors;
};

} // namespace

static std::vector<float> count(size_t size) {
  std::vector<float> values(size);
  for (size_t i = 0; i < size; ++i)
    values[i] = float(i) + 0.5f;
  return values;
}

// Weights are written, copies derived from them, and nothing is said.
TEST(InitialWeights, Loads) {
  test::Plan plan(makeTrainingPlan());
  test::Session session(plan.handle);
  vernier_status_t status =
      File().add("w", "F32", {4, 4}, count(16)).load(session);
  EXPECT_EQ(status.code, VERNIER_OK);
  EXPECT_EQ(status.message, nullptr);
  EXPECT_EQ(session.state("w", 16), count(16));
  EXPECT_EQ(session.state("m", 16), std::vector<float>(16, 0.0f));
  session.set("predict", "x", std::vector<float>(16));
  session.run("predict");
  uint16_t low[16];
  EXPECT_OK(vernier_session_get_output(session.handle, "predict", "low", low,
                                       sizeof low));
  for (int i = 0; i < 16; ++i)
    EXPECT_EQ(fromBf16(low[i]), float(i) + 0.5f);
}

// A failure leaves the session as it was, also if only the last tensor is bad.
TEST(InitialWeights, ChangesNothingOnFailure) {
  TestPlan two = makeTrainingPlan();
  two.state("z", Role::parameter, DType::f32, {2});
  test::Plan plan(two);
  test::Session session(plan.handle);
  std::vector<float> before = session.state("w", 16);
  File file;
  file.add("w", "F32", {4, 4}, count(16));
  EXPECT_STATUS(VERNIER_BAD_FILE, "'file' has no 'z'", file.load(session));
  file.add("z", "F32", {2}, std::vector<float>{0, NAN});
  EXPECT_STATUS(VERNIER_BAD_FILE, "'z' of the plan is f32[2]; it holds nan",
                file.load(session));
  EXPECT_EQ(session.state("w", 16), before);
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "null",
                vernier_session_load_weights(session.handle, nullptr, nullptr));
  EXPECT_STATUS(
      VERNIER_INVALID_ARGUMENT, "null",
      vernier_session_load_weights_memory(session.handle, nullptr, 0, "", {}));
}

// Padding is the plan's own: files know nothing of it.
TEST(InitialWeights, Padding) {
  TestPlan padded = makeTrainingPlan();
  TestState &rows = padded.state("rows", Role::parameter, DType::f32, {4, 8});
  rows.padded = rows.shape;
  rows.shape = {3, 5};
  uint64_t offset = rows.offset;
  test::Plan plan(padded);
  test::Session session(plan.handle);
  EXPECT_OK(File()
                .add("w", "F32", {4, 4}, count(16))
                .add("rows", "F64", {3, 5}, std::vector<double>(15, 2))
                .load(session));
  EXPECT_EQ(session.state("rows", 15), std::vector<float>(15, 2));
  EXPECT_GT(offset, 0u);
  EXPECT_STATUS(VERNIER_BAD_FILE, "'rows' is f32[4, 8]",
                File()
                    .add("w", "F32", {4, 4}, count(16))
                    .add("rows", "F32", {4, 8}, count(32))
                    .load(session));
}

// Frozen states and statistics that an entry of inference reads are weights; an
// average that only training reads may be missing. An inf may be meant.
TEST(InitialWeights, Roles) {
  TestPlan more = makeTrainingPlan();
  more.state("mean", Role::statistic, DType::f32, {2});
  more.state("w.ema", Role::statistic, DType::f32, {2});
  more.state("mask", Role::frozen, DType::f16, {2}).a = -INFINITY;
  more.state("places", Role::frozen, DType::i32, {3});
  more.state("kept", Role::frozen, DType::i1, {2});
  for (TestEntry &entry : more.entries)
    if (entry.name == "predict")
      for (size_t i = 0; i < more.states.size(); ++i)
        if (more.states[i].name == "mean")
          entry.use(more.states[i]);
  test::Plan plan(more);
  test::Session session(plan.handle);
  File file;
  file.add("w", "F32", {4, 4}, count(16));
  EXPECT_STATUS(VERNIER_BAD_FILE, "has no 'mean', 'mask', 'places', 'kept'",
                file.load(session));
  file.add("mean", "F32", {2}, count(2));
  file.add("mask", "F32", {2}, std::vector<float>{-INFINITY, 0});
  file.add("places", "I64", {3}, std::vector<int64_t>{-1, 0, 7});
  file.add("kept", "BOOL", {2}, std::vector<uint8_t>{1, 0});
  vernier_status_t status = file.load(session);
  EXPECT_EQ(status.code, VERNIER_OK) << status.message;
  EXPECT_NE(std::string(status.message).find("1 tensor of f32 became f16"),
            std::string::npos)
      << status.message;
  EXPECT_EQ(session.state("mean", 2), count(2));
  uint16_t mask[2];
  int32_t places[3];
  EXPECT_OK(vernier_session_get_state(session.handle, "mask", mask, 4));
  EXPECT_OK(vernier_session_get_state(session.handle, "places", places, 12));
  EXPECT_EQ(mask[0], 0xfc00);
  EXPECT_EQ(places[2], 7);
  auto refuse = [&](const char *says, const File &changed) {
    EXPECT_STATUS(VERNIER_BAD_FILE, says, changed.load(session));
  };
  refuse("it holds 2147483648 at [1], which i32 cannot",
         File(file).add("places", "I64", {3},
                        std::vector<int64_t>{0, int64_t(1) << 31, 0}));
  refuse("values of type F32 do not become i32",
         File(file).add("places", "F32", {3}, count(3)));
  refuse("it holds 2 at [0], expected booleans",
         File(file).add("kept", "BOOL", {2}, std::vector<uint8_t>{2, 0}));
}

// Names by rules, from C.
TEST(InitialWeights, Renames) {
  test::Plan plan(makeTrainingPlan());
  test::Session session(plan.handle);
  File file;
  file.add("net.w.weight", "F32", {4, 4}, count(16));
  auto load = [&](const char *state, const char *tensor) {
    vernier_rename_t rename = {state, tensor};
    return file.load(session, {1, &rename, 0});
  };
  EXPECT_OK(load("*", "net.*.weight"));
  EXPECT_EQ(session.state("w", 16), count(16));
  EXPECT_OK(load("w", "net.w.weight"));
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "renames nothing",
                load("m", "net.w.weight"));
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "expected one *", load("*", "net"));
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "null", load(nullptr, "net"));
  EXPECT_STATUS(VERNIER_BAD_FILE, "none of the plan's weights", load("*", ""));
}

//===----------------------------------------------------------------------===//
// Rounding
//===----------------------------------------------------------------------===//

/// The neighbour of `guess` (a 16-bit float of positive sign) that is nearest
/// to `value`, the even one of two, by comparing distances.
static uint16_t findNearest(double value, uint16_t guess,
                            float (*widen)(uint16_t)) {
  uint16_t best = 0;
  double distance = INFINITY;
  for (int bits = std::max(guess - 2, 0); bits <= guess + 2; ++bits) {
    double d = std::fabs(double(widen(uint16_t(bits))) - value);
    if (d < distance || (d == distance && bits % 2 == 0)) {
      best = uint16_t(bits);
      distance = d;
    }
  }
  return best;
}

static uint16_t convert(double value, vernier_dtype_t dtype) {
  StoredTensor stored{"x", StoredType::f64, "F64", {}, {}, nullptr, 8};
  uint8_t bytes[8];
  std::memcpy(bytes, &value, 8);
  stored.data = bytes;
  ConvertedValues converted;
  EXPECT_TRUE(convertValues(stored, dtype, false, converted).ok()) << value;
  uint16_t bits = 0;
  std::memcpy(&bits, converted.bytes.data(), 2);
  return bits;
}

// An f64 becomes a 16-bit float with one rounding. By way of f32 there would be
// two: just beside a tie the first would make it one.
TEST(InitialWeights, RoundsOnce) {
  const std::tuple<vernier_dtype_t, float (*)(uint16_t), uint16_t> types[] = {
      {VERNIER_F16, fromF16, 0x7bff}, {VERNIER_BF16, fromBf16, 0x7f7f}};
  unsigned different = 0;
  for (auto [dtype, widen, largest] : types)
    for (unsigned bits = 0; bits + 1 <= largest; ++bits) {
      double a = widen(uint16_t(bits)), b = widen(uint16_t(bits + 1));
      double tie = a + (b - a) / 2;
      for (double value :
           {tie, std::nextafter(tie, 0), std::nextafter(tie, INFINITY), a}) {
        uint16_t expected = findNearest(value, uint16_t(bits), widen);
        ASSERT_EQ(convert(value, dtype), expected) << value;
        ASSERT_EQ(convert(-value, dtype), expected | 0x8000) << value;
        auto twice = static_cast<float>(value);
        different +=
            (dtype == VERNIER_F16 ? toF16(twice) : toBf16(twice)) != expected;
      }
    }
  EXPECT_GT(different, 10000u);
}
