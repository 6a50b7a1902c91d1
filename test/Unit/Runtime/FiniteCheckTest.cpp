//===- FiniteCheckTest.cpp - States that are not finite
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace vernier;
using namespace vernier::test;

static constexpr float inf = std::numeric_limits<float>::infinity();
static constexpr float notANumber = std::numeric_limits<float>::quiet_NaN();

template <typename T>
static void set(Session &session, const char *name,
                const std::vector<T> &values) {
  EXPECT_OK(vernier_session_set_state(session.handle, name, values.data(),
                                      values.size() * sizeof(T)));
}

static std::string check(Session &session) {
  vernier_status_t status = vernier_session_check_finite(session.handle);
  EXPECT_EQ(status.code, status.message ? VERNIER_NUMERIC : VERNIER_OK);
  return status.message ? status.message : "";
}

// The state, how many of its values, and the first of them; integers and bits
// are never looked at.
TEST(FiniteCheck, NamesTheFirst) {
  TestPlan plan = makeTrainingPlan();
  plan.state("mask", Role::statistic, DType::i1, {4});
  plan.state("scale", Role::loss_scale, DType::f32, {});
  Plan loaded(plan);
  Session session(loaded.handle);
  EXPECT_EQ(check(session), "");
  set<int32_t>(session, "steps", {0x7f800000}); // of a float an inf
  set<uint8_t>(session, "mask", {1, 1, 1, 1});
  EXPECT_EQ(check(session), "");
  set<float>(session, "scale", {inf});
  EXPECT_EQ(check(session),
            "'scale' (f32[]): 1 of 1 values is not finite: inf");
  std::vector<float> values(16, 3e38f); // the largest are finite
  values[1] = std::numeric_limits<float>::max();
  values[2] = -std::numeric_limits<float>::denorm_min();
  set(session, "m", values);
  EXPECT_EQ(check(session),
            "'scale' (f32[]): 1 of 1 values is not finite: inf");
  values[7] = -inf;
  values[12] = notANumber;
  set(session, "m", values);
  EXPECT_EQ(check(session),
            "'m' (f32[4, 4]): 2 of 16 values are not finite, the first is -inf "
            "at [1, 3]; 1 more state has such values");
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "session is null",
                vernier_session_check_finite(nullptr));
}

// Every pattern of 16 bits, and every exponent of 32, at every place of a
// vector.
TEST(FiniteCheck, EveryValue) {
  TestPlan plan = makeTrainingPlan();
  plan.state("half", Role::moment, DType::f16, {65536});
  plan.state("brain", Role::moment, DType::bf16, {65536});
  plan.state("full", Role::moment, DType::f32, {67});
  Plan loaded(plan);
  Session session(loaded.handle);
  std::vector<uint16_t> patterns(65536);
  for (unsigned i = 0; i < 65536; ++i)
    patterns[i] = uint16_t(i);
  set(session, "half", patterns);
  EXPECT_EQ(check(session), "'half' (f16[65536]): 2048 of 65536 values are not "
                            "finite, the first is inf at [31744]");
  set(session, "half", std::vector<uint16_t>(65536));
  set(session, "brain", patterns);
  EXPECT_EQ(check(session), "'brain' (bf16[65536]): 256 of 65536 values are "
                            "not finite, the first is inf at [32640]");
  set(session, "brain", std::vector<uint16_t>(65536));
  for (unsigned at = 0; at < 67; ++at) {
    std::vector<uint32_t> bits(67, 0xff7fffff);
    for (uint32_t exponent : {0u, 1u, 127u, 254u, 255u}) {
      bits[at] = exponent << 23 | (at % 2 ? 0x80000000 : 0) | at;
      set(session, "full", bits);
      EXPECT_EQ(check(session).empty(), exponent != 255) << at;
    }
  }
}

// Padding is no part of a state.
TEST(FiniteCheck, Padding) {
  TestPlan plan = makeTrainingPlan();
  TestState &rows = plan.state("rows", Role::parameter, DType::f32, {4, 8});
  rows.padded = rows.shape;
  rows.shape = {3, 5};
  Plan loaded(plan);
  Session session(loaded.handle);
  std::vector<float> values(15);
  set(session, "rows", values);
  EXPECT_EQ(check(session), "");
  values[9] = notANumber;
  set(session, "rows", values);
  EXPECT_EQ(check(session),
            "'rows' (f32[3, 5]): 1 of 15 values is not finite: nan at [1, 4]");
}

// An inf that the model itself starts with is meant, a NaN is not.
TEST(FiniteCheck, InfiniteStart) {
  TestPlan plan = makeTrainingPlan();
  plan.state("least", Role::statistic, DType::f32, {2}).a = inf;
  TestState &mask = plan.state("mask", Role::frozen, DType::f16, {2});
  mask.kind = InitKind::dense;
  mask.data = {0, 0, 0, 0xfc};
  Plan loaded(plan);
  Session session(loaded.handle);
  EXPECT_EQ(check(session), "");
  TestState &bad = plan.state("bad", Role::parameter, DType::f32, {});
  bad.a = notANumber;
  Plan third(plan);
  Session poisoned(third.handle);
  EXPECT_EQ(check(poisoned), "'bad' (f32[]): 1 of 1 values is not finite: nan");
}
