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

using OrderedJson = nlohmann::ordered_json;

static constexpr const char *applicationKey = "application";

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// What a plan was compiled with.
static OrderedJson getOptions(const schema::Plan &plan) {
  OrderedJson options = {{"model", plan.model() ? plan.model()->str() : ""},
                         {"target", plan.target()->str()}};
  if (plan.options())
    for (const schema::KeyValue *option : *plan.options())
      options[option->key()->str()] =
          option->value() ? option->value()->str() : "";
  return options;
}

template <typename T> static T load(const uint8_t *data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

/// The states of a role that are one number of 32 or 64 bits.
static OrderedJson getNumbers(const vernier_session_t &session,
                              schema::Role role) {
  OrderedJson numbers = OrderedJson::object();
  for (const BoundState &state : session.states) {
    if (state.role != role || !state.tensor.getShape().empty())
      continue;
    OrderedJson &number = numbers[state.tensor.getName()];
    switch (state.tensor.getDType()) {
    case VERNIER_F32:
      number = load<float>(state.data);
      break;
    case VERNIER_I32:
      number = load<int32_t>(state.data);
      break;
    case VERNIER_I64:
      number = load<int64_t>(state.data);
      break;
    default:
      numbers.erase(state.tensor.getName());
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
  nlohmann::json json;
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

std::string vernier::runtime::makeState(const vernier_session_t &session,
                                        uint64_t step, const char *metadata) {
  OrderedJson state = {
      {"step", step},
      {"plan", session.plan->digest},
      {"model", getModelFingerprint(session)},
      {"options", getOptions(*session.plan->schema)},
      {"counters", getNumbers(session, schema::Role::counter)},
      {"loss_scale", getNumbers(session, schema::Role::loss_scale)}};
  if (metadata)
    state[applicationKey] = OrderedJson::parse(metadata);
  return state.dump(1, ' ', false, OrderedJson::error_handler_t::replace) +
         '\n';
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// How the plan that saved differs from the session's, although both have the
/// same states: "\n  optimizer: sgd,lr=1, now sgd,lr=2" for each option; "" if
/// it does not, or does not say.
static std::string describeOtherPlan(const vernier_session_t &session,
                                     const OrderedJson &state) {
  OrderedJson theirs = state.value("options", OrderedJson());
  if (!theirs.is_object() ||
      state.value("plan", OrderedJson()) == session.plan->digest)
    return "";
  OrderedJson ours = getOptions(*session.plan->schema), all = theirs;
  all.update(ours);
  auto show = [](const OrderedJson &of, const std::string &key) {
    auto found = of.find(key);
    return found == of.end()    ? std::string("(default)")
           : found->is_string() ? found->get<std::string>()
                                : found->dump();
  };
  std::string differences;
  for (const auto &option : all.items())
    if (show(theirs, option.key()) != show(ours, option.key()))
      differences +=
          join("\n  ", option.key(), ": ", show(theirs, option.key()), ", now ",
               show(ours, option.key()));
  return differences.empty() ? "\n  its options are the same; the model, a "
                               "policy file, padding or the compiler differs"
                             : differences;
}

Status vernier::runtime::readState(const vernier_session_t &session,
                                   const std::vector<uint8_t> &text,
                                   SavedState &saved) {
  nlohmann::json checked;
  VERNIER_TRY(parseJson(reinterpret_cast<const char *>(text.data()),
                        text.size(), checked));
  if (!getUnsigned(checked, "step", saved.step))
    return badFile("it has no step");
  // Once more, for the order of members.
  OrderedJson state = OrderedJson::parse(text.begin(), text.end());
  if (auto found = state.find(applicationKey); found != state.end())
    saved.metadata = found->dump();
  saved.otherPlan = describeOtherPlan(session, state);
  return {};
}
