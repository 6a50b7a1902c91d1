//===- ProfileTest.cpp - What --profile-numerics counts
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// usage: vernier-profile-tests PLAN
//
// The counting is compared with one that does it the slow way, in f64; a plan
// is trained to see what a step records and what it allocates.
//
//===----------------------------------------------------------------------===//

#include "NumericsProfile.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>
#include <random>

using namespace vernier;
using namespace vernier::run;

static std::string planPath;
static size_t allocations = 0;

void *operator new(size_t size) {
  ++allocations;
  if (void *memory = std::malloc(size))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }

namespace {

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// A format by its definition: mantissa bits, exponent of the smallest normal
/// number, and the least magnitude that overflows.
struct Format {
  int mantissaBits, minExponent;
  double overflow;
};
const Format formats[kFormatCount] = {
    {10, -14, 65520},
    {7, -126, std::ldexp(2 - std::ldexp(1, -8), 127)},
    {10, -126, std::ldexp(2 - std::ldexp(1, -11), 127)},
    {3, -6, std::nextafter(464.0f, 1e9f)},
    {2, -14, 61440}};

/// Dividing by the step between neighbours is exact in f64.
double roundTo(const Format &format, double value) {
  int exponent = std::max(std::ilogb(value), format.minExponent);
  double step = std::ldexp(1, exponent - format.mantissaBits);
  return std::nearbyint(value / step) * step;
}

void addSlowly(const std::vector<double> &values, TensorStatistics &expected) {
  for (double value : values) {
    ++expected.elements;
    ++expected.counted;
    if (std::isnan(value) || std::isinf(value)) {
      ++(std::isnan(value) ? expected.nans : expected.infinities);
      continue;
    }
    if (value == 0) {
      ++expected.zeros;
      continue;
    }
    auto magnitude = static_cast<float>(std::fabs(value));
    expected.greatest = std::max(expected.greatest, magnitude);
    expected.smallest = std::min(expected.smallest, magnitude);
    expected.sum += value;
    expected.squares += value * value;
    ++expected.exponents[std::max(std::ilogb(value), -127) + 127];
    for (size_t i = 0; i < kFormatCount; ++i) {
      FormatLoss &loss = expected.losses[i];
      double rounded = std::fabs(roundTo(formats[i], value));
      loss.toZero += rounded == 0;
      loss.subnormal +=
          rounded != 0 && rounded < std::ldexp(1, formats[i].minExponent);
      if (magnitude >= formats[i].overflow)
        ++loss.overflow;
      else
        loss.squaredError += std::pow(magnitude - rounded, 2);
    }
  }
}

void expectEqual(const TensorStatistics &found,
                 const TensorStatistics &expected) {
  EXPECT_EQ(found.elements, expected.elements);
  EXPECT_EQ(found.infinities, expected.infinities);
  EXPECT_EQ(found.nans, expected.nans);
  EXPECT_EQ(found.greatest, expected.greatest);
  EXPECT_EQ(found.smallest, expected.smallest);
  EXPECT_EQ(found.counted, expected.counted);
  EXPECT_EQ(found.zeros, expected.zeros);
  EXPECT_EQ(found.exponents, expected.exponents);
  EXPECT_NEAR(found.sum, expected.sum, 1e-4 * std::sqrt(expected.squares));
  EXPECT_NEAR(found.squares, expected.squares, 1e-5 * expected.squares);
  for (size_t i = 0; i < kFormatCount; ++i) {
    SCOPED_TRACE(kFormatNames[i]);
    EXPECT_EQ(found.losses[i].toZero, expected.losses[i].toZero);
    EXPECT_EQ(found.losses[i].subnormal, expected.losses[i].subnormal);
    EXPECT_EQ(found.losses[i].overflow, expected.losses[i].overflow);
    EXPECT_NEAR(found.losses[i].squaredError, expected.losses[i].squaredError,
                1e-5 * expected.losses[i].squaredError +
                    1e-12 * expected.squares);
  }
}

/// The elements of `data` as numbers, by the runner's slow conversion.
std::vector<double> numbersOf(const void *data, vernier_dtype_t dtype,
                              uint64_t count) {
  std::vector<double> values(count);
  for (uint64_t i = 0; i < count; ++i)
    values[i] = elementOf(data, dtype, i);
  return values;
}

template <typename Word>
void expectCounted(const std::vector<Word> &words, vernier_dtype_t dtype) {
  TensorStatistics expected;
  addSlowly(numbersOf(words.data(), dtype, words.size()), expected);
  for (bool allowAvx2 : {true, false}) {
    TensorStatistics found;
    TensorCounter(allowAvx2).add(words.data(), dtype, words.size(), 0, found);
    expectEqual(found, expected);
  }
}

std::vector<uint32_t> bitsOf(const std::vector<float> &values) {
  std::vector<uint32_t> words(values.size());
  std::memcpy(words.data(), values.data(), 4 * values.size());
  return words;
}

// Numbers at and beside every border of every format: ties, subnormal numbers,
// the last that does not overflow, signed zero, inf and NaN. Each border is a
// tensor of its own, so that no square drowns in another.
TEST(Tensors, Borders) {
  for (const Format &format : formats)
    for (double border :
         {format.overflow, std::ldexp(1, format.minExponent),
          std::ldexp(1, format.minExponent - format.mantissaBits),
          std::ldexp(1, format.minExponent - format.mantissaBits - 1),
          1 + std::ldexp(1, -format.mantissaBits - 1),
          1 + std::ldexp(3, -format.mantissaBits - 1)}) {
      auto value = static_cast<float>(border);
      std::vector<float> values = {value, -value};
      for (float toward : {0.0f, INFINITY})
        values.push_back(std::nextafter(value, toward));
      SCOPED_TRACE(border);
      expectCounted(bitsOf(values), VERNIER_F32);
      values.insert(values.end(), {0.0f, -0.0f, INFINITY, -INFINITY, NAN});
      expectCounted(bitsOf(values), VERNIER_F32);
    }
}

// Random bits have every exponent; random sizes leave the last lanes unused.
TEST(Tensors, RandomBits) {
  std::mt19937 random{1};
  for (unsigned round = 0; round < 200; ++round) {
    size_t count = round < 20 ? round : random() % 4000;
    std::vector<uint16_t> words(count);
    for (uint16_t &word : words)
      word = static_cast<uint16_t>(random());
    SCOPED_TRACE(count);
    expectCounted(words, VERNIER_F16);
    // Squares of all of bf16's range do not fit one sum: a band of 2^60.
    for (uint16_t &word : words)
      word = static_cast<uint16_t>((word & 0x9fff) | (round % 2 ? 0x2000 : 0));
    expectCounted(words, VERNIER_BF16);
    std::vector<uint32_t> wide(count);
    for (size_t i = 0; i < count; ++i)
      wide[i] = uint32_t(words[i]) << 16 | (random() & 0xffff);
    expectCounted(wide, VERNIER_F32);
  }
}

// A large tensor: the range and what is not finite of all elements, the rest of
// the blocks of this phase; all phases together are the whole tensor.
TEST(Tensors, Strides) {
  size_t count = 5 * TensorCounter::kCountedElements + 77;
  uint64_t stride = TensorCounter::getStride(count);
  ASSERT_EQ(stride, 5u);
  std::mt19937 random{2};
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(random);
  values[200] = 1e9f;
  values[count - 1] = 1e-9f;
  values[777] = NAN;
  TensorStatistics expected, found;
  addSlowly(numbersOf(values.data(), VERNIER_F32, count), expected);
  TensorCounter counter;
  for (uint64_t phase = 0; phase < stride; ++phase) {
    TensorStatistics one;
    counter.add(values.data(), VERNIER_F32, count, phase, one);
    EXPECT_EQ(one.greatest, 1e9f);
    EXPECT_EQ(one.smallest, 1e-9f);
    EXPECT_EQ(one.nans, 1u);
    EXPECT_NEAR(static_cast<double>(one.counted),
                static_cast<double>(count) / 5, 128);
    counter.add(values.data(), VERNIER_F32, count, phase, found);
  }
  EXPECT_EQ(found.counted, count);
  EXPECT_EQ(found.zeros, expected.zeros);
  EXPECT_EQ(found.exponents, expected.exponents);
  EXPECT_EQ(found.elements, stride * count);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// A call with the tensors that it reads and writes, f32.
class TestCall {
public:
  struct Tensor {
    std::vector<int64_t> shape;
    std::vector<float> values;
    float at(std::initializer_list<int64_t> index) const {
      int64_t place = 0;
      auto extent = shape.begin();
      for (int64_t i : index)
        place = place * *extent++ + i;
      return values[static_cast<size_t>(place)];
    }
  };

  template <typename Operation>
  TestCall(schema::Operation kind, flatbuffers::FlatBufferBuilder &builder,
           flatbuffers::Offset<Operation> operation) {
    auto none = builder.CreateVector(std::vector<uint32_t>());
    builder.Finish(
        schema::CreateCall(builder, kind, operation.Union(), none, none));
    call = flatbuffers::GetRoot<schema::Call>(builder.GetBufferPointer());
  }

  ProductStatistics sample(const std::vector<Tensor *> &inputs, Tensor *result,
                           unsigned seeds = 1) const {
    std::vector<vernier_observed_tensor_t> observed;
    for (Tensor *tensor : inputs)
      observed.push_back(describe(*tensor));
    vernier_observed_tensor_t written = describe(*result);
    vernier_observation_t observation{
        "step",          0, "op",     "here", observed.size(),
        observed.data(), 1, &written, 0,      nullptr};
    ProductStatistics statistics;
    for (unsigned seed = 0; seed < seeds; ++seed)
      sampleProduct(*call, observation, seed, statistics);
    return statistics;
  }

private:
  static vernier_observed_tensor_t describe(const Tensor &tensor) {
    return {{"t", VERNIER_F32, tensor.shape.size(), tensor.shape.data(),
             4 * tensor.values.size(), 0},
            tensor.values.data(),
            0};
  }
  const schema::Call *call;
};

// Rows of lhs are all alike, and columns of rhs: every result is the same sum,
// whichever is sampled. What lies between the rows is NaN. All transposes, a
// batch, a shared rhs, a bias.
TEST(Products, Matmul) {
  constexpr int64_t batch = 3, m = 4, n = 5, k = 6, pad = 2;
  const double left[k] = {1, -2, 3, 100, 0.5, 7},
               right[k] = {2, 5, -1, 0.25, -8, 3}, bias = 3;
  double total = bias, squares = 0;
  for (int64_t i = 0; i < k; ++i) {
    total += left[i] * right[i];
    squares += left[i] * right[i] * left[i] * right[i];
  }
  auto fill = [&](int64_t rows, int64_t cols, bool alongRows,
                  const double *terms) {
    TestCall::Tensor tensor{{batch, rows, cols + pad}, {}};
    for (int64_t i = 0; i < batch * rows; ++i)
      for (int64_t j = 0; j < cols + pad; ++j)
        tensor.values.push_back(
            j >= cols ? NAN
                      : static_cast<float>(terms[alongRows ? j : i % rows]));
    return tensor;
  };
  for (unsigned bits = 0; bits < 8; ++bits) {
    bool tl = bits & 1, tr = bits & 2, shared = bits & 4;
    TestCall::Tensor lhs = fill(tl ? k : m, tl ? m : k, !tl, left),
                     rhs = fill(tr ? n : k, tr ? k : n, tr, right),
                     addend{{n}, std::vector<float>(n, bias)},
                     result{{batch, m, n}, {}};
    flatbuffers::FlatBufferBuilder builder;
    TestCall call(schema::Operation::Matmul, builder,
                  schema::CreateMatmul(builder, batch, m, n, k, tl, tr, shared,
                                       (tl ? m : k) + pad, (tr ? k : n) + pad,
                                       n));
    ProductStatistics found = call.sample({&lhs, &rhs, &addend}, &result);
    EXPECT_EQ(found.results, 16u);
    EXPECT_DOUBLE_EQ(found.squaredResults, 16 * total * total);
    EXPECT_DOUBLE_EQ(found.squaredTerms, 16 * squares);
    lhs.values.assign(lhs.values.size(), INFINITY);
    EXPECT_EQ(call.sample({&lhs, &rhs, &addend}, &result).results, 0u);
  }
}

/// Sums over the terms of every result of a convolution, from its definition.
struct ConvolutionSums {
  std::map<std::array<int64_t, 4>, std::pair<double, double>> outputs, images,
      weights;
};

// Stride, padding, dilation and groups: many samples have the mean of all
// results, for the forward pass and both gradients.
TEST(Products, Convolution) {
  constexpr int64_t N = 2, H = 7, W = 6, C = 4, O = 6, K = 3, G = 2, P = 3,
                    Q = 5, strides[2] = {2, 1}, padding[2] = {1, 2},
                    dilation[2] = {1, 2};
  std::mt19937 random{3};
  std::normal_distribution<float> normal;
  auto fill = [&](std::vector<int64_t> shape) {
    TestCall::Tensor tensor{shape, {}};
    int64_t size = 1;
    for (int64_t extent : shape)
      size *= extent;
    for (int64_t i = 0; i < size; ++i)
      tensor.values.push_back(normal(random) + 1);
    return tensor;
  };
  TestCall::Tensor image = fill({N, H, W, C}), weight = fill({O, K, K, C / G}),
                   output = fill({N, P, Q, O});
  ConvolutionSums sums;
  auto add = [](auto &map, std::array<int64_t, 4> index, double a, double b) {
    map[index].first += a * b;
    map[index].second += a * b * a * b;
  };
  for (int64_t y = 0; y < H; ++y)
    for (int64_t x = 0; x < W; ++x)
      for (int64_t i = 0; i < N * C; ++i)
        sums.images[{i / C, y, x, i % C}] = {0, 0};
  for (int64_t n = 0; n < N; ++n)
    for (int64_t p = 0; p < P; ++p)
      for (int64_t q = 0; q < Q; ++q)
        for (int64_t o = 0; o < O; ++o)
          for (int64_t i = 0; i < K; ++i)
            for (int64_t j = 0; j < K; ++j)
              for (int64_t c = 0; c < C / G; ++c) {
                int64_t y = p * strides[0] + i * dilation[0] - padding[0],
                        x = q * strides[1] + j * dilation[1] - padding[1],
                        channel = o / (O / G) * (C / G) + c;
                if (y < 0 || y >= H || x < 0 || x >= W)
                  continue;
                double a = image.at({n, y, x, channel}),
                       b = weight.at({o, i, j, c}), g = output.at({n, p, q, o});
                add(sums.outputs, {n, p, q, o}, a, b);
                add(sums.images, {n, y, x, channel}, g, b);
                add(sums.weights, {o, i, j, c}, g, a);
              }
  auto expectMean = [&](schema::ConvolutionKind kind, auto &expected,
                        std::vector<TestCall::Tensor *> inputs,
                        TestCall::Tensor *result) {
    flatbuffers::FlatBufferBuilder builder;
    auto list = [&](std::vector<uint32_t> values) {
      return builder.CreateVector(values);
    };
    auto s = list({2, 1}), pads = list({1, 2, 1, 2}), d = list({1, 2});
    TestCall call(schema::Operation::Convolution, builder,
                  schema::CreateConvolution(builder, kind, s, pads, d, G, 1));
    ProductStatistics found = call.sample(inputs, result, 4000);
    double totals = 0, squares = 0;
    for (const auto &[index, sum] : expected) {
      totals += sum.first * sum.first;
      squares += sum.second;
    }
    auto count = static_cast<double>(expected.size()),
         sampled = static_cast<double>(found.results);
    EXPECT_EQ(found.results, 64000u);
    EXPECT_NEAR(found.squaredResults / sampled / (totals / count), 1, 0.03);
    EXPECT_NEAR(found.squaredTerms / sampled / (squares / count), 1, 0.03);
  };
  using Kind = schema::ConvolutionKind;
  expectMean(Kind::output, sums.outputs, {&image, &weight}, &output);
  expectMean(Kind::image, sums.images, {&output, &weight}, &image);
  expectMean(Kind::weight, sums.weights, {&image, &output}, &weight);
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

class Steps : public testing::Test {
protected:
  Plan plan{planPath};

  /// Train with random images; `observed` is what observing allocated in a
  /// step.
  void run(NumericsProfile &profile, uint64_t steps,
           std::vector<size_t> &observed) {
    Session session(plan, Device("cpu:1"), 3);
    std::mt19937 random{1};
    for (const TensorInfo &input : plan.inputs("step")) {
      std::vector<uint32_t> words(elementCount(input));
      for (uint32_t &word : words) {
        auto value = static_cast<float>(random() % 17);
        if (input.classes > 0)
          word = random() % static_cast<uint32_t>(input.classes);
        else
          std::memcpy(&word, &value, sizeof value);
      }
      session.setInput("step", input.name, words.data(), 4 * words.size());
    }
    struct Context {
      NumericsProfile &profile;
      size_t allocated = 0;
    } context{profile};
    vernier_session_set_observer(
        session.get(),
        [](void *pointer, const vernier_observation_t *observation) {
          auto &context = *static_cast<Context *>(pointer);
          size_t before = allocations;
          context.profile.observe(*observation);
          context.allocated += allocations - before;
        },
        &context);
    for (uint64_t step = 0; step < steps; ++step) {
      context.allocated = 0;
      profile.beginStep(step);
      session.run("step");
      profile.endStep(1.5, false);
      observed.push_back(context.allocated);
    }
  }
};

// Each value is recorded once in each sampled step; after the first, nothing is
// allocated.
TEST_F(Steps, Sampled) {
  NumericsProfile profile(plan, testing::TempDir() + "profile.json", 3);
  std::vector<size_t> allocated;
  run(profile, 8, allocated);
  EXPECT_GT(allocated[0], 10u);
  for (size_t step = 1; step < 8; ++step)
    EXPECT_EQ(allocated[step], 0u) << step;
  const NumericsRecord &record = profile.getRecord();
  EXPECT_EQ(record.sampledSteps, 3u);
  EXPECT_EQ(record.firstStep, 1u);
  EXPECT_EQ(record.lastStep, 7u);
  EXPECT_DOUBLE_EQ(record.lossMagnitudes, 4.5);
  for (const TensorRecord &tensor : record.tensors) {
    uint64_t size = 1;
    for (int64_t extent : tensor.shape)
      size *= static_cast<uint64_t>(extent);
    EXPECT_EQ(tensor.statistics.elements, 3 * size) << tensor.name;
  }
}

// The contractions of a perceptron: their tensors and roles.
TEST_F(Steps, Roles) {
  NumericsProfile profile(plan, testing::TempDir() + "profile.json", 1);
  std::vector<size_t> allocated;
  run(profile, 1, allocated);
  const NumericsRecord &record = profile.getRecord();
  std::map<std::string, unsigned> roles;
  for (const ProductRecord &product : record.products) {
    ++roles[product.origin.role];
    const TensorRecord &lhs = record.tensors[product.lhs],
                       &rhs = record.tensors[product.rhs],
                       &result = record.tensors[product.result];
    EXPECT_EQ(result.origin.role, product.origin.role);
    EXPECT_GT(product.statistics.results, 0u);
    if (product.origin.role == "forward")
      EXPECT_EQ(rhs.origin.role, "parameter");
    if (product.origin.role == "lhs gradient")
      EXPECT_EQ(rhs.origin.role, "parameter");
    if (product.origin.role == "rhs gradient")
      EXPECT_EQ(lhs.origin.role == "gradient" ||
                    lhs.origin.role == "lhs gradient",
                true);
  }
  EXPECT_EQ(roles,
            (std::map<std::string, unsigned>{
                {"forward", 3}, {"lhs gradient", 2}, {"rhs gradient", 3}}));
}

} // namespace

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::fputs("usage: vernier-profile-tests PLAN\n", stderr);
    return 2;
  }
  planPath = argv[1];
  return RUN_ALL_TESTS();
}
