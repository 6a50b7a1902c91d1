//===- Session.cpp - Creating and running sessions
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Memory is one mapping: states, the arena that the entries share, and staging,
// where inputs wait for their entry and outputs outlive it.
//
//===----------------------------------------------------------------------===//

#include "Runtime/Session.h"

#include "Runtime/Initialize.h"

#include <algorithm>
#include <cstring>

using namespace vernier;
using namespace vernier::runtime;

vernier_session_t::~vernier_session_t() {
  entries.clear();
  executor.reset();
  vernier_device_release(device);
  vernier_plan_release(plan);
}

//===----------------------------------------------------------------------===//
// Creation
//===----------------------------------------------------------------------===//

/// Bytes to keep all inputs and outputs; UINT64_MAX if they overflow.
static uint64_t getStagingBytes(const vernier_plan_t &plan) {
  uint64_t bytes = 0;
  bool overflow = false;
  auto add = [&](const Tensor &tensor) {
    overflow |=
        __builtin_add_overflow(bytes, alignUp(tensor.getBytes()), &bytes);
  };
  for (const EntryPorts &entry : plan.entries) {
    std::for_each(entry.inputs.begin(), entry.inputs.end(), add);
    std::for_each(entry.outputs.begin(), entry.outputs.end(), add);
  }
  return overflow ? UINT64_MAX : bytes;
}

static uint64_t getArenaBytes(const schema::Plan &plan) {
  uint64_t bytes = 0;
  for (const schema::Entry *entry : *plan.entries())
    bytes = std::max(bytes, entry->arena_bytes());
  return bytes;
}

static void layOut(vernier_session_t &session) {
  const schema::Plan &plan = *session.plan->schema;
  session.arenaOffset = alignUp(plan.state_bytes());
  session.stagingOffset = session.arenaOffset + alignUp(getArenaBytes(plan));
  uint64_t bytes = getStagingBytes(*session.plan);
  if (__builtin_add_overflow(session.stagingOffset, bytes, &bytes))
    bytes = INT64_MAX; // as impossible
  session.memoryBytes = bytes;
}

static void createStates(vernier_session_t &session, uint64_t seed) {
  for (const schema::State *state : *session.plan->schema->states()) {
    uint8_t *data = session.memory.data() + state->offset();
    initialize(*state, seed, data);
    if (state->role() == schema::Role::copy)
      continue;
    session.stateByName[state->name()->str()] = session.states.size();
    BoundState &bound = session.states.emplace_back(
        BoundState{Tensor(state->name()->str(), toDType(state->dtype()),
                          {state->shape()->begin(), state->shape()->end()}),
                   state->role(), data,
                   StateLayout(*state, sizeOf(toDType(state->dtype())))});
    bound.startsInfinite = startsInfinite(*state->init(), bound);
  }
  for (const schema::State *state : *session.plan->schema->states())
    if (state->role() == schema::Role::copy) {
      size_t master = session.stateByName[state->copy_of()->str()];
      session.states[master].hasCopy = true;
    }
  for (const BoundState &state : session.states)
    session.stateInfos.push_back(state.tensor.getInfo());
}

/// `memory` is the session's, or a place that nobody reads or writes.
static void bindBuffers(const vernier_session_t &session,
                        const schema::Entry &entry, uint8_t *memory,
                        std::vector<BoundBuffer> &buffers) {
  for (const schema::Buffer *buffer : *entry.buffers()) {
    uint8_t *base = buffer->memory() == schema::Memory::constants
                        ? session.plan->constants.data()
                    : buffer->memory() == schema::Memory::state
                        ? memory
                        : memory + session.arenaOffset;
    Tensor tensor("", toDType(buffer->dtype()),
                  {buffer->shape()->begin(), buffer->shape()->end()});
    buffers.push_back({base + buffer->offset(), tensor.getBytes(),
                       tensor.getDType(), tensor.getShape()});
  }
}

static Status bindCalls(vernier_session_t &session, const schema::Entry &entry,
                        const KernelObject &kernels, BoundEntry &bound) {
  bound.calls.resize(entry.calls()->size());
  describeCalls(*session.plan->schema, entry, bound);
  for (unsigned i = 0; i < bound.calls.size(); ++i) {
    BoundCall &call = bound.calls[i];
    Status status = session.executor->bind(*entry.calls()->Get(i), kernels,
                                           bound.buffers, call.executable);
    if (!status.ok())
      return {status.getCode(),
              join(call.observation.name, " at ", call.observation.location,
                   " in entry ", entry.name()->str(), ": ",
                   status.getMessage())};
  }
  return {};
}

static Status bindEntries(vernier_session_t &session, uint8_t *memory,
                          const KernelObject &kernels) {
  uint8_t *staging = memory + session.stagingOffset;
  auto bindPort = [&](const BoundEntry &bound, const Tensor &tensor,
                      const schema::Port &port) -> BoundPort {
    uint8_t *own = staging;
    staging += alignUp(tensor.getBytes());
    return {&tensor, bound.buffers[port.buffer()].data, own};
  };
  const auto &entries = *session.plan->schema->entries();
  session.entries.resize(entries.size());
  for (unsigned i = 0; i < entries.size(); ++i) {
    const schema::Entry &entry = *entries[i];
    BoundEntry &bound = session.entries[i];
    bindBuffers(session, entry, memory, bound.buffers);
    const EntryPorts &ports = session.plan->entries[i];
    for (unsigned j = 0; j < ports.inputs.size(); ++j)
      bound.inputs.push_back(
          bindPort(bound, ports.inputs[j], *entry.inputs()->Get(j)));
    for (unsigned j = 0; j < ports.outputs.size(); ++j)
      bound.outputs.push_back(
          bindPort(bound, ports.outputs[j], *entry.outputs()->Get(j)));
    VERNIER_TRY(bindCalls(session, entry, kernels, bound));
  }
  return {};
}

Status vernier_session_t::create(uint64_t seed) {
  layOut(*this);
  VERNIER_TRY(memory.allocate(memoryBytes, "session memory"));
  createStates(*this, seed);
  executor = device->createExecutor();
  const KernelObject *kernels = nullptr;
  VERNIER_TRY(plan->loadKernels(kernels));
  VERNIER_TRY(bindEntries(*this, memory.data(), *kernels));
  VERNIER_TRY(executor->finish());
  return refresh();
}

Status vernier_session_t::bindOnly() {
  layOut(*this);
  executor = device->createExecutor();
  // As aligned as memory would be; binding only computes with addresses. The
  // kernels are not loaded: describing a plan needs none of its code.
  return bindEntries(*this, reinterpret_cast<uint8_t *>(uintptr_t(4096)),
                     KernelObject());
}

vernier_memory_info_t vernier_session_t::getMemory() const {
  vernier_memory_info_t info = {};
  info.state_bytes = plan->schema->state_bytes();
  info.arena_bytes = stagingOffset - arenaOffset;
  int step = plan->findEntry("step");
  if (step >= 0)
    info.saved_bytes = plan->schema->entries()->Get(step)->saved_bytes();
  info.work_bytes = executor->getBytes();
  info.total_bytes = memoryBytes + info.work_bytes;
  return info;
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

void vernier_session_t::keepOutputs() {
  if (lastEntry < 0)
    return;
  for (const BoundPort &port : entries[lastEntry].outputs)
    std::memcpy(port.staging, port.place, port.tensor->getBytes());
  lastEntry = -1;
}

Status vernier_session_t::run(int index) {
  BoundEntry &entry = entries[index];
  if (lastEntry != index)
    keepOutputs();
  lastEntry = -1;
  entry.hasRun = false;
  for (const BoundPort &port : entry.inputs)
    std::memcpy(port.place, port.staging, port.tensor->getBytes());
  for (BoundCall &call : entry.calls) {
    Status status = call.executable->run();
    if (!status.ok())
      return {status.getCode(),
              join(call.observation.name, " at ", call.observation.location,
                   ": ", status.getMessage())};
    if (observer)
      observer(observerContext, &call.observation);
  }
  entry.hasRun = true;
  lastEntry = index;
  return {};
}

Status vernier_session_t::refresh() {
  int index = plan->findEntry("refresh");
  return index < 0 ? Status() : run(index);
}
