//===- SessionTest.cpp - Sessions through the C API
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"

#include <cstring>
#include <numeric>
#include <thread>

using namespace vernier;
using namespace vernier::test;

static std::vector<float> ramp(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

// One step of the training plan, computed by hand.
TEST(Session, RunsEveryKindOfCall) {
  Plan plan(makeTrainingPlan());
  Session session(plan.handle);
  std::vector<float> w = session.state("w", 16), x = ramp(16);
  session.set("step", "x", x);
  session.run("step");

  std::vector<float> product = session.output("step", "product", 16);
  std::vector<float> m = session.state("m", 16), after = session.state("w", 16);
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) {
      float sum = 0;
      for (int k = 0; k < 4; ++k)
        sum += x[4 * i + k] * w[4 * j + k];
      EXPECT_NEAR(product[4 * i + j], sum, 1e-4);
      EXPECT_EQ(m[4 * i + j], product[4 * i + j] + float(4 * i + j));
      EXPECT_EQ(after[4 * i + j], w[4 * i + j] + m[4 * i + j]);
    }
  int32_t steps = 0;
  EXPECT_OK(vernier_session_get_output(session.handle, "step", "steps", &steps,
                                       sizeof(steps)));
  EXPECT_EQ(steps, 1);
}

// Inputs stay until they are overwritten; those of other entries are separate.
TEST(Session, InputsStay) {
  Plan plan(makeTrainingPlan());
  Session session(plan.handle);
  session.set("predict", "x", ramp(16));
  session.set("step", "x", std::vector<float>(16, -1));
  session.run("step");
  for (int i = 0; i < 2; ++i) {
    session.run("predict");
    std::vector<float> y = session.output("predict", "y", 16);
    EXPECT_EQ(y[0], 2);
    EXPECT_EQ(y[15], 32);
  }
}

// Outputs stay too, whatever else runs or changes in between.
TEST(Session, OutputsOutliveOtherEntries) {
  Plan plan(makeTrainingPlan());
  Session session(plan.handle);
  session.set("predict", "x", ramp(16));
  session.run("step");
  std::vector<float> product = session.output("step", "product", 16);
  session.run("predict");
  EXPECT_EQ(session.output("step", "product", 16), product);
  int32_t steps = 5;
  EXPECT_OK(vernier_session_set_state(session.handle, "steps", &steps,
                                      sizeof(steps)));
  EXPECT_OK(vernier_session_get_output(session.handle, "step", "steps", &steps,
                                       sizeof(steps)));
  EXPECT_EQ(steps, 1);
  EXPECT_EQ(session.output("predict", "y", 16)[15], 32);
}

// Copies follow their masters: after creation, and after a master is written.
TEST(Session, RefreshesCopies) {
  Plan plan(makeTrainingPlan());
  Session session(plan.handle);
  auto check = [&] {
    session.run("predict");
    uint16_t low[16];
    EXPECT_OK(vernier_session_get_output(session.handle, "predict", "low", low,
                                         sizeof(low)));
    std::vector<float> w = session.state("w", 16);
    for (int i = 0; i < 16; ++i) {
      uint32_t bits;
      std::memcpy(&bits, &w[i], 4);
      EXPECT_EQ(low[i], bits >> 16);
    }
  };
  check();
  std::vector<float> w = ramp(16);
  EXPECT_OK(vernier_session_set_state(session.handle, "w", w.data(), 64));
  check();
}

TEST(Session, ListsStatesWithoutCopies) {
  Plan plan(makeTrainingPlan());
  Session session(plan.handle);
  size_t count = 0;
  const vernier_tensor_info_t *states = nullptr;
  EXPECT_OK(vernier_session_states(session.handle, &count, &states));
  ASSERT_EQ(count, 3u);
  EXPECT_STREQ(states[0].name, "w");
  EXPECT_EQ(states[0].dtype, VERNIER_F32);
  EXPECT_EQ(states[0].rank, 2u);
  EXPECT_EQ(states[0].shape[1], 4);
  EXPECT_EQ(states[0].bytes, 64u);
  EXPECT_STREQ(states[2].name, "steps");
  EXPECT_EQ(states[2].rank, 0u);
  EXPECT_EQ(states[2].bytes, 4u);
}

TEST(Session, ReportsMemory) {
  Plan plan(makeTrainingPlan());
  Session session(plan.handle);
  vernier_memory_info_t info = vernier_session_memory(session.handle);
  EXPECT_EQ(info.state_bytes, 256u);
  EXPECT_EQ(info.arena_bytes, 320u);
  EXPECT_EQ(info.saved_bytes, 64u);
  EXPECT_GE(info.total_bytes, 256u + 320);
  EXPECT_EQ(vernier_session_memory(nullptr).total_bytes, 0u);
}

// The memory of a session is known without one, to the byte.
TEST(Session, PlansMemory) {
  Plan plan(makeTrainingPlan());
  for (const char *name : {"cpu:1", "cpu:3"}) {
    vernier_device_t *device = nullptr;
    ASSERT_EQ(vernier_device_create(name, &device).code, VERNIER_OK);
    vernier_memory_info_t planned = {};
    EXPECT_EQ(vernier_session_plan_memory(plan.handle, device, &planned).code,
              VERNIER_OK);
    vernier_device_release(device);
    Session session(plan.handle, name);
    vernier_memory_info_t info = vernier_session_memory(session.handle);
    EXPECT_EQ(planned.work_bytes, info.work_bytes);
    EXPECT_EQ(planned.total_bytes, info.total_bytes);
  }
}

// A wrong argument is an error that names it; the session stays usable.
TEST(Session, Misuse) {
  Plan plan(makeTrainingPlan());
  Session session(plan.handle);
  vernier_session_t *s = session.handle;
  float data[16] = {};
  int32_t labels[4] = {0, 9, 10, 0};
  const auto bad = VERNIER_INVALID_ARGUMENT;

  EXPECT_STATUS(bad, "null",
                vernier_session_set_input(nullptr, "step", "x", data, 64));
  EXPECT_STATUS(bad, "null",
                vernier_session_set_input(s, "step", "x", nullptr, 64));
  EXPECT_STATUS(bad, "no entry 'loss'; it has step, predict, refresh",
                vernier_session_set_input(s, "loss", "x", data, 64));
  EXPECT_STATUS(bad, "no input 'z'; it has x, label",
                vernier_session_set_input(s, "step", "z", data, 64));
  EXPECT_STATUS(bad, "f32[4, 4], 64 bytes; given 60",
                vernier_session_set_input(s, "step", "x", data, 60));
  EXPECT_STATUS(bad,
                "element 2 of 'label' is 10, expected a class index in "
                "[0, 10)",
                vernier_session_set_input(s, "step", "label", labels, 16));
  labels[2] = -1;
  EXPECT_STATUS(bad, "element 2 of 'label' is -1",
                vernier_session_set_input(s, "step", "label", labels, 16));

  EXPECT_STATUS(bad, "null", vernier_session_run(nullptr, "step"));
  EXPECT_STATUS(bad, "no entry 'x'", vernier_session_run(s, "x"));
  EXPECT_STATUS(bad, "null",
                vernier_session_get_output(s, nullptr, "y", data, 64));
  EXPECT_STATUS(bad, "has not run",
                vernier_session_get_output(s, "predict", "y", data, 64));
  session.run("predict");
  EXPECT_STATUS(bad, "no output 'q'; it has y, low",
                vernier_session_get_output(s, "predict", "q", data, 64));
  EXPECT_STATUS(bad, "given 4",
                vernier_session_get_output(s, "predict", "y", data, 4));

  size_t count;
  EXPECT_STATUS(bad, "null", vernier_session_states(s, &count, nullptr));
  EXPECT_STATUS(bad, "no state 'w.bf16'",
                vernier_session_get_state(s, "w.bf16", data, 32));
  EXPECT_STATUS(bad, "given 4", vernier_session_get_state(s, "w", data, 4));
  EXPECT_STATUS(bad, "no state 'q'",
                vernier_session_set_state(s, "q", data, 4));
  EXPECT_STATUS(bad, "given 4", vernier_session_set_state(s, "w", data, 4));
  EXPECT_STATUS(bad, "null", vernier_session_set_state(s, "w", nullptr, 4));
  vernier_session_set_observer(nullptr, nullptr, nullptr);
  session.run("step");
}

TEST(Session, CreateMisuse) {
  Plan plan(makeTrainingPlan());
  vernier_session_t *session = reinterpret_cast<vernier_session_t *>(1);
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "device is null",
                vernier_session_create(plan.handle, nullptr, 0, &session));
  EXPECT_EQ(session, nullptr);
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "session is null",
                vernier_session_create(plan.handle, nullptr, 0, nullptr));
  vernier_session_retain(nullptr);
  vernier_session_release(nullptr);
}

// More memory than there is: a status, not an abort.
TEST(Session, TooMuchMemory) {
  TestPlan plan = makeTrainingPlan();
  plan.entries[0].arenaBytes = uint64_t(1) << 47;
  Plan loaded(plan);
  vernier_device_t *device = nullptr;
  EXPECT_OK(vernier_device_create("cpu", &device));
  vernier_session_t *session = nullptr;
  EXPECT_STATUS(VERNIER_RESOURCES, "reduce the batch size",
                vernier_session_create(loaded.handle, device, 0, &session));
  EXPECT_EQ(session, nullptr);
  vernier_device_release(device);
}

/// "predict 1 twice at model.mlir:1:twice: copy at model.mlir:1:copy -> y";
/// a star marks inputs that were overwritten.
static void describeObservation(void *context,
                                const vernier_observation_t *observation) {
  std::string text = std::string(observation->entry) + " " +
                     std::to_string(observation->index) + " " +
                     observation->name + " at " + observation->location + ":";
  for (size_t i = 0; i < observation->input_count; ++i) {
    EXPECT_NE(observation->inputs[i].data, nullptr);
    text += std::string(" ") + observation->inputs[i].info.name +
            (observation->inputs[i].overwritten ? "*" : "");
  }
  text += " ->";
  for (size_t i = 0; i < observation->result_count; ++i) {
    EXPECT_NE(observation->results[i].data, nullptr);
    text += std::string(" ") + observation->results[i].info.name;
  }
  static_cast<std::vector<std::string> *>(context)->push_back(text);
}

// The observer sees each call with its inputs and results, named by the states,
// the entry's inputs and outputs, and the calls that made them.
TEST(Session, Observer) {
  Plan plan(makeTrainingPlan());
  Session session(plan.handle);
  std::vector<std::string> seen;
  vernier_session_set_observer(session.handle, describeObservation, &seen);
  session.run("step");
  EXPECT_EQ(
      seen,
      (std::vector<std::string>{
          "step 0 transpose at model.mlir:1:transpose: w -> transpose at "
          "model.mlir:1:transpose",
          "step 1 matmul at model.mlir:1:matmul: x transpose at "
          "model.mlir:1:transpose -> product",
          "step 2 add at model.mlir:1:add: matmul at model.mlir:1:matmul "
          "constant -> add at model.mlir:1:add",
          "step 3 add at model.mlir:1:add: m* add at model.mlir:1:add -> m",
          "step 4 add at model.mlir:1:add: w* m -> w",
          "step 5 count at model.mlir:1:count: steps* -> steps",
          "step 6 narrow at model.mlir:1:narrow: w -> w.bf16"}));
  vernier_session_set_observer(session.handle, nullptr, nullptr);
  session.run("predict");
  EXPECT_EQ(seen.size(), 7u);
}

// A buffer that reuses another's memory is named by what wrote there last.
TEST(Session, ObserverNamesReusedMemory) {
  TestPlan plan;
  plan.object = kernelObject();
  TestEntry &entry = plan.entry("predict");
  uint32_t x = entry.input("x", DType::f32, {4, 4});
  uint32_t y = entry.alloc(DType::f32, {4, 4});
  entry.launch("twice", {x}, {y}, 16);
  entry.buffers.push_back(entry.buffers[x]); // x is dead
  uint32_t z = static_cast<uint32_t>(entry.buffers.size() - 1);
  entry.copy(y, z);
  entry.launch("twice", {z}, {y}, 16);
  entry.output("y", y);
  Plan loaded(plan);
  Session session(loaded.handle);
  std::vector<std::string> seen;
  vernier_session_set_observer(session.handle, describeObservation, &seen);
  session.run("predict");
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0], "predict 0 twice at model.mlir:1:twice: x -> y");
  EXPECT_EQ(seen[2], "predict 2 twice at model.mlir:1:twice: copy at "
                     "model.mlir:1:copy -> y");
}

// Ranges are multiples of the grain and cover the grid; small work stays on one
// thread.
TEST(Session, LaunchSplitsTheGrid) {
  TestPlan plan;
  plan.object = kernelObject();
  TestEntry &entry = plan.entry("predict");
  const int64_t count = 100'003;
  uint32_t marks = entry.alloc(DType::i32, {count});
  uint32_t small = entry.alloc(DType::i32, {100});
  entry.launch("mark", {}, {marks}, count, 16);
  entry.launch("mark", {}, {small}, 100, 16);
  entry.output("marks", marks);
  entry.output("small", small);
  Plan loaded(plan);
  for (const char *device : {"cpu:1", "cpu:3", "cpu:8"}) {
    Session session(loaded.handle, device);
    session.run("predict");
    std::vector<int32_t> values(count);
    EXPECT_OK(vernier_session_get_output(session.handle, "predict", "marks",
                                         values.data(), count * 4));
    int64_t place = 0, ranges = 0;
    while (place < count) {
      ASSERT_GT(values[place], 0);
      ASSERT_EQ(place % 16, 0);
      place += values[place];
      ++ranges;
    }
    EXPECT_EQ(place, count);
    EXPECT_EQ(ranges, device[4] - '0');
    EXPECT_OK(vernier_session_get_output(session.handle, "predict", "small",
                                         values.data(), 400));
    EXPECT_EQ(values[0], 100);
  }
}

// Sessions are independent: each may run on a thread of its own.
TEST(Session, TwoAtATime) {
  Plan plan(makeTrainingPlan());
  auto train = [&](std::vector<float> &result) {
    Session session(plan.handle, "cpu:2", 3);
    session.set("step", "x", std::vector<float>(16, 0.01f));
    for (int i = 0; i < 20; ++i)
      session.run("step");
    result = session.state("w", 16);
  };
  std::vector<float> a, b, c;
  std::thread first([&] { train(a); }), second([&] { train(b); });
  first.join();
  second.join();
  train(c);
  EXPECT_EQ(a, c);
  EXPECT_EQ(b, c);
}

TEST(Device, Names) {
  vernier_device_t *device = nullptr;
  EXPECT_OK(vernier_device_create("cpu:3", &device));
  EXPECT_EQ(std::string(vernier_device_description(device)).find("cpu: 3 thr"),
            0u);
  vernier_device_retain(device);
  vernier_device_release(device);
  vernier_device_release(device);
  for (const char *name : {"", "gpu", "cpu:", "cpu:0", "cpu:2x", "cpu:-1",
                           "cpu:99999999999", "cpu:1025"}) {
    EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "expected cpu",
                  vernier_device_create(name, &device));
    EXPECT_EQ(device, nullptr);
  }
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "null",
                vernier_device_create(nullptr, &device));
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "null",
                vernier_device_create("cpu", nullptr));
  vernier_device_retain(nullptr);
  vernier_device_release(nullptr);
  EXPECT_EQ(vernier_device_description(nullptr), nullptr);
}
