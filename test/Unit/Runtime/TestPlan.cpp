//===- TestPlan.cpp - Plans made by hand
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"

#include "Runtime/Hash.h"

#include <cstring>
#include <fstream>
#include <iterator>

using namespace vernier;
using namespace vernier::test;

uint64_t test::bytesOf(DType dtype, const std::vector<int64_t> &shape) {
  static const uint64_t sizes[] = {4, 2, 2, 4, 8, 1};
  uint64_t bytes = sizes[static_cast<int>(dtype)];
  for (int64_t extent : shape)
    bytes *= extent;
  return bytes;
}

static uint64_t roundUp(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

//===----------------------------------------------------------------------===//
// Entries
//===----------------------------------------------------------------------===//

uint32_t TestEntry::alloc(DType dtype, std::vector<int64_t> shape) {
  buffers.push_back({Memory::arena, arenaBytes, dtype, shape});
  arenaBytes += roundUp(bytesOf(dtype, shape));
  return buffers.size() - 1;
}

uint32_t TestEntry::input(const std::string &portName, DType dtype,
                          std::vector<int64_t> shape, int64_t classes) {
  inputs.push_back({portName, alloc(dtype, shape), classes});
  return inputs.back().buffer;
}

void TestEntry::output(const std::string &portName, uint32_t buffer) {
  outputs.push_back({portName, buffer, 0});
}

uint32_t TestEntry::use(const TestState &state) {
  buffers.push_back({Memory::state, state.offset, state.dtype, state.shape});
  return buffers.size() - 1;
}

uint32_t TestEntry::constant(uint64_t offset, DType dtype,
                             std::vector<int64_t> shape) {
  buffers.push_back({Memory::constants, offset, dtype, shape});
  return buffers.size() - 1;
}

template <typename T>
void TestEntry::call(schema::Operation kind, const std::string &what,
                     std::vector<uint32_t> in, std::vector<uint32_t> out,
                     const T &create) {
  calls.push_back([=](Builder &builder) {
    flatbuffers::Offset<void> operation = create(builder).Union();
    auto inputList = builder.CreateVector(in);
    auto resultList = builder.CreateVector(out);
    auto name = builder.CreateString(what);
    auto location = builder.CreateString("model.mlir:1:" + what);
    return schema::CreateCall(builder, kind, operation, inputList, resultList,
                              name, location);
  });
}

void TestEntry::launch(const std::string &kernel, std::vector<uint32_t> in,
                       std::vector<uint32_t> out, uint64_t grid,
                       uint64_t grain) {
  call(schema::Operation::Launch, kernel, in, out, [=](Builder &builder) {
    auto symbol = builder.CreateString(kernel);
    return schema::CreateLaunch(builder, symbol, grid, grain);
  });
}

/// Without an optional buffer that is -1.
static std::vector<uint32_t> list(std::vector<int64_t> buffers) {
  std::vector<uint32_t> present;
  for (int64_t buffer : buffers)
    if (buffer >= 0)
      present.push_back(uint32_t(buffer));
  return present;
}

void TestEntry::matmul(const TestMatmul &m) {
  call(schema::Operation::Matmul, "matmul", list({m.lhs, m.rhs, m.bias}),
       {m.result}, [=](Builder &builder) {
         return schema::CreateMatmul(builder, m.batch, m.m, m.n, m.k,
                                     m.transposeLhs, m.transposeRhs,
                                     m.sharedRhs, m.lhsLd, m.rhsLd, m.resultLd,
                                     m.tileM, m.tileN, m.relu);
       });
}

void TestEntry::transpose(uint32_t source, uint32_t result,
                          std::vector<uint32_t> permutation) {
  call(schema::Operation::Transpose, "transpose", {source}, {result},
       [=](Builder &builder) {
         return schema::CreateTranspose(builder,
                                        builder.CreateVector(permutation));
       });
}

void TestEntry::copy(uint32_t source, uint32_t result,
                     std::vector<int64_t> offset, bool keep) {
  call(schema::Operation::Copy, "copy", {source}, {result},
       [=](Builder &builder) {
         auto list = builder.CreateVector(offset);
         return schema::CreateCopy(builder, list, keep);
       });
}

void TestEntry::convolution(const TestConvolution &c) {
  using Kind = schema::ConvolutionKind;
  std::vector<uint32_t> inputs = {c.image, c.weight};
  uint32_t result = c.output;
  if (c.kind == Kind::image) {
    inputs = {c.output, c.weight};
    result = c.image;
  } else if (c.kind == Kind::weight) {
    inputs = {c.image, c.output};
    result = c.weight;
  }
  call(schema::Operation::Convolution, "convolution", inputs, {result},
       [=](Builder &builder) {
         auto strides = builder.CreateVector(c.strides);
         auto padding = builder.CreateVector(c.padding);
         auto dilation = builder.CreateVector(c.dilation);
         return schema::CreateConvolution(builder, c.kind, strides, padding,
                                          dilation, c.groups, c.tile);
       });
}

void TestEntry::pool(const TestPool &p) {
  call(schema::Operation::Pool, "pool", list({p.source, p.image}), {p.result},
       [=](Builder &builder) {
         auto window = builder.CreateVector(p.window);
         auto strides = builder.CreateVector(p.strides);
         auto padding = builder.CreateVector(p.padding);
         return schema::CreatePool(builder, p.kind, p.gradient, window, strides,
                                   padding);
       });
}

void TestEntry::gather(const TestGather &g) {
  call(schema::Operation::Gather, "gather", {g.source, g.indices}, {g.result},
       [=](Builder &builder) {
         return schema::CreateGather(builder, g.rows, g.add);
       });
}

//===----------------------------------------------------------------------===//
// Plans
//===----------------------------------------------------------------------===//

TestState &TestPlan::state(const std::string &name, Role role, DType dtype,
                           std::vector<int64_t> shape) {
  TestState &state = states.emplace_back();
  state.name = name;
  state.role = role;
  state.dtype = dtype;
  state.shape = shape;
  state.offset = stateBytes;
  stateBytes += roundUp(bytesOf(dtype, shape));
  return state;
}

TestEntry &TestPlan::entry(const std::string &name) {
  entries.emplace_back().name = name;
  return entries.back();
}

static flatbuffers::Offset<schema::State> write(Builder &builder,
                                                const TestState &state) {
  auto name = builder.CreateString(state.name);
  auto shape = builder.CreateVector(state.shape);
  auto data = builder.CreateVector(state.data);
  auto init =
      schema::CreateInitializer(builder, state.kind, state.a, state.b, data);
  flatbuffers::Offset<flatbuffers::String> copyOf;
  if (!state.copyOf.empty())
    copyOf = builder.CreateString(state.copyOf);
  auto labels =
      state.labels.empty() ? 0 : builder.CreateVectorOfStrings(state.labels);
  auto padded = state.padded.empty() ? 0 : builder.CreateVector(state.padded);
  return schema::CreateState(builder, name, state.role, state.dtype, shape,
                             init, copyOf, state.offset, padded, labels);
}

static flatbuffers::Offset<
    flatbuffers::Vector<flatbuffers::Offset<schema::Port>>>
write(Builder &builder, const std::vector<TestPort> &ports) {
  std::vector<flatbuffers::Offset<schema::Port>> list;
  for (const TestPort &port : ports)
    list.push_back(schema::CreatePort(builder, builder.CreateString(port.name),
                                      port.buffer, port.classes));
  return builder.CreateVector(list);
}

static flatbuffers::Offset<schema::Entry> write(Builder &builder,
                                                const TestEntry &entry) {
  std::vector<flatbuffers::Offset<schema::Buffer>> buffers;
  for (const TestBuffer &buffer : entry.buffers)
    buffers.push_back(schema::CreateBuffer(builder, buffer.memory,
                                           buffer.offset, buffer.dtype,
                                           builder.CreateVector(buffer.shape)));
  std::vector<flatbuffers::Offset<schema::Call>> calls;
  for (const CallBuilder &call : entry.calls)
    calls.push_back(call(builder));
  auto name = builder.CreateString(entry.name);
  auto inputs = write(builder, entry.inputs);
  auto outputs = write(builder, entry.outputs);
  return schema::CreateEntry(
      builder, name, inputs, outputs, builder.CreateVector(buffers),
      builder.CreateVector(calls), entry.arenaBytes, entry.savedBytes);
}

std::vector<uint8_t> TestPlan::payload() const {
  Builder builder;
  std::vector<flatbuffers::Offset<schema::State>> stateList;
  for (const TestState &state : states)
    stateList.push_back(write(builder, state));
  std::vector<flatbuffers::Offset<schema::Entry>> entryList;
  for (const TestEntry &entry : entries)
    entryList.push_back(write(builder, entry));
  auto producer = builder.CreateString("test");
  auto target = builder.CreateString("cpu:test");
  auto featureList = builder.CreateVectorOfStrings(features);
  auto model = builder.CreateString("tiny");
  std::vector<flatbuffers::Offset<schema::KeyValue>> optionList;
  for (const auto &[key, value] : options)
    optionList.push_back(schema::CreateKeyValue(
        builder, builder.CreateString(key), builder.CreateString(value)));
  auto optionVector = optionList.empty() ? 0 : builder.CreateVector(optionList);
  auto stateVector = builder.CreateVector(stateList);
  auto constantVector = builder.CreateVector(constants);
  auto entryVector = builder.CreateVector(entryList);
  auto objectVector = builder.CreateVector(object);
  schema::FinishPlanBuffer(
      builder,
      schema::CreatePlan(builder, producer, target, featureList, model,
                         optionVector, stateVector, stateBytes, constantVector,
                         entryVector, objectVector, 0, microBatches));
  return {builder.GetBufferPointer(),
          builder.GetBufferPointer() + builder.GetSize()};
}

std::vector<uint8_t> TestPlan::build() const { return seal(payload()); }

std::vector<uint8_t> test::seal(const std::vector<uint8_t> &payload) {
  vernier_plan_header_t header = {};
  std::memcpy(header.magic, VERNIER_PLAN_MAGIC, 8);
  header.version_major = VERNIER_PLAN_VERSION_MAJOR;
  header.version_minor = VERNIER_PLAN_VERSION_MINOR;
  header.header_size = sizeof(header);
  header.payload_size = payload.size();
  runtime::Hasher hasher;
  hasher.update(&header, sizeof(header));
  hasher.update(payload.data(), payload.size());
  runtime::Digest digest = hasher.finish();
  std::memcpy(header.digest, digest.data(), digest.size());
  std::vector<uint8_t> file(sizeof(header));
  std::memcpy(file.data(), &header, sizeof(header));
  file.insert(file.end(), payload.begin(), payload.end());
  return file;
}

const std::vector<uint8_t> &test::kernelObject() {
  static const std::vector<uint8_t> bytes = [] {
    std::ifstream file(VERNIER_TEST_KERNELS, std::ios::binary);
    return std::vector<uint8_t>{std::istreambuf_iterator<char>(file), {}};
  }();
  return bytes;
}

TestPlan test::makeTrainingPlan() {
  TestPlan plan;
  plan.object = kernelObject();
  plan.constants.resize(16 * 4);
  for (int i = 0; i < 16; ++i) {
    float value = i;
    std::memcpy(plan.constants.data() + 4 * i, &value, 4);
  }
  plan.state("w", Role::parameter, DType::f32, {4, 4}).kind = InitKind::normal;
  plan.states[0].b = 1;
  plan.state("m", Role::moment, DType::f32, {4, 4});
  plan.state("steps", Role::counter, DType::i32, {});
  plan.state("w.bf16", Role::copy, DType::bf16, {4, 4}).kind = InitKind::none;
  plan.states[3].copyOf = "w";

  // step: m += x w^T + constant; w += m; steps += 1
  TestEntry &step = plan.entry("step");
  uint32_t x = step.input("x", DType::f32, {4, 4});
  step.input("label", DType::i32, {4}, /*classes=*/10);
  uint32_t w = step.use(plan.states[0]), m = step.use(plan.states[1]),
           steps = step.use(plan.states[2]);
  uint32_t constants = step.constant(0, DType::f32, {4, 4});
  uint32_t product = step.alloc(DType::f32, {4, 4}),
           transposed = step.alloc(DType::f32, {4, 4}),
           sum = step.alloc(DType::f32, {4, 4});
  step.transpose(w, transposed, {1, 0});
  step.matmul({x, transposed, -1, product, 1, 4, 4, 4, false, false, false, 4,
               4, 4, 2, 4, false});
  step.launch("add", {product, constants}, {sum}, 16);
  step.launch("add", {m, sum}, {m}, 16);
  step.launch("add", {w, m}, {w}, 16);
  step.launch("count", {steps}, {steps}, 1);
  step.launch("narrow", {w}, {step.use(plan.states[3])}, 16);
  step.output("product", product);
  step.output("steps", steps);
  step.savedBytes = 64;

  // predict: y = 2 x
  TestEntry &predict = plan.entry("predict");
  uint32_t input = predict.input("x", DType::f32, {4, 4});
  uint32_t copied = predict.alloc(DType::f32, {4, 4});
  uint32_t y = predict.alloc(DType::f32, {4, 4});
  predict.copy(input, copied);
  predict.launch("twice", {copied}, {y}, 16);
  predict.output("y", y);
  uint32_t low = predict.use(plan.states[3]);
  predict.output("low", low);

  TestEntry &refresh = plan.entry("refresh");
  refresh.launch("narrow", {refresh.use(plan.states[0])},
                 {refresh.use(plan.states[3])}, 16);
  return plan;
}

/// x is convolved and pooled, then the gradients of both; rows of a table are
/// chosen and summed; boxes are cut out and joined.
TestPlan test::makeImagePlan() {
  using Conv = schema::ConvolutionKind;
  using Pool = schema::PoolKind;
  TestPlan plan;
  TestEntry &e = plan.entry("predict");
  auto image = [&](int64_t h, int64_t w) {
    return e.alloc(DType::f32, {2, h, w, 4});
  };
  uint32_t x = e.input("x", DType::f32, {2, 5, 4, 4}),
           weight = e.input("weight", DType::f32, {4, 3, 3, 2}),
           table = e.input("table", DType::f32, {6, 3}),
           indices = e.input("indices", DType::i32, {4});
  uint32_t y = image(3, 4), dx = image(5, 4),
           dw = e.alloc(DType::f32, {4, 3, 3, 2});
  TestConvolution convolution{Conv::output, x, weight, y, {2, 1}, {1, 1, 1, 1}};
  convolution.groups = 2;
  for (auto [kind, image, weights] : {std::make_tuple(Conv::output, x, weight),
                                      std::make_tuple(Conv::image, dx, weight),
                                      std::make_tuple(Conv::weight, x, dw)}) {
    convolution.kind = kind;
    convolution.image = image;
    convolution.weight = weights;
    e.convolution(convolution);
  }
  uint32_t maxima = image(2, 3), means = image(2, 2), dmaxima = image(3, 4),
           dmeans = image(3, 4);
  e.pool({Pool::max, false, y, -1, maxima});
  e.pool({Pool::max, true, maxima, int32_t(y), dmaxima});
  e.pool({Pool::average, false, y, -1, means, {}});
  e.pool({Pool::average, true, means, -1, dmeans, {}});
  uint32_t rows = e.alloc(DType::f32, {4, 3}),
           sums = e.alloc(DType::f32, {6, 3}),
           joined = e.alloc(DType::f32, {6, 3});
  e.gather({table, indices, rows, 6, false});
  e.gather({rows, indices, sums, 6, true});
  e.copy(sums, joined);
  e.copy(rows, joined, {-2, 1}, /*keep=*/true);
  for (auto [name, buffer] : {std::make_pair("y", y),
                              {"dx", dx},
                              {"dw", dw},
                              {"maxima", maxima},
                              {"dmaxima", dmaxima},
                              {"means", means},
                              {"dmeans", dmeans},
                              {"sums", sums},
                              {"joined", joined}})
    e.output(name, buffer);
  return plan;
}

//===----------------------------------------------------------------------===//
// Handles
//===----------------------------------------------------------------------===//

Plan::Plan(const TestPlan &plan) {
  std::vector<uint8_t> bytes = plan.build();
  EXPECT_OK(vernier_plan_load_memory(bytes.data(), bytes.size(), &handle));
}

Session::Session(vernier_plan_t *plan, const char *device, uint64_t seed) {
  vernier_device_t *opened = nullptr;
  EXPECT_OK(vernier_device_create(device, &opened));
  EXPECT_OK(vernier_session_create(plan, opened, seed, &handle));
  vernier_device_release(opened);
}

void Session::set(const char *entry, const char *input,
                  const std::vector<float> &values) {
  EXPECT_OK(vernier_session_set_input(handle, entry, input, values.data(),
                                      values.size() * 4));
}

void Session::run(const char *entry) {
  EXPECT_OK(vernier_session_run(handle, entry));
}

std::vector<float> Session::output(const char *entry, const char *name,
                                   size_t count) {
  std::vector<float> values(count);
  EXPECT_OK(vernier_session_get_output(handle, entry, name, values.data(),
                                       count * 4));
  return values;
}

std::vector<float> Session::state(const char *name, size_t count) {
  std::vector<float> values(count);
  EXPECT_OK(vernier_session_get_state(handle, name, values.data(), count * 4));
  return values;
}

// LLVM's OpenMP keeps what it allocated for threads that are gone.
extern "C" const char *__lsan_default_suppressions();
extern "C" const char *__lsan_default_suppressions() { return "leak:libomp\n"; }
