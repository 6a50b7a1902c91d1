//===- MathTest.cpp - Polynomials against the C library in f64
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompiledFusion.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace vernier;
using namespace vernier::test;

namespace {

/// One function of the math dialect, and how far from the exact value its
/// result may be, in units of the last place of f32.
struct Function {
  const char *name;
  double (*exact)(double);
  double ulps;
};

double rsqrt(double x) { return 1.0 / std::sqrt(x); }
double roundEven(double x) { return std::nearbyint(x); }

const Function kFunctions[] = {
    {"exp", std::exp, 1.5},      {"exp2", std::exp2, 1.5},
    {"expm1", std::expm1, 1.5},  {"log", std::log, 1.5},
    {"log2", std::log2, 0.51},   {"log10", std::log10, 0.51},
    {"log1p", std::log1p, 2.0},  {"tanh", std::tanh, 2.5},
    {"erf", std::erf, 1.5},      {"sqrt", std::sqrt, 0.51},
    {"rsqrt", rsqrt, 1.5},       {"sin", std::sin, 0.51},
    {"cos", std::cos, 0.51},     {"tan", std::tan, 0.51},
    {"atan", std::atan, 0.51},   {"asin", std::asin, 0.51},
    {"acos", std::acos, 0.51},   {"sinh", std::sinh, 0.51},
    {"cosh", std::cosh, 0.51},   {"asinh", std::asinh, 0.51},
    {"acosh", std::acosh, 0.51}, {"atanh", std::atanh, 0.51},
    {"cbrt", std::cbrt, 0.51},   {"erfc", std::erfc, 6.0},
    {"absf", std::fabs, 0.0},    {"floor", std::floor, 0.0},
    {"ceil", std::ceil, 0.0},    {"trunc", std::trunc, 0.0},
    {"round", std::round, 0.0},  {"roundeven", roundEven, 0.0}};

/// Zeros, denormals, infinities, NaN; every exponent; ordinary numbers.
std::vector<float> sweep() {
  std::vector<float> values = {
      0.0f,    -0.0f,    INFINITY, -INFINITY, NAN,  1.0f, -1.0f, 88.72f, 88.73f,
      -87.33f, -103.97f, -104.1f,  9.01f,     0.5f, 1.5f, 2.5f,  -0.5f,  -1.5f};
  std::mt19937 random(1);
  for (uint32_t exponent = 0; exponent < 255; ++exponent)
    for (int i = 0; i < 64; ++i)
      for (uint32_t sign : {0u, 0x80000000u})
        values.push_back(llvm::bit_cast<float>(
            sign | exponent << 23 | (uint32_t(random()) & 0x7fffff)));
  for (double deviation : {0.01, 1.0, 10.0, 50.0}) {
    std::normal_distribution<double> normal(0.0, deviation);
    for (int i = 0; i < 50000; ++i)
      values.push_back(float(normal(random)));
  }
  return values;
}

/// The distance in units of the last place of the exact value.
double ulpsBetween(float actual, double exact) {
  if (std::isnan(exact))
    return std::isnan(actual) ? 0.0 : INFINITY;
  // Beyond the largest float, rounding gives infinity.
  if (float(exact) == actual)
    return std::isinf(actual)
               ? 0.0
               : std::abs(actual - exact) /
                     std::ldexp(
                         1.0,
                         std::max(exact == 0 ? -149 : std::ilogb(exact) - 23,
                                  -149));
  if (std::isinf(actual) || std::isinf(float(exact)) || std::isnan(actual))
    return std::isinf(actual) && std::abs(exact) > 3.4028e38 ? 1.0 : INFINITY;
  int exponent = exact == 0 ? -149 : std::max(std::ilogb(exact) - 23, -149);
  return std::abs(actual - exact) / std::ldexp(1.0, exponent);
}

class MathTest : public ::testing::TestWithParam<Function> {
protected:
  std::unique_ptr<MLIRContext> context = createContext();
};

} // namespace

TEST_P(MathTest, IsCloseToTheCLibrary) {
  Function function = GetParam();
  std::vector<float> values = sweep();
  std::string type = llvm::formatv("tensor<{0}xf32>", values.size()).str();
  CompiledFusion fusion(*context,
                        llvm::formatv(R"mlir(
func.func @test(%x: {0}) -> {0} {{
  %y = train.fusion flat rows = 1 cols = {1} (%x) : ({0}) -> {0} {{
  ^bb0(%a: {0}):
    %e = math.{2} %a : {0}
    train.yield %e : {0}
  }
  return %y : {0}
}
)mlir",
                                      type, values.size(), function.name)
                            .str());
  ASSERT_TRUE(bool(fusion));
  Buffer input(fusion.inputType(0)), output(fusion.resultType(0));
  std::copy(values.begin(), values.end(), static_cast<float *>(input.data()));
  fusion.run({input.data(), output.data()}, values.size());
  auto *results = static_cast<float *>(output.data());

  double worst = 0.0;
  for (size_t i = 0; i < values.size(); ++i) {
    double exact = function.exact(values[i]),
           ulps = ulpsBetween(results[i], exact);
    worst = std::max(worst, ulps);
    ASSERT_LE(ulps, function.ulps)
        << function.name << "(" << values[i] << ") = " << results[i]
        << ", exactly " << exact;
    if (exact == 0.0)
      ASSERT_EQ(std::signbit(results[i]), std::signbit(exact)) << values[i];
  }
  RecordProperty("worst_ulps", std::to_string(worst));
  if (getenv("VERNIER_PRINT_ULPS"))
    printf("%-10s %.3f\n", function.name, worst);
}

/// All pairs of bases and exponents that C's pow treats on its own, and others.
TEST(BinaryMathTest, IsCloseToTheCLibrary) {
  std::vector<float> values = {
      0.0f, -0.0f,  1.0f,  -1.0f,  2.0f,        -2.0f,   3.0f,     -3.0f,
      0.5f, -0.5f,  2.5f,  -2.5f,  0.999f,      0.9f,    INFINITY, -INFINITY,
      NAN,  1e-40f, 1e38f, -1e38f, 16777217.0f, 1000.0f, 31.7f,    127.0f};
  std::vector<float> lhs, rhs;
  for (float x : values)
    for (float y : values) {
      lhs.push_back(x);
      rhs.push_back(y);
    }
  std::mt19937 random(1);
  std::uniform_real_distribution<float> base(0.0f, 3.0f),
      exponent(-80.0f, 80.0f);
  for (int i = 0; i < 20000; ++i) {
    lhs.push_back(base(random));
    rhs.push_back(exponent(random));
  }
  auto context = createContext();
  struct {
    const char *name;
    double (*exact)(double, double);
  } functions[] = {{"powf", std::pow}, {"atan2", std::atan2}};
  for (auto function : functions) {
    std::string type = llvm::formatv("tensor<{0}xf32>", lhs.size()).str();
    CompiledFusion fusion(*context,
                          llvm::formatv(R"mlir(
func.func @test(%x: {0}, %y: {0}) -> {0} {{
  %z = train.fusion flat rows = 1 cols = {1} (%x, %y) : ({0}, {0}) -> {0} {{
  ^bb0(%a: {0}, %b: {0}):
    %e = math.{2} %a, %b : {0}
    train.yield %e : {0}
  }
  return %z : {0}
}
)mlir",
                                        type, lhs.size(), function.name)
                              .str());
    ASSERT_TRUE(bool(fusion));
    Buffer left(fusion.inputType(0)), right(fusion.inputType(1)),
        output(fusion.resultType(0));
    std::copy(lhs.begin(), lhs.end(), static_cast<float *>(left.data()));
    std::copy(rhs.begin(), rhs.end(), static_cast<float *>(right.data()));
    fusion.run({left.data(), right.data(), output.data()}, lhs.size());
    auto *results = static_cast<float *>(output.data());
    for (size_t i = 0; i < lhs.size(); ++i) {
      double exact = function.exact(lhs[i], rhs[i]);
      ASSERT_LE(ulpsBetween(results[i], exact), 0.51)
          << function.name << "(" << lhs[i] << ", " << rhs[i]
          << ") = " << results[i] << ", exactly " << exact;
    }
  }
}

/// Every rounding to 16 bits is to nearest even, of all kinds of values.
TEST(RoundingTest, IsNearestEven) {
  std::vector<float> values = sweep();
  // Halfway cases and their neighbours, at every exponent.
  for (uint32_t high = 0; high < 0x10000; high += 7)
    for (uint32_t low : {0u, 1u, 0x0fffu, 0x1000u, 0x1001u, 0x7fffu, 0x8000u,
                         0x8001u, 0xffffu})
      values.push_back(llvm::bit_cast<float>(high << 16 | low));
  auto context = createContext();
  for (const char *narrow : {"bf16", "f16"}) {
    std::string text = llvm::formatv(R"mlir(
func.func @test(%x: tensor<{0}xf32>) -> (tensor<{0}x{1}>, tensor<{0}xf32>, tensor<{0}xi16>) {{
  %z:3 = train.fusion flat rows = 1 cols = {0} (%x) : (tensor<{0}xf32>) -> (tensor<{0}x{1}>, tensor<{0}xf32>, tensor<{0}xi16>) {{
  ^bb0(%a: tensor<{0}xf32>):
    %n = arith.truncf %a : tensor<{0}xf32> to tensor<{0}x{1}>
    %w = arith.extf %n : tensor<{0}x{1}> to tensor<{0}xf32>
    %b = arith.bitcast %n : tensor<{0}x{1}> to tensor<{0}xi16>
    train.yield %n, %w, %b : tensor<{0}x{1}>, tensor<{0}xf32>, tensor<{0}xi16>
  }
  return %z#0, %z#1, %z#2 : tensor<{0}x{1}>, tensor<{0}xf32>, tensor<{0}xi16>
}
)mlir",
                                     values.size(), narrow)
                           .str();
    CompiledFusion fusion(*context, text);
    ASSERT_TRUE(bool(fusion));
    Buffer input(fusion.inputType(0)), rounded(fusion.resultType(0)),
        widened(fusion.resultType(1)), bits(fusion.resultType(2));
    std::copy(values.begin(), values.end(), static_cast<float *>(input.data()));
    fusion.run({input.data(), rounded.data(), widened.data(), bits.data()},
               values.size());
    reference::Tensor actual = rounded.read(), wide = widened.read();
    Buffer expectedBuffer(fusion.resultType(0), input.read());
    reference::Tensor expected = expectedBuffer.read();
    for (size_t i = 0; i < values.size(); ++i) {
      if (std::isnan(values[i])) {
        ASSERT_TRUE(std::isnan(actual.elements[i]) &&
                    std::isnan(wide.elements[i]));
        continue;
      }
      ASSERT_EQ(actual.elements[i], expected.elements[i])
          << values[i] << " to " << narrow;
      ASSERT_EQ(wide.elements[i], expected.elements[i])
          << values[i] << " to " << narrow;
      ASSERT_EQ(static_cast<uint16_t *>(bits.data())[i],
                static_cast<uint16_t *>(rounded.data())[i]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Functions, MathTest, ::testing::ValuesIn(kFunctions),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });
