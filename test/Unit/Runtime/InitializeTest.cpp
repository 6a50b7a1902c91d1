//===- InitializeTest.cpp - Initial values
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"

#include "Runtime/Hash.h"
#include "Runtime/Initialize.h"
#include "Runtime/Tensor.h"

#include <cmath>
#include <cstring>

using namespace vernier;
using namespace vernier::test;

// The generator is Philox-4x32-10 to the letter: the known answers of
// Random123.
TEST(Initialize, PhiloxKnownAnswers) {
  using Block = std::array<uint32_t, 4>;
  EXPECT_EQ(runtime::philox({0, 0, 0, 0}, {0, 0}),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(runtime::philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                            {0xffffffff, 0xffffffff}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(runtime::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                            {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

/// The values of one state of a plan that has no other.
static std::vector<float> initialValues(InitKind kind, double a, double b,
                                        std::vector<int64_t> shape,
                                        uint64_t seed,
                                        const std::string &name = "w") {
  TestPlan plan;
  TestState &state = plan.state(name, Role::parameter, DType::f32, shape);
  state.kind = kind;
  state.a = a;
  state.b = b;
  Plan loaded(plan);
  Session session(loaded.handle, "cpu:1", seed);
  return session.state(name.c_str(), bytesOf(DType::f32, shape) / 4);
}

// Each element is the documented function of seed, name and index, here written
// with the C library's logarithm and cosine.
TEST(Initialize, NormalIsTheDocumentedFormula) {
  const uint64_t seed = 0x123456789abcdef0;
  uint64_t name = runtime::hash64("w", 1);
  std::vector<float> values =
      initialValues(InitKind::normal, 0.5, 3, {20000}, seed);
  for (uint32_t i = 0; i < values.size(); ++i) {
    auto r = runtime::philox({i, 0, uint32_t(name), uint32_t(name >> 32)},
                             {uint32_t(seed), uint32_t(seed >> 32)});
    double u = (r[0] + 1.0) / 4294967296.0, v = r[1] / 4294967296.0;
    double expected = 0.5 + 3 * std::sqrt(-2 * std::log(u)) *
                                std::cos(2 * 3.14159265358979323846 * v);
    ASSERT_NEAR(values[i], expected, 1e-6) << i;
  }
}

// Same seed, same bits; another seed or another name, other bits.
TEST(Initialize, SeedAndNameDecide) {
  auto a = initialValues(InitKind::uniform, 0, 1, {64}, 7);
  EXPECT_EQ(a, initialValues(InitKind::uniform, 0, 1, {64}, 7));
  EXPECT_NE(a, initialValues(InitKind::uniform, 0, 1, {64}, 8));
  EXPECT_NE(a, initialValues(InitKind::uniform, 0, 1, {64}, 7, "v"));
}

static void expectMoments(const std::vector<float> &values, double mean,
                          double deviation) {
  double sum = 0, squares = 0;
  for (float value : values)
    sum += value;
  double actualMean = sum / values.size();
  for (float value : values)
    squares += (value - actualMean) * (value - actualMean);
  double actualDeviation = std::sqrt(squares / values.size());
  // Six standard errors.
  EXPECT_NEAR(actualMean, mean, 6 * deviation / std::sqrt(values.size()));
  EXPECT_NEAR(actualDeviation, deviation,
              6 * deviation / std::sqrt(2.0 * values.size()));
}

// fan_in is the product of all extents but the first, fan_out the first.
TEST(Initialize, Distributions) {
  std::vector<int64_t> shape = {200, 10, 50}; // fan_in 500, fan_out 200
  expectMoments(initialValues(InitKind::normal, -1, 2, shape, 1), -1, 2);
  expectMoments(initialValues(InitKind::uniform, 2, 5, shape, 1), 3.5,
                3 / std::sqrt(12.0));
  expectMoments(initialValues(InitKind::kaiming_normal, 0, 0, shape, 1), 0,
                std::sqrt(2.0 / 500));
  expectMoments(initialValues(InitKind::kaiming_uniform, 0, 0, shape, 1), 0,
                std::sqrt(2.0 / 500));
  expectMoments(initialValues(InitKind::xavier_normal, 0, 0, shape, 1), 0,
                std::sqrt(2.0 / 700));
  expectMoments(initialValues(InitKind::xavier_uniform, 0, 0, shape, 1), 0,
                std::sqrt(2.0 / 700));
}

TEST(Initialize, UniformStaysInside) {
  float x = static_cast<float>(std::sqrt(6.0 / 16));
  float largest = 0;
  for (float value :
       initialValues(InitKind::kaiming_uniform, 0, 0, {1000, 16}, 3)) {
    ASSERT_LE(std::fabs(value), x);
    largest = std::max(largest, std::fabs(value));
  }
  EXPECT_GT(largest, 0.99f * x);
}

// Constants take every dtype; dense data are copied as they are.
TEST(Initialize, ConstantsAndData) {
  TestPlan plan;
  plan.state("f", Role::frozen, DType::f32, {2}).a = 0.1;
  plan.state("b", Role::frozen, DType::bf16, {2}).a = 1.5;
  plan.state("h", Role::frozen, DType::f16, {2}).a = 65504;
  plan.state("i", Role::counter, DType::i32, {2}).a = -3;
  plan.state("l", Role::counter, DType::i64, {2}).a = 1e12;
  plan.state("t", Role::frozen, DType::i1, {2}).a = 1;
  TestState &dense = plan.state("d", Role::frozen, DType::f16, {2});
  dense.kind = InitKind::dense;
  dense.data = {1, 2, 3, 4};
  Plan loaded(plan);
  Session session(loaded.handle);
  EXPECT_EQ(session.state("f", 2), (std::vector<float>{0.1f, 0.1f}));
  auto get = [&](const char *name, auto value) {
    decltype(value) values[2];
    EXPECT_OK(vernier_session_get_state(session.handle, name, values,
                                        sizeof(values)));
    EXPECT_EQ(values[1], value) << name;
  };
  get("b", uint16_t(0x3fc0));
  get("h", uint16_t(0x7bff));
  get("i", int32_t(-3));
  get("l", int64_t(1000000000000));
  get("t", uint8_t(1));
  get("d", uint16_t(0x0403));
}

// Every 16-bit pattern survives, ties go to even, overflow is inf.
TEST(Tensor, Rounding) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    bool isNaN = (bits & 0x7fff) > 0x7f80;
    if (!isNaN)
      ASSERT_EQ(runtime::toBf16(runtime::fromBf16(bits)), bits);
    else
      ASSERT_GT(runtime::toBf16(runtime::fromBf16(bits)) & 0x7fff, 0x7f80);
  }
  EXPECT_EQ(runtime::toBf16(1.00390625f), 0x3f80); // half way, to even
  EXPECT_EQ(runtime::toBf16(1.01171875f), 0x3f82);
  EXPECT_EQ(runtime::toBf16(3.4e38f), 0x7f80);
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    int exponent = bits >> 10, mantissa = bits & 1023;
    double value = exponent ? std::ldexp(1024 + mantissa, exponent - 25)
                            : std::ldexp(mantissa, -24);
    ASSERT_EQ(runtime::toF16(float(value)), bits);
    ASSERT_EQ(runtime::toF16(float(-value)), bits | 0x8000);
    // Half way to the next: to the even one of the two.
    double next = exponent ? std::ldexp(1, exponent - 25) : std::ldexp(1, -24);
    ASSERT_EQ(runtime::toF16(float(value + next / 2)), bits + (bits & 1));
  }
  EXPECT_EQ(runtime::toF16(65519.996f), 0x7bff);
  EXPECT_EQ(runtime::toF16(65520.0f), 0x7c00);
  EXPECT_EQ(runtime::toF16(1e-30f), 0);
  EXPECT_EQ(runtime::toF16(NAN) & 0x7fff, 0x7e00);
}
