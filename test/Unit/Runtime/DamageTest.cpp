//===- DamageTest.cpp - Random bytes instead of plans
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"

#include <cstdlib>
#include <cstring>
#include <random>

using namespace vernier;
using namespace vernier::test;

/// VERNIER_FLIPS asks for more than the quick default.
static int getFlips() {
  const char *text = std::getenv("VERNIER_FLIPS");
  return text ? std::atoi(text) : 100000;
}

static bool loads(const std::vector<uint8_t> &bytes) {
  vernier_plan_t *plan = nullptr;
  vernier_status_t status =
      vernier_plan_load_memory(bytes.data(), bytes.size(), &plan);
  EXPECT_EQ(plan != nullptr, status.code == VERNIER_OK);
  EXPECT_EQ(status.message == nullptr, status.code == VERNIER_OK);
  if (!plan)
    EXPECT_EQ(status.code, VERNIER_BAD_FILE) << status.message;
  vernier_plan_release(plan);
  return status.code == VERNIER_OK;
}

// Whatever bit of a plan is altered, kernels included, the digest tells.
TEST(Damage, FlippedPlansAreRefused) {
  for (const TestPlan &plan : {makeTrainingPlan(), makeImagePlan()}) {
    std::vector<uint8_t> good = plan.build();
    ASSERT_TRUE(loads(good));
    std::mt19937 random(1);
    std::vector<uint8_t> bytes = good;
    for (int i = 0; i < getFlips(); ++i) {
      size_t at = random() % good.size();
      bytes[at] ^= uint8_t(1 << random() % 8);
      ASSERT_FALSE(loads(bytes)) << at;
      bytes[at] = good[at];
    }
  }
}

/// What a test does with a damaged file.
using Use = void (*)(const std::vector<uint8_t> &file);

/// Create a session and run every entry, if the plan loads and is small.
static void runAll(const std::vector<uint8_t> &file) {
  vernier_plan_t *plan = nullptr;
  vernier_device_t *device = nullptr;
  vernier_session_t *session = nullptr;
  (void)vernier_plan_load_memory(file.data(), file.size(), &plan);
  if (!plan)
    return;
  auto table = schema::GetPlan(vernier_plan_payload(plan, nullptr));
  bool isSmall = table->state_bytes() < 1 << 20;
  for (const schema::Entry *entry : *table->entries())
    isSmall &= entry->arena_bytes() < 1 << 20;
  (void)vernier_device_create("cpu:1", &device);
  if (isSmall)
    (void)vernier_session_create(plan, device, 0, &session);
  for (const char *entry : {"step", "predict", "refresh"})
    (void)vernier_session_run(session, entry);
  vernier_session_release(session);
  vernier_device_release(device);
  vernier_plan_release(plan);
}

/// Ask a plan for all that it says of itself and plan its memory, if it loads.
/// None of that runs its code, which may be damaged too.
static void describeAndBind(const std::vector<uint8_t> &file) {
  vernier_plan_t *plan = nullptr;
  (void)vernier_plan_load_memory(file.data(), file.size(), &plan);
  if (!plan)
    return;
  auto table = schema::GetPlan(vernier_plan_payload(plan, nullptr));
  (void)vernier_plan_check_machine(plan);
  for (const schema::Entry *entry : *table->entries())
    for (auto getPorts :
         {vernier_plan_entry_inputs, vernier_plan_entry_outputs}) {
      size_t count = 0;
      const vernier_tensor_info_t *ports = nullptr;
      EXPECT_OK(getPorts(plan, entry->name()->c_str(), &count, &ports));
      for (size_t i = 0; i < count; ++i) {
        EXPECT_GT(std::strlen(ports[i].name), 0u);
        for (size_t dim = 0; dim < ports[i].rank; ++dim)
          EXPECT_GT(ports[i].shape[dim], 0);
      }
    }
  vernier_device_t *device = nullptr;
  vernier_memory_info_t info;
  EXPECT_OK(vernier_device_create("cpu:1", &device));
  (void)vernier_session_plan_memory(plan, device, &info);
  vernier_device_release(device);
  vernier_plan_release(plan);
}

/// Alter the payload and seal it again: only the structural checks stand
/// between these bytes and the program.
static void checkSealed(const std::vector<uint8_t> &good, unsigned seed,
                        int count, Use use) {
  std::mt19937 random(seed);
  int loaded = 0;
  for (int i = 0; i < count; ++i) {
    std::vector<uint8_t> payload = good;
    for (int flips = 1 + random() % 4; flips > 0; --flips) {
      size_t at = random() % payload.size();
      switch (random() % 4) {
      case 0:
        payload[at] ^= uint8_t(1 << random() % 8);
        break;
      case 1:
        payload[at] = uint8_t(random());
        break;
      case 2: // the largest and smallest numbers
        for (size_t j = at; j < std::min(at + 8, payload.size()); ++j)
          payload[j] = random() % 2 ? 0xff : 0;
        break;
      default: // another place's bytes: offsets that lead elsewhere
        payload[at] = payload[random() % payload.size()];
        break;
      }
    }
    if (random() % 16 == 0)
      payload.resize(random() % payload.size());
    std::vector<uint8_t> file = seal(payload);
    loaded += loads(file);
    use(file);
  }
  // Some flips are harmless (names, initial values), most are not.
  EXPECT_GT(loaded, 0);
  EXPECT_LT(loaded, count);
}

// What the verifier passes can also be run: matmuls, transposes and copies read
// and write nothing but their buffers.
TEST(Damage, SealedPlans) {
  // Without kernels, so that the tables are most of the bytes, and no damaged
  // code is run.
  TestPlan plan = makeTrainingPlan();
  plan.object.clear();
  for (TestEntry &entry : plan.entries)
    if (entry.name != "refresh")
      entry.calls.resize(2 - (entry.name == "predict"));
  plan.entries[2].calls.clear();
  checkSealed(plan.payload(), 2, getFlips(), runAll);
}

// The same for convolutions, pooling, rows by index and boxes.
TEST(Damage, SealedImagePlans) {
  checkSealed(makeImagePlan().payload(), 5, getFlips(), runAll);
}

// A sealed plan with kernels is refused, or it can be described and its calls
// bound; its damaged code is read, but not run.
TEST(Damage, SealedKernels) {
  checkSealed(makeTrainingPlan().payload(), 3, getFlips(), describeAndBind);
}

// So is every prefix that is sealed, but for one that lacks only padding.
TEST(Damage, SealedPrefixes) {
  for (const TestPlan &plan : {makeTrainingPlan(), makeImagePlan()}) {
    std::vector<uint8_t> payload = plan.payload();
    for (size_t size = 0; size < payload.size(); ++size) {
      std::vector<uint8_t> file =
          seal({payload.begin(), payload.begin() + size});
      if (loads(file))
        ASSERT_GT(size + alignof(uint64_t), payload.size());
      describeAndBind(file);
    }
  }
}

// Noise that claims to be a plan.
TEST(Damage, SealedNoise) {
  std::mt19937 random(4);
  for (int i = 0; i < getFlips(); ++i) {
    std::vector<uint8_t> payload(random() % 512);
    for (uint8_t &byte : payload)
      byte = random() % 3 ? uint8_t(random() % 16) : uint8_t(random());
    for (int j = 0; j < 4 && payload.size() >= 8; ++j)
      payload[4 + j] = "VPLN"[j];
    EXPECT_FALSE(loads(seal(payload)));
  }
}
