//===- HostTest.cpp - Matmuls and transposes of the host device
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"

#include "Runtime/CpuFeatures.h"
#include "Runtime/Tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

using namespace vernier;
using namespace vernier::test;

namespace {

struct Extents {
  uint64_t batch, m, n, k, tileM, tileN;
};

/// One matmul and its operands, with leading dimensions wider than needed.
struct Case {
  Extents e;
  bool transposeLhs = false, transposeRhs = false, sharedRhs = false;
  bool relu = false;
  DType bias = DType::i1; ///< i1: none
  DType type = DType::f32, resultType = DType::f32;
  uint64_t padding = 3;

  uint64_t lhsRows() const { return transposeLhs ? e.k : e.m; }
  uint64_t lhsLd() const { return (transposeLhs ? e.m : e.k) + padding; }
  uint64_t rhsRows() const { return transposeRhs ? e.n : e.k; }
  uint64_t rhsLd() const { return (transposeRhs ? e.k : e.n) + padding; }
  uint64_t resultLd() const { return e.n + padding; }
  uint64_t rhsBatch() const { return sharedRhs ? 1 : e.batch; }
};

} // namespace

static TestPlan makePlan(const Case &c) {
  TestPlan plan;
  TestEntry &entry = plan.entry("predict");
  auto shape = [](uint64_t batch, uint64_t rows, uint64_t ld) {
    return std::vector<int64_t>{int64_t(batch), int64_t(rows), int64_t(ld)};
  };
  uint32_t lhs =
      entry.input("lhs", c.type, shape(c.e.batch, c.lhsRows(), c.lhsLd()));
  uint32_t rhs =
      entry.input("rhs", c.type, shape(c.rhsBatch(), c.rhsRows(), c.rhsLd()));
  int32_t bias = -1;
  if (c.bias != DType::i1)
    bias = entry.input("bias", c.bias, {int64_t(c.e.n)});
  uint32_t result =
      entry.alloc(c.resultType, shape(c.e.batch, c.e.m, c.resultLd()));
  entry.matmul({lhs, rhs, bias, result, c.e.batch, c.e.m, c.e.n, c.e.k,
                c.transposeLhs, c.transposeRhs, c.sharedRhs, c.lhsLd(),
                c.rhsLd(), c.resultLd(), c.e.tileM, c.e.tileN, c.relu});
  entry.output("result", result);
  return plan;
}

/// Small multiples of 1/8: exact in bf16, and so are most of their sums.
static std::vector<float> randomValues(size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(count);
  for (float &value : values)
    value = (int(generator() % 33) - 16) / 8.0f;
  return values;
}

static std::vector<uint8_t> toBytes(const std::vector<float> &values,
                                    DType dtype) {
  std::vector<uint8_t> bytes(values.size() * (dtype == DType::f32 ? 4 : 2));
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t low = runtime::toBf16(values[i]);
    if (dtype == DType::f32)
      std::memcpy(&bytes[4 * i], &values[i], 4);
    else
      std::memcpy(&bytes[2 * i], &low, 2);
  }
  return bytes;
}

static std::vector<float> toFloats(const std::vector<uint8_t> &bytes,
                                   DType dtype) {
  std::vector<float> values(bytes.size() / (dtype == DType::f32 ? 4 : 2));
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t low;
    std::memcpy(&low, &bytes[2 * i], 2);
    if (dtype == DType::f32)
      std::memcpy(&values[i], &bytes[4 * i], 4);
    else
      values[i] = runtime::fromBf16(low);
  }
  return values;
}

struct Operands {
  std::vector<float> lhs, rhs, bias;
  explicit Operands(const Case &c)
      : lhs(randomValues(c.e.batch * c.lhsRows() * c.lhsLd(), 1)),
        rhs(randomValues(c.rhsBatch() * c.rhsRows() * c.rhsLd(), 2)),
        bias(randomValues(c.e.n, 3)) {}
};

static std::vector<uint8_t> runCase(const Case &c, const Operands &operands,
                                    const char *device) {
  Plan plan(makePlan(c));
  Session session(plan.handle, device);
  auto set = [&](const char *name, const std::vector<float> &values,
                 DType dtype) {
    std::vector<uint8_t> bytes = toBytes(values, dtype);
    EXPECT_OK(vernier_session_set_input(session.handle, "predict", name,
                                        bytes.data(), bytes.size()));
  };
  set("lhs", operands.lhs, c.type);
  set("rhs", operands.rhs, c.type);
  if (c.bias != DType::i1)
    set("bias", operands.bias, c.bias);
  session.run("predict");
  session.run("predict"); // the second run finds everything warm
  std::vector<uint8_t> bytes(c.e.batch * c.e.m * c.resultLd() *
                             (c.resultType == DType::f32 ? 4 : 2));
  EXPECT_OK(vernier_session_get_output(session.handle, "predict", "result",
                                       bytes.data(), bytes.size()));
  return bytes;
}

/// The obvious loops, in double.
static double reference(const Case &c, const Operands &o, uint64_t b,
                        uint64_t i, uint64_t j) {
  double sum = c.bias == DType::i1 ? 0 : o.bias[j];
  const float *lhs = o.lhs.data() + b * c.lhsRows() * c.lhsLd();
  const float *rhs =
      o.rhs.data() + (c.sharedRhs ? 0 : b * c.rhsRows() * c.rhsLd());
  for (uint64_t p = 0; p < c.e.k; ++p)
    sum += double(c.transposeLhs ? lhs[p * c.lhsLd() + i]
                                 : lhs[i * c.lhsLd() + p]) *
           (c.transposeRhs ? rhs[j * c.rhsLd() + p] : rhs[p * c.rhsLd() + j]);
  return c.relu ? std::max(sum, 0.0) : sum;
}

static void check(const Case &c) {
  SCOPED_TRACE(testing::Message()
               << "batch " << c.e.batch << " m " << c.e.m << " n " << c.e.n
               << " k " << c.e.k << " tiles " << c.e.tileM << " x " << c.e.tileN
               << " tl " << c.transposeLhs << " tr " << c.transposeRhs
               << " shared " << c.sharedRhs << " relu " << c.relu << " bias "
               << int(c.bias) << " type " << int(c.type) << " to "
               << int(c.resultType) << " pad " << c.padding);
  Operands operands(c);
  std::vector<float> result =
      toFloats(runCase(c, operands, "cpu:2"), c.resultType);
  double tolerance = c.resultType == DType::f32 ? 1e-5 : 1.0 / 256;
  for (uint64_t b = 0; b < c.e.batch; ++b)
    for (uint64_t i = 0; i < c.e.m; ++i)
      for (uint64_t j = 0; j < c.e.n; ++j) {
        double expected = reference(c, operands, b, i, j);
        ASSERT_NEAR(result[(b * c.e.m + i) * c.resultLd() + j], expected,
                    tolerance * (1 + std::fabs(expected)))
            << b << ' ' << i << ' ' << j;
      }
  // What lies between the rows is not touched: it is still zero.
  for (uint64_t row = 0; row < c.e.batch * c.e.m; ++row)
    for (uint64_t j = c.e.n; j < c.resultLd(); ++j)
      ASSERT_EQ(result[row * c.resultLd() + j], 0) << row << ' ' << j;
}

static const Extents allExtents[] = {
    {1, 1, 1, 1, 1, 1},      {1, 1, 7, 5, 4, 4},     {1, 9, 1, 6, 4, 8},
    {1, 5, 3, 1, 2, 2},      {2, 16, 16, 16, 8, 16}, {3, 33, 17, 29, 16, 8},
    {1, 40, 70, 65, 40, 70}, {2, 8, 8, 8, 64, 64},   {1, 64, 10, 784, 32, 10}};

// Every layout, epilogue and odd extent against the obvious loops.
TEST(Matmul, F32Variants) {
  for (const Extents &extents : allExtents)
    for (int bits = 0; bits < 32; ++bits) {
      Case c{extents};
      c.transposeLhs = bits & 1;
      c.transposeRhs = bits & 2;
      c.sharedRhs = bits & 4;
      c.relu = bits & 8;
      c.bias = bits & 16 ? (bits & 8 ? DType::bf16 : DType::f32) : DType::i1;
      c.padding = bits % 3 == 0 ? 0 : 3;
      check(c);
      if (HasFatalFailure())
        return;
    }
}

static bool hasBf16() { return runtime::hasCpuFeature("avx512bf16"); }

TEST(Matmul, Bf16Variants) {
  if (!hasBf16())
    GTEST_SKIP() << "this processor has no bf16 products";
  for (const Extents &extents : allExtents)
    for (int bits = 0; bits < 32; ++bits) {
      Case c{extents};
      c.transposeLhs = bits & 1;
      c.transposeRhs = bits & 2;
      c.relu = bits & 4;
      c.bias = bits & 8 ? (bits & 4 ? DType::bf16 : DType::f32) : DType::i1;
      c.type = DType::bf16;
      c.resultType = bits & 16 ? DType::bf16 : DType::f32;
      check(c);
      if (HasFatalFailure())
        return;
    }
}

// relu keeps NaN, so that a diverged step shows; negative values become +0.
TEST(Matmul, ReluKeepsNan) {
  for (DType type : {DType::f32, DType::bf16}) {
    if (type == DType::bf16 && !hasBf16())
      continue;
    Case c{{1, 3, 20, 2, 2, 16}};
    c.relu = true;
    c.type = c.resultType = type;
    Operands operands(c);
    operands.lhs[0] = NAN; // row 0; the others are negative and positive
    std::fill(operands.rhs.begin(), operands.rhs.end(), 1.0f);
    operands.lhs[c.lhsLd()] = operands.lhs[c.lhsLd() + 1] = -1.0f;
    operands.lhs[2 * c.lhsLd()] = operands.lhs[2 * c.lhsLd() + 1] = 1.0f;
    std::vector<float> result = toFloats(runCase(c, operands, "cpu:2"), type);
    for (uint64_t j = 0; j < c.e.n; ++j) {
      EXPECT_TRUE(std::isnan(result[j])) << j;
      EXPECT_EQ(result[c.resultLd() + j], 0.0f) << j;
      EXPECT_FALSE(std::signbit(result[c.resultLd() + j])) << j;
      EXPECT_EQ(result[2 * c.resultLd() + j], 2.0f) << j;
    }
  }
}

// Without bf16 products: refused when the session is made, with a way out.
TEST(Matmul, Bf16Unsupported) {
  if (hasBf16())
    GTEST_SKIP() << "this processor has bf16 products";
  Case c{{1, 4, 4, 4, 4, 4}};
  c.type = DType::bf16;
  Plan plan(makePlan(c));
  vernier_device_t *device = nullptr;
  EXPECT_OK(vernier_device_create("cpu:1", &device));
  vernier_session_t *session = nullptr;
  vernier_status_t status =
      vernier_session_create(plan.handle, device, 0, &session);
  // AVX-512 without the extension emulates them; then all is well.
  if (status.code != VERNIER_OK)
    EXPECT_STATUS(VERNIER_RESOURCES,
                  "compile the model again with --target=cpu", status);
  vernier_session_release(session);
  vernier_device_release(device);
}

// The bits depend on shapes and tiles alone, never on the number of threads.
TEST(Matmul, ThreadsDoNotMatter) {
  for (Extents extents :
       {Extents{1, 96, 200, 300, 48, 64}, Extents{5, 30, 40, 50, 16, 16},
        Extents{1, 256, 512, 128, 256, 512}})
    for (int transposes = 0; transposes < 4; ++transposes) {
      Case c{extents};
      c.transposeLhs = transposes & 1;
      c.transposeRhs = transposes & 2;
      Operands operands(c);
      for (float &value : operands.lhs)
        value *= 0.1f; // inexact, so that the order of sums shows
      std::vector<uint8_t> one = runCase(c, operands, "cpu:1");
      EXPECT_EQ(one, runCase(c, operands, "cpu:2"));
      EXPECT_EQ(one, runCase(c, operands, "cpu:4"));
    }
}

//===----------------------------------------------------------------------===//
// Transpose
//===----------------------------------------------------------------------===//

static void checkTranspose(DType dtype, std::vector<int64_t> shape,
                           std::vector<uint32_t> permutation) {
  std::vector<int64_t> permuted;
  for (uint32_t i : permutation)
    permuted.push_back(shape[i]);
  TestPlan plan;
  TestEntry &entry = plan.entry("predict");
  uint32_t source = entry.input("x", dtype, shape);
  uint32_t result = entry.alloc(dtype, permuted);
  entry.transpose(source, result, permutation);
  entry.output("y", result);
  Plan loaded(plan);
  Session session(loaded.handle);
  uint64_t bytes = bytesOf(dtype, shape);
  std::vector<uint8_t> x(bytes), y(bytes);
  std::mt19937 generator(1);
  for (uint8_t &byte : x)
    byte = generator();
  EXPECT_OK(vernier_session_set_input(session.handle, "predict", "x", x.data(),
                                      bytes));
  session.run("predict");
  EXPECT_OK(vernier_session_get_output(session.handle, "predict", "y", y.data(),
                                       bytes));
  uint64_t size = bytesOf(dtype, {}), count = bytes / size;
  for (uint64_t i = 0; i < count; ++i) {
    // The result's index, split into its dims, gives the source's.
    std::vector<uint64_t> index(shape.size());
    uint64_t rest = i, from = 0;
    for (size_t d = shape.size(); d-- > 0;) {
      index[permutation[d]] = rest % permuted[d];
      rest /= permuted[d];
    }
    for (size_t d = 0; d < shape.size(); ++d)
      from = from * shape[d] + index[d];
    ASSERT_EQ(std::memcmp(&y[i * size], &x[from * size], size), 0)
        << i << " of " << count;
  }
}

TEST(Transpose, AllPermutations) {
  for (DType dtype : {DType::f32, DType::bf16, DType::i64, DType::i1}) {
    std::vector<uint32_t> permutation = {0, 1, 2, 3};
    do {
      checkTranspose(dtype, {3, 1, 5, 4}, permutation);
      checkTranspose(dtype, {2, 17, 20, 33}, permutation);
    } while (std::next_permutation(permutation.begin(), permutation.end()));
  }
  checkTranspose(DType::f32, {}, {});
  checkTranspose(DType::f32, {7}, {0});
  checkTranspose(DType::f32, {300, 500}, {1, 0}); // on several threads
  checkTranspose(DType::f16, {2, 3, 2, 3, 2}, {4, 2, 0, 3, 1});
}
