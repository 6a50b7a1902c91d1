//===- CheckpointState.cpp - What state.json says
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All that a checkpoint knows besides tensors: what the runtime knows of the
// run (its step, its plan, the numbers among its states) and what the
// application does.
//
//===----------------------------------------------------------------------===//

#include "Runtime/Checkpoint.h"

#include "Runtime/Json.h"

#include <cstring>

using namespace vernier;
using namespace vernier::runtime;

static constexpr const char *applicationKey = "application";

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// What a plan was compiled with.
static Json getOptions(const schema::Plan &plan) {
  Json options = Json::makeObject();
  options.add("model", plan.model() ? plan.model()->str() : "");
  options.add("target", plan.target()->str());
  if (plan.options())
    for (const schema::KeyValue *option : *plan.options())
      options.set(option->key()->string_view(),
                  option->value() ? option->value()->str() : "");
  return options;
}

template <typename T> static T load(const uint8_t *data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

/// The states of a role that are one number of 32 or 64 bits.
static Json getNumbers(const vernier_session_t &session, schema::Role role) {
  Json numbers = Json::makeObject();
  for (const BoundState &state : session.states) {
    if (state.role != role || !state.tensor.getShape().empty())
      continue;
    const std::string &name = state.tensor.getName();
    switch (state.tensor.getDType()) {
    case VERNIER_F32:
      numbers.add(name, double(load<float>(state.data)));
      break;
    case VERNIER_I32:
      numbers.add(name, int64_t(load<int32_t>(state.data)));
      break;
    case VERNIER_I64:
      numbers.add(name, load<int64_t>(state.data));
      break;
    default:
      break;
    }
  }
  return numbers;
}

Status vernier::runtime::checkMetadata(const char *metadata) {
  if (!metadata)
    return {};
  // As it will stand in state.json, one level deeper; and alone, so that it is
  // one member of it.
  std::string text = metadata;
  Json json;
  Status status = parseJson(text.data(), text.size(), json);
  if (status.ok()) {
    text = join("{\"", applicationKey, "\": ", text, "}");
    status = parseJson(text.data(), text.size(), json);
  }
  if (status.ok())
    return {};
  return invalidArgument("the metadata of a checkpoint must be a JSON object: ",
                         status.getMessage());
}

Status vernier::runtime::makeState(const vernier_session_t &session,
                                   uint64_t step, const char *metadata,
                                   std::string &text) {
  Json state = Json::makeObject();
  state.add("step", step);
  state.add("plan", session.plan->digest);
  state.add("model", getModelFingerprint(session));
  state.add("options", getOptions(*session.plan->schema));
  state.add("counters", getNumbers(session, schema::Role::counter));
  state.add("loss_scale", getNumbers(session, schema::Role::loss_scale));
  if (metadata) {
    Json application;
    VERNIER_TRY(parseJson(metadata, std::strlen(metadata), application));
    state.add(applicationKey, std::move(application));
  }
  text = printJson(state, JsonLayout::indented) + '\n';
  return {};
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static std::string showOption(const Json *value) {
  if (!value)
    return "(default)";
  const std::string *text = value->getString();
  return text ? *text : printJson(*value, JsonLayout::line);
}

/// How the plan that saved differs from the session's, although both have the
/// same states: "\n  optimizer: sgd,lr=1, now sgd,lr=2" for each option; "" if
/// it does not, or does not say.
static std::string describeOtherPlan(const vernier_session_t &session,
                                     const Json &state) {
  const Json *theirs = state.find("options");
  const std::string *plan = state.findString("plan");
  if (!theirs || !theirs->getObject() ||
      (plan && *plan == session.plan->digest))
    return "";
  Json ours = getOptions(*session.plan->schema);
  std::string differences;
  auto compare = [&](const std::string &key, const Json *its, const Json *own) {
    if (showOption(its) != showOption(own))
      differences +=
          join("\n  ", key, ": ", showOption(its), ", now ", showOption(own));
  };
  for (const auto &[key, value] : *theirs->getObject())
    compare(key, &value, ours.find(key));
  for (const auto &[key, value] : *ours.getObject())
    if (!theirs->find(key))
      compare(key, nullptr, &value);
  return differences.empty() ? "\n  its options are the same; the model, a "
                               "policy file, padding or the compiler differs"
                             : differences;
}

Status vernier::runtime::readState(const vernier_session_t &session,
                                   const std::vector<uint8_t> &text,
                                   SavedState &saved) {
  Json state;
  VERNIER_TRY(parseJson(reinterpret_cast<const char *>(text.data()),
                        text.size(), state));
  if (!state.findUnsigned("step", saved.step))
    return badFile("it has no step");
  if (const Json *application = state.find(applicationKey))
    saved.metadata = printJson(*application, JsonLayout::line);
  saved.otherPlan = describeOtherPlan(session, state);
  return {};
}
