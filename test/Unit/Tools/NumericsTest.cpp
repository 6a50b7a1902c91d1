//===- NumericsTest.cpp - A NaN anywhere is traced to its call
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// usage: vernier-numerics-tests PLAN
//
// Makes one random element of a random result of a training step NaN, right
// after the call that computed it, and asks what --check-numerics and, if the
// plan has one, the loss scaler make of it.
//
//===----------------------------------------------------------------------===//

#include "Numerics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <set>

using namespace vernier::run;

static std::string planPath;

namespace {

/// One element of a result of a call of `step`.
struct Place {
  size_t call, result, element;
  std::string name; ///< of the call
  /// Whether the loss scaler's decision depends on the value: it is computed
  /// and read no later than `all_finite`. Behind that only the check of the
  /// states guards, and a kernel that writes a gradient has already checked it.
  bool guarded = false;
};

/// Everything that a step changes, by name.
using States = std::map<std::string, std::vector<uint8_t>>;

struct Outcome {
  std::optional<Finding> finding;
  bool finite = true; ///< what the loss scaler saw
  States before, after;
  std::set<std::string> bad; ///< states after it that are not finite
  std::string described;     ///< what the check before a save says of them
};

/// A NaN in any type.
void poison(const vernier_observed_tensor_t &tensor, size_t element) {
  size_t width = tensor.info.dtype == VERNIER_F32 ? 4 : 2;
  const uint8_t bits[] = {0xff, 0xff, 0xff, 0x7f};
  auto *data = static_cast<uint8_t *>(const_cast<void *>(tensor.data));
  std::memcpy(data + width * element, bits + 4 - width, width);
}

bool isFloat(const TensorInfo &info) {
  return info.dtype == VERNIER_F32 || info.dtype == VERNIER_BF16 ||
         info.dtype == VERNIER_F16;
}

/// The names of the states that hold a NaN or an inf, element by element.
std::set<std::string> findBadStates(Session &session, const States &states) {
  size_t count = 0;
  const TensorInfo *infos = nullptr;
  check(vernier_session_states(session.get(), &count, &infos));
  std::set<std::string> bad;
  for (const TensorInfo *info = infos; info != infos + count; ++info)
    for (uint64_t i = 0; isFloat(*info) && i < elementCount(*info); ++i)
      if (!std::isfinite(
              elementOf(states.at(info->name).data(), info->dtype, i)))
        bad.insert(info->name);
  return bad;
}

States statesOf(Session &session) {
  size_t count = 0;
  const TensorInfo *infos = nullptr;
  check(vernier_session_states(session.get(), &count, &infos));
  States states;
  for (size_t i = 0; i < count; ++i) {
    std::vector<uint8_t> &data = states[infos[i].name];
    data.resize(infos[i].bytes);
    check(vernier_session_get_state(session.get(), infos[i].name, data.data(),
                                    data.size()));
  }
  return states;
}

class Numerics : public testing::Test {
protected:
  Plan plan{planPath};
  std::mt19937 random{0};

  /// Images in [0, 16], labels of every class.
  void fillInputs(Session &session) {
    std::mt19937 values{1};
    for (const TensorInfo &input : plan.inputs("step")) {
      std::vector<uint32_t> words(elementCount(input));
      for (uint32_t &word : words) {
        auto value = static_cast<float>(values() % 17);
        if (input.classes > 0)
          word = values() % static_cast<uint32_t>(input.classes);
        else
          std::memcpy(&word, &value, sizeof value);
      }
      session.setInput("step", input.name, words.data(), 4 * words.size());
    }
  }

  /// A few steps, in which a loss scale finds its level, then one more with a
  /// NaN at `place`, if there is one.
  Outcome run(const Place *place) {
    Session session(plan, Device("cpu:1"), /*seed=*/3);
    fillInputs(session);
    for (int i = 0; i < 8; ++i)
      session.run("step");
    Outcome outcome;
    outcome.before = statesOf(session);
    NumericsCheck numerics;
    struct Context {
      const Place *place;
      NumericsCheck &numerics;
    } context{place, numerics};
    auto observer = [](void *pointer, const vernier_observation_t *call) {
      auto &context = *static_cast<Context *>(pointer);
      if (context.place && context.place->call == call->index)
        poison(call->results[context.place->result], context.place->element);
      context.numerics.observe(*call);
    };
    vernier_session_set_observer(session.get(), observer, &context);
    session.run("step");
    outcome.finding = numerics.found();
    outcome.after = statesOf(session);
    outcome.bad = findBadStates(session, outcome.after);
    outcome.described = session.describeNonFinite();
    if (auto output = findOutput(plan, "step", "all_finite")) {
      session.read("step", *output);
      outcome.finite = output->element() != 0;
    }
    return outcome;
  }

  /// All results of `step` that can be NaN; `element` is their size.
  std::vector<Place> findPlaces() {
    struct Context {
      std::vector<Place> places;
      std::map<const void *, size_t> writers; ///< place that lies there
      bool decided = false;
    } context;
    Session session(plan, Device("cpu:1"), 3);
    fillInputs(session);
    auto observer = [](void *pointer, const vernier_observation_t *call) {
      auto &[places, writers, decided] = *static_cast<Context *>(pointer);
      for (size_t i = 0; i < call->input_count; ++i)
        if (auto writer = writers.find(call->inputs[i].data);
            writer != writers.end())
          places[writer->second].guarded |= !decided;
      for (size_t i = 0; i < call->result_count; ++i) {
        const auto &[info, data, overwritten] = call->results[i];
        decided |= std::string(info.name) == "all_finite";
        writers.erase(data);
        if (!isFloat(info))
          continue;
        writers[data] = places.size();
        places.push_back({call->index, i, elementCount(info), call->name});
      }
    };
    vernier_session_set_observer(session.get(), observer, &context);
    session.run("step");
    if (!context.decided)
      for (Place &place : context.places)
        place.guarded = false;
    return context.places;
  }
};

} // namespace

// Nothing is found where nothing is wrong, and looking changes nothing.
TEST_F(Numerics, Clean) {
  Outcome outcome = run(nullptr);
  EXPECT_FALSE(outcome.finding);
  EXPECT_TRUE(outcome.finite);
  EXPECT_NE(outcome.before, outcome.after);
}

// Fifty NaNs: each is found in the call that made it, whose inputs are listed
// with finite ranges. If the finite check saw it, parameters and moments are
// bit for bit what they were; if not, what they would have been without it.
// Whatever it could not see, such as a NaN in an update, and that is in a state
// now, the check before a save names.
TEST_F(Numerics, FiftyPlaces) {
  std::vector<Place> places = findPlaces();
  Outcome clean = run(nullptr);
  const auto &calls = *plan.requireEntry("step").calls();
  unsigned skipped = 0, guarded = 0, poisoned = 0;
  for (unsigned i = 0; i < 50; ++i) {
    Place place = places[random() % places.size()];
    place.element = random() % place.element;
    SCOPED_TRACE(place.name + ", call " + std::to_string(place.call));
    Outcome outcome = run(&place);
    ASSERT_TRUE(outcome.finding);
    EXPECT_EQ(outcome.finding->call, place.call);
    EXPECT_EQ(outcome.finding->title, titleOf(*calls[place.call]));
    EXPECT_EQ(outcome.finding->location, calls[place.call]->location()->str());
    EXPECT_EQ(outcome.finding->spread.nans, 1u);
    EXPECT_GT(outcome.finding->inputs.size(), 0u);
    std::string text = outcome.finding->describe();
    for (const Finding::Input &input : outcome.finding->inputs) {
      EXPECT_NE(text.find("\n    input " + input.name + ": " + input.type),
                std::string::npos);
      if (input.spread)
        EXPECT_EQ(input.spread->nans + input.spread->infinities, 0u);
    }
    EXPECT_EQ(outcome.described.empty(), outcome.bad.empty());
    if (!outcome.bad.empty())
      EXPECT_EQ(outcome.bad.count(outcome.described.substr(
                    1, outcome.described.find("' (") - 1)),
                1u)
          << outcome.described;
    poisoned += !outcome.bad.empty();
    if (!place.guarded)
      continue;
    // The poisoned value may be the loss scale itself.
    for (const std::string &name : outcome.bad)
      EXPECT_EQ(name.rfind("amp.", 0), 0u) << outcome.described;
    ++guarded;
    skipped += !outcome.finite;
    for (const auto &[name, bytes] : outcome.after)
      if (outcome.finite)
        EXPECT_EQ(bytes, clean.after[name]) << name;
      else if (name.rfind("amp.", 0) != 0)
        EXPECT_EQ(bytes, outcome.before[name]) << name;
  }
  EXPECT_GE(guarded, 20u);
  EXPECT_GE(poisoned, 3u);
  EXPECT_GE(skipped * 5, guarded * 4); // Some NaNs meet a relu, or a zero.
}

int main(int argc, char **argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::fputs("usage: vernier-numerics-tests PLAN\n", stderr);
    return 2;
  }
  planPath = argv[1];
  return RUN_ALL_TESTS();
}
