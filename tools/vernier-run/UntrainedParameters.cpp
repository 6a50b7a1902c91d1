//===- UntrainedParameters.cpp - Parameters whose gradients are always zero
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "UntrainedParameters.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

using namespace vernier;
using namespace vernier::run;

/// More names than these say no more.
static constexpr size_t maxNames = 8;

/// To look at a state takes a copy of it, which is in no memory plan.
static constexpr uint64_t maxBytes = 8 << 20;

static uint64_t getBytes(const schema::State &state) {
  uint64_t bytes = 4; // masters and moments are f32
  for (int64_t extent : *state.shape())
    bytes *= static_cast<uint64_t>(extent);
  return bytes;
}

static bool hasState(const Plan &plan, const std::string &name) {
  const auto &states = *plan.contents().states();
  return std::any_of(
      states.begin(), states.end(),
      [&](const schema::State *state) { return state->name()->str() == name; });
}

UntrainedParameters::UntrainedParameters(const Plan &plan) {
  for (const schema::State *state : *plan.contents().states()) {
    if (state->role() != schema::Role::parameter)
      continue;
    ++count;
    if (getBytes(*state) > maxBytes)
      continue;
    Parameter parameter{state->name()->str(), state->name()->str()};
    for (const char *moment : {".m", ".momentum"})
      if (hasState(plan, parameter.name + moment)) {
        parameter.observed = parameter.name + moment;
        parameter.hasMoment = true;
      }
    parameters.push_back(std::move(parameter));
  }
}

/// A state's value, as what can hold an output.
static Output readState(Session &session, const std::string &name) {
  size_t count = 0;
  const TensorInfo *states = nullptr;
  check(vernier_session_states(session.get(), &count, &states));
  const TensorInfo *state =
      std::find_if(states, states + count,
                   [&](const TensorInfo &info) { return info.name == name; });
  Output value{*state, std::vector<uint8_t>(state->bytes)};
  check(vernier_session_get_state(session.get(), name.c_str(),
                                  value.data.data(), value.data.size()));
  return value;
}

static uint64_t hashState(Session &session, const std::string &name) {
  Output value = readState(session, name);
  return XXH3_64bits(value.data.data(), value.data.size());
}

static bool isZero(const Output &value) {
  uint64_t count = elementCount(value.info), i = 0;
  while (i < count && value.element(i) == 0)
    ++i;
  return i == count;
}

void UntrainedParameters::remember(Session &session) {
  for (Parameter &parameter : parameters)
    if (!parameter.hasMoment)
      parameter.hash = hashState(session, parameter.observed);
}

std::vector<std::string> UntrainedParameters::find(Session &session) const {
  std::vector<std::string> names;
  for (const Parameter &parameter : parameters) {
    bool isUntrained =
        parameter.hasMoment
            ? isZero(readState(session, parameter.observed))
            : hashState(session, parameter.observed) == parameter.hash;
    if (isUntrained)
      names.push_back(parameter.name);
  }
  return names;
}

std::string
vernier::run::describeParameters(const std::vector<std::string> &names,
                                 size_t count) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), maxNames); ++i)
    text += fmt::format("{}'{}'", i ? ", " : "", names[i]);
  if (names.size() > maxNames)
    text += fmt::format(" and {} more", names.size() - maxNames);
  return fmt::format("{} of {} parameters ({})", names.size(), count, text);
}
