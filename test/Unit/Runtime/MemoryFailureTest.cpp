//===- MemoryFailureTest.cpp - Memory that runs out at any place
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each call is made again and again, and each time a later allocation fails: it
// returns VERNIER_RESOURCES, leaves no file and no memory behind (in builds
// with AddressSanitizer), and succeeds when it is made once more.
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>

using namespace vernier;
using namespace vernier::test;

/// Allocations until one fails; negative: none does.
static std::atomic<long> countdown{-1};
static std::atomic<bool> hasFailed{false};

static bool failsNow() {
  if (countdown.load(std::memory_order_relaxed) < 0 ||
      countdown.fetch_sub(1, std::memory_order_relaxed) != 0)
    return false;
  hasFailed = true;
  return true;
}

static void *allocate(size_t size, size_t alignment) {
  if (failsNow())
    return nullptr;
  size = std::max<size_t>(size, 1);
  return alignment <= alignof(std::max_align_t)
             ? std::malloc(size)
             : std::aligned_alloc(alignment, (size + alignment - 1) /
                                                 alignment * alignment);
}

static void *allocateOrThrow(size_t size, size_t alignment) {
  if (void *memory = allocate(size, alignment))
    return memory;
  throw std::bad_alloc();
}

// Those of the whole program. The forms for arrays call these, but for those of
// AddressSanitizer, which keep to themselves.
void *operator new(size_t size) { return allocateOrThrow(size, 1); }
void *operator new(size_t size, std::align_val_t alignment) {
  return allocateOrThrow(size, size_t(alignment));
}
void *operator new(size_t size, const std::nothrow_t &) noexcept {
  return allocate(size, 1);
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }
void operator delete(void *memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void *memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}

/// Have the first, second, ... allocation of a call fail until none does.
/// Returns how many there were.
static long exhaust(const char *name,
                    const std::function<vernier_status_t()> &call) {
  for (long n = 0; n < 100000; ++n) {
    hasFailed = false;
    countdown = n;
    vernier_status_t status = call();
    countdown = -1;
    if (!hasFailed) {
      EXPECT_EQ(status.code, VERNIER_OK) << name << ' ' << status.message;
      return n;
    }
    // What only cleans up may do without.
    if (status.code != VERNIER_OK)
      EXPECT_EQ(status.code, VERNIER_RESOURCES)
          << name << ", allocation " << n << ": " << status.message;
  }
  ADD_FAILURE() << name << " does not end";
  return 0;
}

namespace {

class MemoryFailure : public testing::Test {
protected:
  MemoryFailure() {
    char name[] = "/tmp/vernier-memory-XXXXXX";
    directory = mkdtemp(name);
    EXPECT_OK(vernier_device_create("cpu:3", &device));
  }
  ~MemoryFailure() override {
    std::filesystem::remove_all(directory);
    vernier_device_release(device);
  }

  std::string directory;
  vernier_device_t *device = nullptr;
};

} // namespace

/// Launches and copies alone: no library that allocates for itself.
static TestPlan makePlan() {
  TestPlan plan;
  plan.object = kernelObject();
  TestState &w = plan.state("w", Role::parameter, DType::f32, {16});
  w.kind = InitKind::constant;
  w.a = 1;
  TestState copied = w;
  TestEntry &entry = plan.entry("predict");
  uint32_t x = entry.input("x", DType::f32, {16});
  uint32_t y = entry.alloc(DType::f32, {16});
  entry.launch("add", {x, entry.use(copied)}, {y}, 16);
  entry.output("y", y);
  return plan;
}

TEST_F(MemoryFailure, Plans) {
  std::vector<uint8_t> bytes = makePlan().build();
  std::string path = directory + "/m.vplan";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char *>(bytes.data()),
             std::streamsize(bytes.size()));
  long count = exhaust("load from memory", [&] {
    vernier_plan_t *plan = nullptr;
    vernier_status_t status =
        vernier_plan_load_memory(bytes.data(), bytes.size(), &plan);
    EXPECT_EQ(plan != nullptr, status.code == VERNIER_OK);
    vernier_plan_release(plan);
    return status;
  });
  EXPECT_GT(count, 10);
  count = exhaust("load", [&] {
    vernier_plan_t *plan = nullptr;
    vernier_status_t status = vernier_plan_load(path.c_str(), &plan);
    vernier_plan_release(plan);
    return status;
  });
  EXPECT_GT(count, 10);
}

TEST_F(MemoryFailure, Sessions) {
  Plan plan(makePlan());
  long count = exhaust("create", [&] {
    vernier_session_t *session = nullptr;
    vernier_status_t status =
        vernier_session_create(plan.handle, device, 0, &session);
    EXPECT_EQ(session != nullptr, status.code == VERNIER_OK);
    vernier_session_release(session);
    return status;
  });
  EXPECT_GT(count, 20);
  exhaust("plan memory", [&] {
    vernier_memory_info_t info;
    return vernier_session_plan_memory(plan.handle, device, &info);
  });
}

namespace {

/// Sessions of a plan with copies, and a checkpoint of one of them.
class CheckpointFailure : public MemoryFailure {
protected:
  CheckpointFailure() { EXPECT_OK(save(1)); }

  vernier_status_t save(uint64_t step) {
    return vernier_session_save(saving.handle, directory.c_str(), step,
                                "{\"a\": [1, {}], \"b\": \"x\"}", {2, 0});
  }

  /// Parameter, moment and copy; they are all that a load changes here.
  static std::vector<uint8_t> getStates(Session &session) {
    std::vector<uint8_t> states(128);
    EXPECT_OK(
        vernier_session_get_state(session.handle, "w", states.data(), 64));
    EXPECT_OK(
        vernier_session_get_state(session.handle, "m", states.data() + 64, 64));
    return states;
  }

  /// Fail in each allocation of `load`: the session is as it was or has the
  /// states of `expected`.
  long
  exhaustLoad(const char *name, const std::vector<uint8_t> &expected,
              const std::function<vernier_status_t(vernier_session_t *)> &load);

  Plan plan{makeTrainingPlan()};
  Session saving{plan.handle, "cpu:1", 1}, loading{plan.handle, "cpu:1", 2};
};

} // namespace

long CheckpointFailure::exhaustLoad(
    const char *name, const std::vector<uint8_t> &expected,
    const std::function<vernier_status_t(vernier_session_t *)> &load) {
  const std::vector<uint8_t> before = getStates(loading);
  EXPECT_NE(before, expected);
  return exhaust(name, [&] {
    vernier_status_t status = load(loading.handle);
    countdown = -1;
    EXPECT_EQ(getStates(loading),
              status.code == VERNIER_OK ? expected : before);
    EXPECT_OK(
        vernier_session_set_state(loading.handle, "w", before.data(), 64));
    EXPECT_OK(
        vernier_session_set_state(loading.handle, "m", before.data() + 64, 64));
    return status;
  });
}

// A save that fails leaves the checkpoints before it and nothing else.
TEST_F(CheckpointFailure, Save) {
  long count = exhaust("save", [&] {
    vernier_status_t status = save(2);
    countdown = -1;
    for (const auto &entry : std::filesystem::directory_iterator(directory)) {
      std::string name = entry.path().filename();
      EXPECT_TRUE(name == "step-00000001" || name == "step-00000002" ||
                  name == "LATEST")
          << name;
    }
    return status;
  });
  EXPECT_GT(count, 50);
  exhaust("check save", [&] {
    return vernier_session_check_save(saving.handle, directory.c_str());
  });
  // What was saved last is whole.
  uint64_t step = 0;
  const char *metadata = nullptr;
  EXPECT_OK(vernier_session_load(loading.handle, directory.c_str(), &step,
                                 &metadata));
  EXPECT_EQ(step, 2u);
  EXPECT_STREQ(metadata, "{\"a\":[1,{}],\"b\":\"x\"}");
  EXPECT_EQ(getStates(loading), getStates(saving));
}

// A load that fails leaves the session as it was. The checkpoint is not taken
// for a damaged one: there is an older one, and it is not loaded instead.
TEST_F(CheckpointFailure, Load) {
  const std::vector<float> other(16, 5);
  EXPECT_OK(vernier_session_set_state(saving.handle, "w", other.data(), 64));
  EXPECT_OK(save(2));
  std::vector<uint8_t> saved = getStates(saving);
  long count = exhaustLoad("load", saved, [&](vernier_session_t *session) {
    return vernier_session_load(session, directory.c_str(), nullptr, nullptr);
  });
  EXPECT_GT(count, 50);
  // The moment stays.
  std::vector<uint8_t> before = getStates(loading);
  std::copy(before.begin() + 64, before.end(), saved.begin() + 64);
  count =
      exhaustLoad("load for inference", saved, [&](vernier_session_t *session) {
        return vernier_session_load_for_inference(session, directory.c_str(),
                                                  nullptr, nullptr);
      });
  EXPECT_GT(count, 50);
}

// So does a load of weights, from a checkpoint or from a file whose values are
// converted.
TEST_F(CheckpointFailure, Weights) {
  std::vector<uint8_t> expected = getStates(saving),
                       before = getStates(loading);
  std::copy(before.begin() + 64, before.end(), expected.begin() + 64);
  long count =
      exhaustLoad("load weights", expected, [&](vernier_session_t *session) {
        return vernier_session_load_weights(session, directory.c_str(),
                                            nullptr);
      });
  EXPECT_GT(count, 30);

  std::string header =
      R"({"w":{"dtype":"F64","shape":[4,4],"data_offsets":[0,128]}})";
  std::string file = std::string(1, char(header.size())) +
                     std::string(7, '\0') + header + std::string(128, '\0');
  std::fill_n(expected.begin(), 64, 0);
  count = exhaustLoad("load weights from memory", expected,
                      [&](vernier_session_t *session) {
                        return vernier_session_load_weights_memory(
                            session, file.data(), file.size(), "f", nullptr);
                      });
  EXPECT_GT(count, 20);
}

/// The outputs of predict for some input.
static std::vector<uint8_t> predict(vernier_plan_t *plan,
                                    vernier_session_t *session) {
  size_t count = 0;
  const vernier_tensor_info_t *ports = nullptr;
  EXPECT_OK(vernier_plan_entry_inputs(plan, "predict", &count, &ports));
  for (size_t i = 0; i < count; ++i) {
    std::vector<float> values(ports[i].bytes / sizeof(float));
    if (ports[i].dtype == VERNIER_F32)
      for (size_t k = 0; k < values.size(); ++k)
        values[k] = 0.01f * static_cast<float>(k);
    EXPECT_OK(vernier_session_set_input(session, "predict", ports[i].name,
                                        values.data(), ports[i].bytes));
  }
  EXPECT_OK(vernier_session_run(session, "predict"));
  EXPECT_OK(vernier_plan_entry_outputs(plan, "predict", &count, &ports));
  std::vector<uint8_t> all;
  for (size_t i = 0; i < count; ++i) {
    all.resize(all.size() + ports[i].bytes);
    EXPECT_OK(vernier_session_get_output(
        session, "predict", ports[i].name,
        all.data() + all.size() - ports[i].bytes, ports[i].bytes));
  }
  return all;
}

// The same for plans with every kind of call and several threads. The library
// of products allocates, too; what it can do without changes no result.
TEST_F(MemoryFailure, Products) {
  exhaust("create device", [] {
    vernier_device_t *made = nullptr;
    vernier_status_t status = vernier_device_create("cpu:3", &made);
    EXPECT_EQ(made != nullptr, status.code == VERNIER_OK);
    vernier_device_release(made);
    return status;
  });
  for (const TestPlan &made : {makeTrainingPlan(), makeImagePlan()}) {
    Plan plan(made);
    Session whole(plan.handle, "cpu:3");
    const std::vector<uint8_t> expected = predict(plan.handle, whole.handle);
    exhaust("create with products", [&] {
      vernier_session_t *session = nullptr;
      vernier_status_t status =
          vernier_session_create(plan.handle, device, 0, &session);
      countdown = -1;
      if (session)
        EXPECT_EQ(predict(plan.handle, session), expected);
      vernier_session_release(session);
      return status;
    });
  }
}
