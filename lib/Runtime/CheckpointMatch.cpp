//===- CheckpointMatch.cpp - Which tensor of a checkpoint each state takes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/CheckpointMatch.h"

#include <algorithm>
#include <cstring>

using namespace vernier;
using namespace vernier::runtime;

bool vernier::runtime::isUsedForInference(const vernier_session_t &session,
                                          const BoundState &state) {
  auto begin = static_cast<uint64_t>(state.data - session.memory.data());
  uint64_t end = begin + std::max<uint64_t>(state.tensor.getBytes(), 1);
  for (const schema::Entry *entry : *session.plan->schema->entries()) {
    std::string name = entry->name()->str();
    if (name == "step" || name == "accumulate" || name == "refresh")
      continue;
    for (const schema::Buffer *buffer : *entry->buffers())
      if (buffer->memory() == schema::Memory::state &&
          buffer->offset() >= begin && buffer->offset() < end)
        return true;
  }
  return false;
}

namespace {

using Names = std::vector<std::string>;

/// What is wrong, and of which part: "another model", "a run with another
/// optimizer".
struct Differences {
  Names missing, extra; ///< names of states
  std::string mismatch; ///< the first of another type or shape
  bool isOfModel = false;
};

/// The states that the step alone needs, by kind.
struct StepStates {
  Names scaler, window;
};

} // namespace

//===----------------------------------------------------------------------===//
// States of the step
//===----------------------------------------------------------------------===//

static constexpr const char *scalerPrefix = "amp.";
static constexpr const char *microStepName = "train.micro_step";

static bool isOfScaler(const std::string &name) {
  return name.rfind(scalerPrefix, 0) == 0;
}

/// The counter of a window, and the sum of a parameter's gradients.
static bool isOfWindow(const vernier_session_t &session,
                       const std::string &name) {
  if (name == microStepName)
    return true;
  size_t dot = name.rfind(".grad");
  if (dot == std::string::npos || dot + 5 != name.size())
    return false;
  auto found = session.stateByName.find(name.substr(0, dot));
  return found != session.stateByName.end() &&
         session.states[found->second].role == schema::Role::parameter;
}

/// Keep `state`, or `name`, among the states of the step if it is one.
static bool addStepState(const vernier_session_t &session,
                         const std::string &name, StepStates &states) {
  if (isOfScaler(name))
    states.scaler.push_back(name);
  else if (isOfWindow(session, name))
    states.window.push_back(name);
  else
    return false;
  return true;
}

/// Sums that hold some micro-batches of a window mean nothing to a plan without
/// windows.
static Status checkWindowIsEmpty(const std::vector<StoredTensor> &others) {
  for (const StoredTensor &tensor : others) {
    int32_t count = 0;
    if (tensor.name != microStepName || tensor.bytes != sizeof count)
      continue;
    std::memcpy(&count, tensor.data, sizeof count);
    if (count)
      return badFile("was saved within a window, after ", count,
                     " of its micro-batches, and the plan has no windows");
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

/// "'a', 'b' and 3 more".
static std::string list(const Names &names) {
  constexpr size_t shown = 4;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), shown); ++i)
    text += (i ? ", '" : "'") + names[i] + '\'';
  if (names.size() > shown)
    text += join(" and ", names.size() - shown, " more");
  return text;
}

static Status refuse(const Differences &differences) {
  std::string what = differences.mismatch;
  auto add = [&](const char *how, const Names &names, const char *where) {
    if (!names.empty())
      what += join(what.empty() ? "" : "; ", how, list(names), where);
  };
  add("it has no ", differences.missing, ", which the plan has");
  add("it has ", differences.extra, ", which the plan does not have");
  return badFile(differences.isOfModel ? "is of another model: "
                                       : "is of a run with another optimizer: ",
                 what);
}

static std::string describeChanges(const StepStates &dropped,
                                   const StepStates &anew) {
  std::string text;
  auto add = [&](const char *what, const Names &names) {
    if (!names.empty())
      text += join("\n  ", what, ": ", list(names));
  };
  add("the loss scaler's states are dropped", dropped.scaler);
  add("the loss scaler starts anew", anew.scaler);
  add("the sums of micro-batches are dropped, empty", dropped.window);
  add("the sums of micro-batches start empty", anew.window);
  return text;
}

//===----------------------------------------------------------------------===//
// Matching
//===----------------------------------------------------------------------===//

namespace {

class Matcher {
public:
  Matcher(const vernier_session_t &session, Part part,
          CheckpointMatches &matches)
      : session(session), part(part), matches(matches) {
    matches.stored.resize(session.states.size());
  }

  void matchFile(bool parameters, const std::vector<StoredTensor> &tensors);
  Status finish(const std::vector<StoredTensor> &others);

private:
  void matchMissing(size_t index);
  void matchExtra(const std::string &name, bool parameters);

  const vernier_session_t &session;
  Part part;
  CheckpointMatches &matches;
  Differences differences;
  StepStates dropped, anew;
};

} // namespace

/// Whether a difference in this state is one of the model. An average of
/// parameters is the optimizer's.
static bool isOfModel(const vernier_session_t &session,
                      const BoundState &state) {
  return isForInference(state) && (state.role != schema::Role::statistic ||
                                   isUsedForInference(session, state));
}

void Matcher::matchMissing(size_t index) {
  const BoundState &state = session.states[index];
  const std::string &name = state.tensor.getName();
  if (part == Part::inference && !isOfModel(session, state))
    return;
  if (part == Part::all && !isForInference(state) &&
      addStepState(session, name, anew)) {
    matches.anew.push_back(index);
    return;
  }
  differences.missing.push_back(name);
  differences.isOfModel |= isOfModel(session, state);
}

void Matcher::matchExtra(const std::string &name, bool parameters) {
  if (part == Part::inference) {
    if (matches.passedOver.empty())
      matches.passedOver =
          "it has '" + name + "', which the plan does not have";
    return;
  }
  if (!parameters && addStepState(session, name, dropped))
    return;
  differences.extra.push_back(name);
  // An average stands beside its parameter: "w.ema".
  size_t dot = name.rfind('.');
  bool isAverage = dot != std::string::npos &&
                   session.stateByName.count(name.substr(0, dot)) &&
                   name.substr(dot) == ".ema";
  differences.isOfModel |= parameters && !isAverage;
}

/// The stored tensor for each state of one file, in the session's order.
void Matcher::matchFile(bool parameters,
                        const std::vector<StoredTensor> &tensors) {
  std::map<std::string, const StoredTensor *> byName;
  for (const StoredTensor &tensor : tensors)
    byName[tensor.name] = &tensor;
  for (size_t i = 0; i < session.states.size(); ++i) {
    const BoundState &state = session.states[i];
    if (isForInference(state) != parameters)
      continue;
    const Tensor &own = state.tensor;
    auto found = byName.find(own.getName());
    if (found == byName.end()) {
      matchMissing(i);
      continue;
    }
    const StoredTensor &its = *found->second;
    byName.erase(found);
    matches.stored[i] = &its;
    if (its.dtype == own.getDType() && its.shape == own.getShape())
      continue;
    differences.isOfModel |= isOfModel(session, state);
    if (differences.mismatch.empty())
      differences.mismatch = join(
          "'", own.getName(), "' is ", describe(its.dtype, its.shape),
          ", in the plan it is ", describe(own.getDType(), own.getShape()));
  }
  for (const auto &[name, tensor] : byName)
    matchExtra(name, parameters);
}

Status Matcher::finish(const std::vector<StoredTensor> &others) {
  if (!differences.mismatch.empty() || !differences.missing.empty() ||
      !differences.extra.empty())
    return refuse(differences);
  if (!dropped.window.empty())
    VERNIER_TRY(checkWindowIsEmpty(others));
  matches.changes = describeChanges(dropped, anew);
  return {};
}

Status
vernier::runtime::matchCheckpoint(const vernier_session_t &session,
                                  const std::vector<StoredTensor> &parameters,
                                  const std::vector<StoredTensor> &others,
                                  Part part, CheckpointMatches &matches) {
  Matcher matcher(session, part, matches);
  matcher.matchFile(/*parameters=*/true, parameters);
  if (part == Part::all)
    matcher.matchFile(/*parameters=*/false, others);
  return matcher.finish(others);
}
