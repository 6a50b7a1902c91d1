//===- SessionUseTest.cpp - Sessions that are used twice at once
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"

#include <atomic>
#include <thread>

using namespace vernier;
using namespace vernier::test;

namespace {

/// What an observer tried, once.
struct Attempt {
  vernier_session_t *session;
  std::function<vernier_status_t(vernier_session_t *)> call;
  vernier_status_code_t code = VERNIER_OK;
  std::string message;
  int calls = 0;
};

} // namespace

static void attempt(void *context, const vernier_observation_t *) {
  auto &made = *static_cast<Attempt *>(context);
  if (made.calls++)
    return;
  vernier_status_t status = made.call(made.session);
  made.code = status.code;
  made.message = status.message ? status.message : "";
}

// An observer may read. All that would change the session under the run's feet
// is an error, and the run goes on as if nothing had been tried.
TEST(SessionUse, ObserversOnlyRead) {
  using Handle = vernier_session_t *;
  float x[16] = {};
  const std::pair<const char *, std::function<vernier_status_t(Handle)>>
      changes[] = {
          {"vernier_session_run",
           [](Handle s) { return vernier_session_run(s, "predict"); }},
          {"vernier_session_load",
           [](Handle s) {
             return vernier_session_load(s, "/none", nullptr, nullptr);
           }},
          {"vernier_session_load_for_inference",
           [](Handle s) {
             return vernier_session_load_for_inference(s, "/none", nullptr,
                                                       nullptr);
           }},
          {"vernier_session_save",
           [](Handle s) {
             return vernier_session_save(s, "/none", 1, nullptr, {});
           }},
          {"vernier_session_check_save",
           [](Handle s) { return vernier_session_check_save(s, "/none"); }},
          {"vernier_session_set_input",
           [&](Handle s) {
             return vernier_session_set_input(s, "step", "x", x, sizeof x);
           }},
          {"vernier_session_set_state", [&](Handle s) {
             return vernier_session_set_state(s, "w", x, sizeof x);
           }}};
  Plan plan(makeTrainingPlan());
  for (const auto &[name, call] : changes) {
    Session observed(plan.handle), plain(plan.handle);
    Attempt made{observed.handle, call};
    vernier_session_set_observer(observed.handle, attempt, &made);
    for (Session *session : {&observed, &plain}) {
      session->set("step", "x", std::vector<float>(16, 0.5f));
      session->run("step");
    }
    EXPECT_GT(made.calls, 0);
    EXPECT_EQ(made.code, VERNIER_INVALID_ARGUMENT) << name;
    EXPECT_NE(
        made.message.find(std::string(name) + " is called by an observer"),
        std::string::npos)
        << made.message;
    EXPECT_EQ(observed.state("w", 16), plain.state("w", 16));
  }
  Session session(plan.handle);
  Attempt reads{session.handle, [&](Handle s) {
                  EXPECT_OK(vernier_session_check_finite(s));
                  return vernier_session_get_state(s, "w", x, sizeof x);
                }};
  vernier_session_set_observer(session.handle, attempt, &reads);
  session.run("predict");
  EXPECT_EQ(reads.code, VERNIER_OK) << reads.message;
}

// The last reference released by an observer: the run ends with an error, and
// only then is the session gone.
TEST(SessionUse, ReleasedByAnObserver) {
  Plan plan(makeTrainingPlan());
  vernier_device_t *device = nullptr;
  vernier_session_t *session = nullptr;
  EXPECT_OK(vernier_device_create("cpu:1", &device));
  EXPECT_OK(vernier_session_create(plan.handle, device, 0, &session));
  Attempt made{session, [](vernier_session_t *s) {
                 vernier_session_release(s);
                 return vernier_status_t{VERNIER_OK, nullptr};
               }};
  vernier_session_set_observer(session, attempt, &made);
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "was released while entry 'predict'",
                vernier_session_run(session, "predict"));
  vernier_device_release(device);
}

namespace {

/// An observer that waits, so that another thread surely comes meanwhile.
struct Gate {
  std::atomic<bool> isInside{false}, mayLeave{false};
};

} // namespace

static void wait(void *context, const vernier_observation_t *) {
  auto &gate = *static_cast<Gate *>(context);
  gate.isInside = true;
  while (!gate.mayLeave)
    std::this_thread::yield();
}

// A second thread is told so, whatever it calls, and does no harm.
TEST(SessionUse, TwoThreads) {
  Plan plan(makeTrainingPlan());
  Session session(plan.handle);
  Gate gate;
  vernier_session_set_observer(session.handle, wait, &gate);
  std::thread first([&] { session.run("predict"); });
  while (!gate.isInside)
    std::this_thread::yield();
  float x[16];
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "another thread uses this session",
                vernier_session_run(session.handle, "step"));
  EXPECT_STATUS(VERNIER_INVALID_ARGUMENT, "another thread uses this session",
                vernier_session_get_state(session.handle, "w", x, sizeof x));
  EXPECT_STATUS(
      VERNIER_INVALID_ARGUMENT, "vernier_session_load is called while",
      vernier_session_load(session.handle, "/none", nullptr, nullptr));
  gate.mayLeave = true;
  first.join();
  session.run("predict");
}

// Any number of threads that do not agree: each call is made or refused, and
// what was made is a whole number of steps.
TEST(SessionUse, ManyThreads) {
  Plan plan(makeTrainingPlan());
  Session session(plan.handle, "cpu:1");
  std::atomic<int32_t> made{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int step = 0; step < 200; ++step)
        made += vernier_session_run(session.handle, "step").code == VERNIER_OK;
    });
  for (std::thread &thread : threads)
    thread.join();
  int32_t steps = 0;
  EXPECT_OK(vernier_session_get_state(session.handle, "steps", &steps, 4));
  EXPECT_GE(made, 1); // how many is up to the scheduler
  EXPECT_EQ(steps, made);
}
