//===- PlanTest.cpp - Loading plans
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/CpuFeatures.h"
#include "TestPlan.h"
#include "vernier-c/library.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

using namespace vernier;
using namespace vernier::test;

static vernier_status_t load(const std::vector<uint8_t> &bytes) {
  vernier_plan_t *plan = reinterpret_cast<vernier_plan_t *>(1);
  vernier_status_t status =
      vernier_plan_load_memory(bytes.data(), bytes.size(), &plan);
  EXPECT_EQ(plan != nullptr, status.code == VERNIER_OK);
  vernier_plan_release(plan);
  return status;
}

static vernier_status_t load(const TestPlan &plan) {
  return load(plan.build());
}

#define EXPECT_BAD(part, ...)                                                  \
  EXPECT_STATUS(VERNIER_BAD_FILE, part, load(__VA_ARGS__))

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

TEST(Plan, LoadsFromAFile) {
  std::string path = testing::TempDir() + "/plan.vplan";
  std::vector<uint8_t> bytes = makeTrainingPlan().build();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  vernier_plan_t *plan = nullptr;
  EXPECT_OK(vernier_plan_load(path.c_str(), &plan));
  EXPECT_EQ(std::strlen(vernier_plan_digest(plan)), 32u);
  size_t size = 0;
  const void *payload = vernier_plan_payload(plan, &size);
  EXPECT_EQ(size, bytes.size() - 64);
  EXPECT_EQ(std::memcmp(payload, bytes.data() + 64, size), 0);
  vernier_plan_retain(plan);
  vernier_plan_release(plan);
  vernier_plan_release(plan);

  // A message about a file names it.
  std::ofstream(path, std::ios::trunc) << "VERN";
  EXPECT_STATUS(VERNIER_BAD_FILE, path, vernier_plan_load(path.c_str(), &plan));
  std::remove(path.c_str());
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "No such file",
                vernier_plan_load(path.c_str(), &plan));
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "not a file",
                vernier_plan_load(testing::TempDir().c_str(), &plan));
  EXPECT_EQ(plan, nullptr);
}

TEST(Plan, Misuse) {
  vernier_plan_t *plan = nullptr;
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "null",
                vernier_plan_load(nullptr, &plan));
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "null",
                vernier_plan_load("x", nullptr));
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "null",
                vernier_plan_load_memory(nullptr, 3, &plan));
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "null",
                vernier_plan_load_memory("x", 1, nullptr));
  vernier_plan_retain(nullptr);
  vernier_plan_release(nullptr);
  EXPECT_EQ(vernier_plan_digest(nullptr), nullptr);
  size_t size = 1;
  EXPECT_EQ(vernier_plan_payload(nullptr, &size), nullptr);
  EXPECT_EQ(size, 0u);
}

TEST(Plan, DescribesPorts) {
  Plan plan(makeTrainingPlan());
  size_t count = 0;
  const vernier_tensor_info_t *ports = nullptr;
  EXPECT_OK(vernier_plan_entry_inputs(plan.handle, "step", &count, &ports));
  ASSERT_EQ(count, 2u);
  EXPECT_STREQ(ports[1].name, "label");
  EXPECT_EQ(ports[1].dtype, VERNIER_I32);
  EXPECT_EQ(ports[1].classes, 10);
  EXPECT_EQ(ports[1].bytes, 16u);
  EXPECT_OK(vernier_plan_entry_outputs(plan.handle, "step", &count, &ports));
  ASSERT_EQ(count, 2u);
  EXPECT_STREQ(ports[0].name, "product");
  EXPECT_EQ(ports[0].rank, 2u);
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "no entry 'x'",
                vernier_plan_entry_inputs(plan.handle, "x", &count, &ports));
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "null",
                vernier_plan_entry_outputs(nullptr, "x", &count, &ports));
}

// A message lives in its thread.
TEST(Plan, MessagesAreThreadLocal) {
  vernier_plan_t *plan = nullptr;
  vernier_status_t mine = vernier_plan_load(nullptr, &plan);
  std::string before = mine.message;
  std::thread([] {
    vernier_plan_t *other = nullptr;
    EXPECT_STATUS(VERNIER_BAD_FILE, "not a plan",
                  vernier_plan_load_memory("x", 1, &other));
  }).join();
  EXPECT_EQ(mine.message, before);
}

//===----------------------------------------------------------------------===//
// Damage
//===----------------------------------------------------------------------===//

TEST(Plan, Header) {
  std::vector<uint8_t> good = makeTrainingPlan().build();
  EXPECT_OK(load(good));
  auto change = [&](size_t at, uint8_t value) {
    std::vector<uint8_t> bytes = good;
    bytes[at] = value;
    return bytes;
  };
  EXPECT_BAD("does not start with VERNPLAN", change(0, 'X'));
  EXPECT_BAD("version 1.0", change(8, 1));
  EXPECT_BAD("version 2.1", change(12, 1));
  EXPECT_BAD("header has size 65", change(16, 65));
  EXPECT_BAD("truncated or damaged", change(24, good[24] + 1));
  EXPECT_BAD("digest", change(32, good[32] + 1));
  EXPECT_BAD("digest", change(good.size() - 1, good.back() ^ 1));
  EXPECT_BAD("digest", change(60, 1)); // reserved, but hashed
  good.push_back(0);
  EXPECT_BAD("truncated or damaged", good);
}

// A file that ends anywhere, be it in the kernels.
TEST(Plan, EveryPrefixIsRefused) {
  for (const TestPlan &plan : {makeTrainingPlan(), makeImagePlan()}) {
    std::vector<uint8_t> good = plan.build();
    for (size_t size = 1; size < good.size(); ++size)
      ASSERT_EQ(load({good.begin(), good.begin() + size}).code,
                VERNIER_BAD_FILE)
          << size;
  }
}

/// A plan that can be loaded here, but not run.
static void checkOtherMachine(const TestPlan &other, const char *message) {
  Plan plan(other);
  EXPECT_STATUS(VERNIER_RESOURCES, message,
                vernier_plan_check_machine(plan.handle));
  vernier_device_t *device = nullptr;
  vernier_session_t *session = nullptr;
  vernier_memory_info_t info;
  EXPECT_OK(vernier_device_create("cpu:1", &device));
  EXPECT_STATUS(VERNIER_RESOURCES, message,
                vernier_session_create(plan.handle, device, 0, &session));
  EXPECT_STATUS(VERNIER_RESOURCES, message,
                vernier_session_plan_memory(plan.handle, device, &info));
  vernier_device_release(device);
}

// A plan for another machine says what is missing and what to do.
TEST(Plan, OtherMachines) {
  TestPlan plan = makeTrainingPlan();
  EXPECT_OK(vernier_plan_check_machine(Plan(plan).handle));
  plan.object[18] = 0x28; // e_machine: 32-bit ARM
  checkOtherMachine(plan, "ELF machine 40");
  plan.features = {"avx9000", "quantum"};
  checkOtherMachine(plan, "lacks avx9000, quantum; compile the model again "
                          "with --target=cpu");
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "plan is null",
                vernier_plan_check_machine(nullptr));
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "plan is null",
                vernier_plan_check_library(nullptr));
}

// The plan says avx512bf16, as LLVM does, and Linux avx512_bf16.
TEST(Plan, FeatureSpellings) {
  std::istringstream file("processor : 0\nflags\t\t: fpu sse4_1 avx512_bf16 "
                          "avx512vl\n\nprocessor : 1\nflags : none\n");
  EXPECT_EQ(runtime::parseCpuFeatures(file),
            (std::set<std::string>{"fpu", "sse41", "avx512bf16", "avx512vl"}));
}

//===----------------------------------------------------------------------===//
// What a plan may say
//===----------------------------------------------------------------------===//

TEST(Plan, States) {
  auto with = [](auto change) {
    TestPlan plan = makeTrainingPlan();
    change(plan);
    return plan;
  };
  EXPECT_BAD("state 'w' occurs twice",
             with([](TestPlan &p) { p.states[1].name = "w"; }));
  // Names are in the JSON of checkpoints: not overlong, no surrogates.
  for (const std::string &name :
       {std::string(), std::string("a\0b", 3), std::string("w\xff"),
        std::string("\xc3"), std::string("\xc0\x80"),
        std::string("\xed\xa0\x80"), std::string("\xf4\x90\x80\x80"),
        std::string(4097, 'a')})
    EXPECT_BAD("state 1 has no proper name, 1 to 4096 bytes of UTF-8",
               with([&](TestPlan &p) { p.states[1].name = name; }));
  for (const char *name : {"\u00e9 \u20ac", "\U0001f600", "a\"b\n"})
    EXPECT_OK(load(with([&](TestPlan &p) { p.states[1].name = name; })));
  EXPECT_BAD("state 1 has the name '__metadata__', which no tensor of a "
             "checkpoint can have",
             with([](TestPlan &p) { p.states[1].name = "__metadata__"; }));
  EXPECT_BAD("the states 'm' and 'w' overlap",
             with([](TestPlan &p) { p.states[1].offset = 0; }));
  EXPECT_BAD("unknown role",
             with([](TestPlan &p) { p.states[1].role = Role(9); }));
  EXPECT_BAD("state 'm' has a bad type",
             with([](TestPlan &p) { p.states[1].dtype = DType(6); }));
  EXPECT_BAD("state 'm' has a bad type",
             with([](TestPlan &p) { p.states[1].shape = {4, -4}; }));
  EXPECT_BAD("state 'm' has a bad type", with([](TestPlan &p) {
               p.states[1].shape = {INT64_MAX, INT64_MAX, 2};
             }));
  EXPECT_BAD("outside the state memory",
             with([](TestPlan &p) { p.states[1].offset = 1 << 20; }));
  EXPECT_BAD("outside the state memory",
             with([](TestPlan &p) { p.states[1].offset = 4; }));
  EXPECT_BAD("unknown initialiser",
             with([](TestPlan &p) { p.states[1].kind = InitKind(44); }));
  EXPECT_BAD("not 64 bytes",
             with([](TestPlan &p) { p.states[1].kind = InitKind::dense; }));
  EXPECT_BAD("no initial value",
             with([](TestPlan &p) { p.states[1].kind = InitKind::none; }));
  EXPECT_BAD("names no master",
             with([](TestPlan &p) { p.states[3].copyOf = ""; }));
  EXPECT_BAD("is of 'v', which is not a master",
             with([](TestPlan &p) { p.states[3].copyOf = "v"; }));
  EXPECT_BAD("is of 'w.bf16', which is not a master",
             with([](TestPlan &p) { p.states[3].copyOf = "w.bf16"; }));
  EXPECT_BAD("another shape than its master",
             with([](TestPlan &p) { p.states[3].shape = {16}; }));
  EXPECT_BAD("no entry 'refresh'",
             with([](TestPlan &p) { p.entries.pop_back(); }));
  EXPECT_BAD("state memory has an impossible size",
             with([](TestPlan &p) { p.stateBytes = UINT64_MAX; }));
}

// More than one micro-batch is gathered by the entry 'accumulate'.
TEST(Plan, MicroBatches) {
  auto withWindow = [](uint32_t microBatches, bool gathers) {
    TestPlan plan = makeTrainingPlan();
    plan.microBatches = microBatches;
    if (gathers)
      plan.entry("accumulate");
    return plan;
  };
  EXPECT_OK(load(withWindow(3, true)));
  EXPECT_BAD("a window of 3 micro-batches, but no entry 'accumulate'",
             withWindow(3, false));
  EXPECT_BAD("a window of 1 micro-batches, but an entry 'accumulate'",
             withWindow(1, true));
  EXPECT_BAD("a window of 0 micro-batches", withWindow(0, false));
}

// A label for each element of a state of one dim, and of no other.
TEST(Plan, Labels) {
  auto withLabels = [](std::vector<int64_t> shape,
                       std::vector<std::string> labels) {
    TestPlan plan = makeTrainingPlan();
    plan.state("counts", Role::counter, DType::i32, shape).labels = labels;
    return plan;
  };
  EXPECT_OK(load(withLabels({2}, {"a", "b"})));
  EXPECT_BAD("state 'counts' has 1 labels, but another number of elements",
             withLabels({2}, {"a"}));
  EXPECT_BAD("state 'counts' has 3 labels", withLabels({2}, {"a", "b", "c"}));
  EXPECT_BAD("state 'counts' has 1 labels", withLabels({}, {"a"}));
  EXPECT_BAD("state 'counts' has 2 labels", withLabels({2, 1}, {"a", "b"}));
}

// Wherever the file puts the empty shape of a scalar.
TEST(Plan, Scalars) {
  TestPlan plan = makeTrainingPlan();
  for (std::string name = "s"; name.size() < 12; name += 's')
    plan.state(name, Role::counter, DType::i32, {});
  EXPECT_OK(load(plan));
}

TEST(Plan, Entries) {
  auto with = [](auto change) {
    TestPlan plan = makeTrainingPlan();
    change(plan, plan.entries[0]);
    return plan;
  };
  using P = TestPlan;
  using E = TestEntry;
  EXPECT_BAD("entry 'train' is unknown",
             with([](P &, E &e) { e.name = "train"; }));
  EXPECT_BAD("entry 'predict' occurs twice",
             with([](P &, E &e) { e.name = "predict"; }));
  EXPECT_BAD("impossible size",
             with([](P &, E &e) { e.savedBytes = 1 << 20; }));
  EXPECT_BAD("unknown memory",
             with([](P &, E &e) { e.buffers[0].memory = Memory(3); }));
  EXPECT_BAD("buffer 0 of 'step' has a bad type",
             with([](P &, E &e) { e.buffers[0].dtype = DType(77); }));
  EXPECT_BAD("outside its memory",
             with([](P &, E &e) { e.buffers[0].offset = UINT64_MAX - 63; }));
  EXPECT_BAD("not aligned", with([](P &, E &e) { e.buffers[0].offset = 32; }));
  EXPECT_BAD("outside its memory of 64 bytes", with([](P &, E &e) {
               e.buffers[0].memory = Memory::constants;
               e.buffers[0].shape = {17};
             }));
  EXPECT_BAD("port 'x' of 'step' has no buffer",
             with([](P &, E &e) { e.inputs[0].buffer = 99; }));
  EXPECT_BAD("input 'x' of 'step' is not in the arena",
             with([](P &, E &e) { e.inputs[0].buffer = 2; }));
  EXPECT_BAD("class indices that are no integers",
             with([](P &, E &e) { e.inputs[0].classes = 3; }));
  EXPECT_BAD("class indices",
             with([](P &, E &e) { e.inputs[1].classes = -1; }));
  EXPECT_BAD("port 'x' of 'step' occurs twice",
             with([](P &, E &e) { e.inputs[1].name = "x"; }));
  EXPECT_BAD("a port of 'step' has no proper name",
             with([](P &, E &e) { e.inputs[1].name = ""; }));
  EXPECT_BAD("'refresh' has inputs", with([](P &p, E &) {
               p.entries[2].inputs.push_back({"q", 0, 0});
             }));
}

/// Buffers of `step`: i32[4] the label, f32[4, 4] the others.
enum : uint32_t {
  x = 0,
  label = 1,
  constants = 5,
  product = 6,
  transposed = 7
};

/// The plan with one more call in `step`.
template <typename Add> static TestPlan withCall(const Add &add) {
  TestPlan plan = makeTrainingPlan();
  add(plan.entries[0]);
  return plan;
}

TEST(Plan, Launches) {
  using E = TestEntry;
  EXPECT_BAD("call 7 of 'step', add at model.mlir:1:add: there is no buffer 99",
             withCall([](E &e) { e.launch("add", {99, 0}, {product}, 16); }));
  EXPECT_BAD("it writes a constant",
             withCall([](E &e) { e.launch("add", {x, x}, {constants}, 16); }));
  EXPECT_BAD("grid 16 with grain 0",
             withCall([](E &e) { e.launch("add", {x, x}, {product}, 16, 0); }));
  EXPECT_BAD("grid", withCall([](E &e) {
               e.launch("add", {x, x}, {product}, UINT64_MAX);
             }));
  EXPECT_BAD("the kernel has no proper name",
             withCall([](E &e) { e.launch("", {x, x}, {product}, 16); }));
  EXPECT_BAD("lacks the kernel 'frobnicate'", withCall([](E &e) {
               e.launch("frobnicate", {x, x}, {product}, 16);
             }));
  EXPECT_BAD("two outputs overlap", withCall([](E &e) {
               e.launch("add", {x}, {product, product}, 16);
             }));
  EXPECT_BAD("overlaps an input in part", withCall([](E &e) {
               e.buffers.push_back({Memory::arena, 0, DType::f32, {2}});
               e.launch("add", {x}, {uint32_t(e.buffers.size() - 1)}, 2);
             }));
  // A gather reads two buffers.
  EXPECT_BAD("it reads 1 buffers and writes 1", withCall([](E &e) {
               e.calls.push_back([](Builder &b) {
                 auto one = b.CreateVector(std::vector<uint32_t>{0});
                 return schema::CreateCall(
                     b, schema::Operation::Gather,
                     schema::CreateGather(b, 1, false).Union(), one, one);
               });
             }));
  EXPECT_BAD("unknown operation", withCall([](E &e) {
               e.calls.push_back([](Builder &b) {
                 auto none = b.CreateVector(std::vector<uint32_t>());
                 return schema::CreateCall(b, schema::Operation(9),
                                           schema::CreateCopy(b).Union(), none,
                                           none);
               });
             }));
}

TEST(Plan, Matmuls) {
  auto with = [](auto change) {
    return withCall([&](TestEntry &e) {
      TestMatmul matmul = {x,     product, -1, transposed, 1, 4, 4, 4,    false,
                           false, false,   4,  4,          4, 4, 4, false};
      change(matmul, e);
      e.matmul(matmul);
    });
  };
  using M = TestMatmul;
  using E = TestEntry;
  EXPECT_OK(load(with([](M &, E &) {})));
  EXPECT_BAD("there is no buffer", with([](M &m, E &) { m.rhs = 99; }));
  EXPECT_BAD("there is no buffer", with([](M &m, E &) { m.bias = 99; }));
  EXPECT_BAD("writes a constant",
             with([](M &m, E &) { m.result = constants; }));
  EXPECT_BAD("a matmul of f32 and i32 to f32 is not supported",
             with([](M &m, E &) { m.rhs = label; }));
  EXPECT_BAD("a bias of i32 is not supported",
             with([](M &m, E &) { m.bias = label; }));
  EXPECT_BAD("or a tile is 0; expected 1 to 1073741824",
             with([](M &m, E &) { m.tileN = 0; }));
  EXPECT_BAD("an extent", with([](M &m, E &) { m.k = UINT64_MAX; }));
  // Within its buffer, of which each row is one element.
  for (uint64_t many : {uint64_t(1) << 31, uint64_t(1) << 32})
    EXPECT_BAD("a tile is " + std::to_string(many), with([&](M &m, E &e) {
                 e.arenaBytes = uint64_t(1) << 40;
                 e.buffers.push_back(
                     {Memory::arena, 4096, DType::f32, {int64_t(many), 1}});
                 m.lhs = e.buffers.size() - 1;
                 m.m = 1, m.k = many, m.lhsLd = many;
               }));
  EXPECT_BAD("its lhs of 1 x 5 x 4", with([](M &m, E &) { m.m = 5; }));
  EXPECT_BAD("its lhs of 1 x 4 x 4 with leading dimension 5",
             with([](M &m, E &) { m.lhsLd = 5; }));
  EXPECT_BAD("leading dimension 3 is not",
             with([](M &m, E &) { m.lhsLd = 3; }));
  EXPECT_BAD("its rhs of 2 x 4 x 4",
             with([](M &m, E &) { m.batch = 2, m.m = 2; }));
  EXPECT_OK(
      load(with([](M &m, E &) { m.batch = 2, m.m = 2, m.sharedRhs = true; })));
  EXPECT_BAD("its lhs of 4611686018427387903",
             with([](M &m, E &) { m.batch = uint64_t(INT64_MAX) / 2; }));
  EXPECT_BAD("its bias of 1 x 1 x 4", with([](M &m, E &e) {
               e.buffers.push_back({Memory::arena, 0, DType::f32, {2}});
               m.bias = e.buffers.size() - 1;
             }));
  EXPECT_BAD("its result overlaps an operand",
             with([](M &m, E &) { m.result = product; }));
}

TEST(Plan, TransposesAndCopies) {
  using E = TestEntry;
  EXPECT_BAD("the permutation is none",
             withCall([](E &e) { e.transpose(x, product, {1, 1}); }));
  EXPECT_BAD("the permutation is none",
             withCall([](E &e) { e.transpose(x, product, {0, 2}); }));
  EXPECT_BAD("do not agree",
             withCall([](E &e) { e.transpose(x, product, {0}); }));
  EXPECT_BAD("do not agree",
             withCall([](E &e) { e.transpose(x, label, {1, 0}); }));
  EXPECT_BAD("extent 0 of the result is 2, expected 8", withCall([](E &e) {
               uint32_t out = e.alloc(DType::f32, {2, 8});
               e.transpose(e.alloc(DType::f32, {2, 8}), out, {1, 0});
             }));
  EXPECT_BAD("overlaps its source",
             withCall([](E &e) { e.transpose(x, x, {1, 0}); }));
  EXPECT_BAD("differ in type or rank",
             withCall([](E &e) { e.copy(x, label); }));
  EXPECT_BAD("there is no buffer", withCall([](E &e) { e.copy(x, 99); }));
  EXPECT_BAD("overlaps its source in part", withCall([](E &e) {
               e.buffers.push_back({Memory::arena, 0, DType::f32, {32}});
               e.buffers.push_back({Memory::arena, 64, DType::f32, {32}});
               e.copy(e.buffers.size() - 2, e.buffers.size() - 1);
             }));
}

//===----------------------------------------------------------------------===//
// The kernel object
//===----------------------------------------------------------------------===//

TEST(Plan, KernelObjects) {
  TestPlan plan = makeTrainingPlan();
  plan.object.clear();
  EXPECT_BAD("launches 'add' but has no kernels", plan);
  plan.object = {1, 2, 3};
  EXPECT_BAD("it has no header", plan);
  plan.object = kernelObject();
  plan.object.resize(plan.object.size() / 2);
  EXPECT_BAD("kernel object is malformed", plan);
}
