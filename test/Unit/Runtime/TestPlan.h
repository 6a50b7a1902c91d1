//===- TestPlan.h - Plans made by hand
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TEST_UNIT_RUNTIME_TESTPLAN_H
#define VERNIER_TEST_UNIT_RUNTIME_TESTPLAN_H

#include "vernier-c/plan_generated.h"
#include "vernier-c/vernier.h"

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace vernier::test {

using schema::DType;
using schema::InitKind;
using schema::Memory;
using schema::Role;

/// Plain data that a test may falsify before it builds the plan.
struct TestBuffer {
  Memory memory;
  uint64_t offset;
  DType dtype;
  std::vector<int64_t> shape;
};

struct TestPort {
  std::string name;
  uint32_t buffer;
  int64_t classes;
};

struct TestState {
  std::string name;
  Role role;
  DType dtype;
  std::vector<int64_t> shape;
  uint64_t offset = 0;
  InitKind kind = InitKind::constant;
  double a = 0, b = 0;
  std::vector<uint8_t> data;
  std::string copyOf;
  std::vector<std::string> labels;
  std::vector<int64_t> padded; ///< in memory, if larger than the shape
};

struct TestMatmul {
  uint32_t lhs, rhs;
  int32_t bias;
  uint32_t result;
  uint64_t batch, m, n, k;
  bool transposeLhs, transposeRhs, sharedRhs;
  uint64_t lhsLd, rhsLd, resultLd, tileM, tileN;
  bool relu;
};

struct TestConvolution {
  schema::ConvolutionKind kind;
  uint32_t image, weight, output;
  std::vector<uint32_t> strides = {1, 1}, padding = {0, 0, 0, 0},
                        dilation = {1, 1};
  uint32_t groups = 1, tile = 1;
};

struct TestPool {
  schema::PoolKind kind;
  bool gradient;
  uint32_t source;
  int32_t image;
  uint32_t result;
  std::vector<uint32_t> window = {2, 2}, strides = {1, 1},
                        padding = {0, 0, 0, 0};
};

struct TestGather {
  uint32_t source, indices, result;
  uint64_t rows;
  bool add;
};

using Builder = flatbuffers::FlatBufferBuilder;
using CallBuilder = std::function<flatbuffers::Offset<schema::Call>(Builder &)>;

struct TestEntry {
  std::string name;
  std::vector<TestBuffer> buffers;
  std::vector<TestPort> inputs, outputs;
  std::vector<CallBuilder> calls;
  uint64_t arenaBytes = 0, savedBytes = 0;

  /// A fresh range of the arena.
  uint32_t alloc(DType dtype, std::vector<int64_t> shape);
  uint32_t input(const std::string &portName, DType dtype,
                 std::vector<int64_t> shape, int64_t classes = 0);
  void output(const std::string &portName, uint32_t buffer);
  uint32_t use(const TestState &state);
  uint32_t constant(uint64_t offset, DType dtype, std::vector<int64_t> shape);

  void launch(const std::string &kernel, std::vector<uint32_t> in,
              std::vector<uint32_t> out, uint64_t grid, uint64_t grain = 1);
  void matmul(const TestMatmul &matmul);
  void transpose(uint32_t source, uint32_t result,
                 std::vector<uint32_t> permutation);
  void copy(uint32_t source, uint32_t result, std::vector<int64_t> offset = {},
            bool keep = false);
  void convolution(const TestConvolution &convolution);
  void pool(const TestPool &pool);
  void gather(const TestGather &gather);

private:
  /// A call whose operation `create` makes of a builder.
  template <typename T>
  void call(schema::Operation kind, const std::string &what,
            std::vector<uint32_t> in, std::vector<uint32_t> out,
            const T &create);
};

struct TestPlan {
  std::vector<TestState> states;
  std::vector<TestEntry> entries;
  std::vector<std::string> features;
  std::vector<std::pair<std::string, std::string>> options;
  std::vector<uint8_t> constants, object;
  uint64_t stateBytes = 0;
  uint32_t microBatches = 1;

  /// Adds a state behind the others; the reference lasts until the next.
  TestState &state(const std::string &name, Role role, DType dtype,
                   std::vector<int64_t> shape);
  TestEntry &entry(const std::string &name);

  std::vector<uint8_t> payload() const;
  /// A whole plan file.
  std::vector<uint8_t> build() const;
};

uint64_t bytesOf(DType dtype, const std::vector<int64_t> &shape);

/// Put a header with the right digest before a payload.
std::vector<uint8_t> seal(const std::vector<uint8_t> &payload);

/// The test kernels (Inputs/kernels.c), compiled.
const std::vector<uint8_t> &kernelObject();

/// A small plan with every kind of call: entries step, predict and refresh,
/// states w (parameter), m (moment), steps (counter), w.bf16 (copy).
TestPlan makeTrainingPlan();

/// A plan whose only entry, predict, has every kind of call on images and rows,
/// on images of (2, 5, 4, 4) and a table of (6, 3).
TestPlan makeImagePlan();

/// Owners of references.
struct Plan {
  vernier_plan_t *handle = nullptr;
  Plan() = default;
  explicit Plan(const TestPlan &plan);
  ~Plan() { vernier_plan_release(handle); }
  Plan(const Plan &) = delete;
};

struct Session {
  vernier_session_t *handle = nullptr;
  Session(vernier_plan_t *plan, const char *device = "cpu:2",
          uint64_t seed = 0);
  ~Session() { vernier_session_release(handle); }
  Session(const Session &) = delete;

  void set(const char *entry, const char *input,
           const std::vector<float> &values);
  void run(const char *entry);
  std::vector<float> output(const char *entry, const char *name, size_t count);
  std::vector<float> state(const char *name, size_t count);
};

/// A status for comparisons: ok, or the code and a part of the message.
#define EXPECT_OK(...)                                                         \
  do {                                                                         \
    vernier_status_t status_ = (__VA_ARGS__);                                  \
    EXPECT_EQ(status_.code, VERNIER_OK) << status_.message;                    \
  } while (false)
#define EXPECT_STATUS(expectedCode, part, ...)                                 \
  do {                                                                         \
    vernier_status_t status_ = (__VA_ARGS__);                                  \
    EXPECT_EQ(status_.code, expectedCode)                                      \
        << (status_.message ? status_.message : "");                           \
    if (status_.message)                                                       \
      EXPECT_NE(std::string(status_.message).find(part), std::string::npos)    \
          << status_.message;                                                  \
    else                                                                       \
      ADD_FAILURE() << "no message";                                           \
  } while (false)

} // namespace vernier::test

#endif // VERNIER_TEST_UNIT_RUNTIME_TESTPLAN_H
