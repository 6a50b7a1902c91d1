//===- SessionApi.cpp - The C API of sessions
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/SessionUse.h"

#include <cstring>

using namespace vernier;
using namespace vernier::runtime;

static std::unique_ptr<vernier_session_t>
makeSession(vernier_plan_t *plan, vernier_device_t *device) {
  auto session = std::make_unique<vernier_session_t>();
  vernier_plan_retain(plan);
  vernier_device_retain(device);
  session->plan = plan;
  session->device = device;
  return session;
}

vernier_status_t vernier_session_create(vernier_plan_t *plan,
                                        vernier_device_t *device, uint64_t seed,
                                        vernier_session_t **session) {
  return guarded([&]() -> Status {
    if (!session)
      return invalidArgument("vernier_session_create: session is null");
    *session = nullptr;
    if (!plan || !device)
      return invalidArgument(
          "vernier_session_create: ", plan ? "device" : "plan", " is null");
    VERNIER_TRY(checkMachine(*plan->schema));
    auto result = makeSession(plan, device);
    VERNIER_TRY(result->create(seed));
    *session = result.release();
    return {};
  });
}

void vernier_session_retain(vernier_session_t *session) {
  if (session)
    session->references.fetch_add(1, std::memory_order_relaxed);
}

void vernier_session_release(vernier_session_t *session) {
  if (session &&
      session->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
    delete session;
}

//===----------------------------------------------------------------------===//
// Inputs and outputs
//===----------------------------------------------------------------------===//

static Status findEntry(const vernier_session_t &session, const char *name,
                        int &index) {
  index = session.plan->findEntry(name);
  if (index >= 0)
    return {};
  std::string known;
  for (const EntryPorts &entry : session.plan->entries)
    known += (known.empty() ? "" : ", ") + entry.name;
  return invalidArgument("the plan has no entry '", name, "'; it has ", known);
}

static Status findPort(const std::vector<BoundPort> &ports, const char *kind,
                       const char *entry, const char *name,
                       const BoundPort *&port) {
  for (const BoundPort &candidate : ports)
    if (candidate.tensor->getName() == name) {
      port = &candidate;
      return {};
    }
  std::string known;
  for (const BoundPort &candidate : ports)
    known += (known.empty() ? "" : ", ") + candidate.tensor->getName();
  return invalidArgument("entry '", entry, "' has no ", kind, " '", name,
                         "'; it has ", known.empty() ? "none" : known);
}

static Status checkSize(const Tensor &tensor, uint64_t bytes) {
  if (bytes == tensor.getBytes())
    return {};
  return invalidArgument("'", tensor.getName(), "' is ",
                         describe(tensor.getDType(), tensor.getShape()), ", ",
                         tensor.getBytes(), " bytes; given ", bytes);
}

template <typename Int>
static Status checkClasses(const Tensor &tensor, const void *data) {
  int64_t classes = tensor.getInfo().classes;
  for (uint64_t i = 0; i < tensor.getBytes() / sizeof(Int); ++i) {
    Int value;
    std::memcpy(&value, static_cast<const uint8_t *>(data) + i * sizeof(Int),
                sizeof(Int));
    if (value < 0 || value >= classes)
      return invalidArgument("element ", i, " of '", tensor.getName(), "' is ",
                             value, ", expected a class index in [0, ", classes,
                             ")");
  }
  return {};
}

vernier_status_t vernier_session_set_input(vernier_session_t *session,
                                           const char *entry, const char *input,
                                           const void *data, uint64_t bytes) {
  return guarded([&]() -> Status {
    if (!session || !entry || !input || !data)
      return invalidArgument("vernier_session_set_input: an argument is null");
    SessionUse use(*session);
    VERNIER_TRY(use.start("vernier_session_set_input", Access::change));
    int index = -1;
    const BoundPort *port = nullptr;
    VERNIER_TRY(findEntry(*session, entry, index));
    VERNIER_TRY(
        findPort(session->entries[index].inputs, "input", entry, input, port));
    VERNIER_TRY(checkSize(*port->tensor, bytes));
    if (port->tensor->getInfo().classes > 0)
      VERNIER_TRY(port->tensor->getDType() == VERNIER_I64
                      ? checkClasses<int64_t>(*port->tensor, data)
                      : checkClasses<int32_t>(*port->tensor, data));
    std::memcpy(port->staging, data, bytes);
    return {};
  });
}

namespace {

/// Keeps a session while one of its entries runs, whoever releases it.
class Reference {
public:
  explicit Reference(vernier_session_t *session) : session(session) {
    vernier_session_retain(session);
  }
  ~Reference() { vernier_session_release(session); }
  Reference(const Reference &) = delete;
  bool isLast() const {
    return session->references.load(std::memory_order_acquire) == 1;
  }

private:
  vernier_session_t *session;
};

} // namespace

vernier_status_t vernier_session_run(vernier_session_t *session,
                                     const char *entry) {
  return guarded([&]() -> Status {
    if (!session || !entry)
      return invalidArgument("vernier_session_run: an argument is null");
    Reference reference(session); // outlives the use
    SessionUse use(*session);
    VERNIER_TRY(use.start("vernier_session_run", Access::change));
    int index = -1;
    VERNIER_TRY(findEntry(*session, entry, index));
    VERNIER_TRY(session->run(index));
    if (reference.isLast())
      return invalidArgument("the last reference to the session was released "
                             "while entry '",
                             entry,
                             "' ran; release it after vernier_session_run");
    return {};
  });
}

vernier_status_t vernier_session_get_output(vernier_session_t *session,
                                            const char *entry,
                                            const char *output, void *data,
                                            uint64_t bytes) {
  return guarded([&]() -> Status {
    if (!session || !entry || !output || !data)
      return invalidArgument("vernier_session_get_output: an argument is null");
    SessionUse use(*session);
    VERNIER_TRY(use.start("vernier_session_get_output", Access::read));
    int index = -1;
    const BoundPort *port = nullptr;
    VERNIER_TRY(findEntry(*session, entry, index));
    const BoundEntry &bound = session->entries[index];
    VERNIER_TRY(findPort(bound.outputs, "output", entry, output, port));
    VERNIER_TRY(checkSize(*port->tensor, bytes));
    if (!bound.hasRun)
      return invalidArgument("entry '", entry,
                             "' has not run, so it has no outputs; call "
                             "vernier_session_run first");
    std::memcpy(data, session->lastEntry == index ? port->place : port->staging,
                bytes);
    return {};
  });
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

static Status findState(const vernier_session_t &session, const char *name,
                        const BoundState *&state) {
  auto found = session.stateByName.find(name);
  if (found == session.stateByName.end())
    return invalidArgument("the plan has no state '", name,
                           "' (copies cannot be accessed)");
  state = &session.states[found->second];
  return {};
}

vernier_status_t vernier_session_states(vernier_session_t *session,
                                        size_t *count,
                                        const vernier_tensor_info_t **states) {
  return guarded([&]() -> Status {
    if (!session || !count || !states)
      return invalidArgument("vernier_session_states: an argument is null");
    *count = session->stateInfos.size();
    *states = session->stateInfos.data();
    return {};
  });
}

vernier_status_t vernier_session_get_state(vernier_session_t *session,
                                           const char *name, void *data,
                                           uint64_t bytes) {
  return guarded([&]() -> Status {
    if (!session || !name || !data)
      return invalidArgument("vernier_session_get_state: an argument is null");
    SessionUse use(*session);
    VERNIER_TRY(use.start("vernier_session_get_state", Access::read));
    const BoundState *state = nullptr;
    VERNIER_TRY(findState(*session, name, state));
    VERNIER_TRY(checkSize(state->tensor, bytes));
    state->layout.read(state->data, data);
    return {};
  });
}

vernier_status_t vernier_session_set_state(vernier_session_t *session,
                                           const char *name, const void *data,
                                           uint64_t bytes) {
  return guarded([&]() -> Status {
    if (!session || !name || !data)
      return invalidArgument("vernier_session_set_state: an argument is null");
    SessionUse use(*session);
    VERNIER_TRY(use.start("vernier_session_set_state", Access::change));
    const BoundState *state = nullptr;
    VERNIER_TRY(findState(*session, name, state));
    VERNIER_TRY(checkSize(state->tensor, bytes));
    session->keepOutputs();
    state->layout.write(data, state->data);
    return state->hasCopy ? session->refresh() : Status();
  });
}

//===----------------------------------------------------------------------===//
// Observation
//===----------------------------------------------------------------------===//

void vernier_session_set_observer(vernier_session_t *session,
                                  vernier_observer_t observer, void *context) {
  if (!session)
    return;
  SessionUse use(*session);
  if (!use.start("vernier_session_set_observer", Access::change).ok())
    return;
  session->observer = observer;
  session->observerContext = context;
}

vernier_memory_info_t vernier_session_memory(const vernier_session_t *session) {
  return session ? session->getMemory() : vernier_memory_info_t{};
}

vernier_status_t vernier_session_plan_memory(vernier_plan_t *plan,
                                             vernier_device_t *device,
                                             vernier_memory_info_t *info) {
  return guarded([&]() -> Status {
    if (!plan || !device || !info)
      return invalidArgument(
          "vernier_session_plan_memory: an argument is null");
    VERNIER_TRY(checkMachine(*plan->schema));
    auto session = makeSession(plan, device);
    VERNIER_TRY(session->bindOnly());
    *info = session->getMemory();
    return {};
  });
}
