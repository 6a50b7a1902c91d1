//===- PlanVerifier.cpp - Checks of what a plan says
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FlatBuffers' verifier proves that the tables can be read; this file and
// CallVerifier.cpp prove that what they say can be run: every index in range,
// every buffer inside its memory, every enum value known. Nothing here relies
// on the digest.
//
//===----------------------------------------------------------------------===//

#include "Runtime/PlanVerifier.h"

#include "vernier/Runtime/CallTitle.h"

#include "Runtime/CpuFeatures.h"
#include "Runtime/KernelObject.h"
#include "Runtime/Plan.h"
#include "Runtime/StateLayout.h"

#include <flatbuffers/util.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <tuple>

using namespace vernier;
using namespace vernier::runtime;

/// The first words of every message of this file.
template <typename... Parts> static Status bad(const Parts &...parts) {
  return badFile("bad plan: ", parts..., "; compile the model again");
}

template <typename Enum> static bool isKnown(Enum value, Enum last) {
  return static_cast<unsigned>(value) <= static_cast<unsigned>(last);
}

/// A name that cannot be: compiling again would not help.
template <typename... Parts> static Status badName(const Parts &...parts) {
  return badFile("bad plan: ", parts...,
                 "; rename it in the model and compile that again");
}

/// What names are.
static constexpr const char *aName =
    "1 to 4096 bytes of UTF-8 with no zero among them";

/// More than any machine can address; sums of a few do not overflow.
static constexpr uint64_t maxBytes = uint64_t(1) << 48;

/// The zero behind a string of a verified buffer ends its last character.
static bool isUtf8(const flatbuffers::String &text) {
  const char *at = text.c_str(), *end = at + text.size();
  while (at < end)
    if (flatbuffers::FromUTF8(&at) < 0)
      return false;
  return true;
}

bool vernier::runtime::isName(const flatbuffers::String &name) {
  return name.size() > 0 && name.size() <= 4096 &&
         !std::memchr(name.data(), 0, name.size()) && isUtf8(name);
}

bool vernier::runtime::computeBytes(schema::DType dtype,
                                    const flatbuffers::Vector<int64_t> &shape,
                                    uint64_t &bytes) {
  if (!isKnown(dtype, schema::DType::MAX) || shape.size() > 32)
    return false;
  // FlatBuffers' verifier leaves this out; an empty vector may lie anywhere.
  if (shape.size() &&
      reinterpret_cast<uintptr_t>(shape.Data()) % alignof(int64_t))
    return false;
  bytes = sizeOf(toDType(dtype));
  for (int64_t extent : shape)
    if (extent < 1 || __builtin_mul_overflow(bytes, uint64_t(extent), &bytes) ||
        bytes > maxBytes)
      return false;
  return true;
}

static bool fits(uint64_t offset, uint64_t bytes, uint64_t size) {
  return offset % bufferAlignment == 0 && offset <= size &&
         bytes <= size - offset;
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

using StateTable = std::map<std::string, const schema::State *>;

static Status verifyCopy(const StateTable &states, const schema::State &state) {
  if (!state.copy_of())
    return bad("the copy '", state.name()->str(), "' names no master");
  auto found = states.find(state.copy_of()->str());
  if (found == states.end() || found->second->role() == schema::Role::copy)
    return bad("the copy '", state.name()->str(), "' is of '",
               state.copy_of()->str(), "', which is not a master");
  const auto &ownShape = getMemoryShape(state);
  std::vector<int64_t> own(ownShape.begin(), ownShape.end());
  const schema::State *master = found->second;
  const auto &itsShape = getMemoryShape(*master);
  std::vector<int64_t> its(itsShape.begin(), itsShape.end());
  if (own != its)
    return bad("the copy '", state.name()->str(),
               "' has another shape than its master");
  return {};
}

static Status verifyInitializer(const schema::State &state, uint64_t bytes) {
  const schema::Initializer &init = *state.init();
  std::string name = state.name()->str();
  if (!isKnown(init.kind(), schema::InitKind::MAX))
    return bad("state '", name, "' has an unknown initialiser");
  if (init.kind() == schema::InitKind::dense &&
      (!init.data() || init.data()->size() != bytes))
    return bad("the initial value of state '", name, "' is not ", bytes,
               " bytes");
  if (init.kind() == schema::InitKind::none &&
      state.role() != schema::Role::copy)
    return bad("state '", name, "' has no initial value");
  return {};
}

/// The extents in memory; `bytes` becomes what they take.
static Status verifyPadding(const schema::State &state, uint64_t &bytes) {
  if (!state.padded_shape())
    return {};
  const auto &real = *state.shape(), &padded = *state.padded_shape();
  bool isValid = computeBytes(state.dtype(), padded, bytes) &&
                 padded.size() == real.size();
  for (unsigned i = 0; isValid && i < real.size(); ++i)
    isValid = padded[i] >= real[i];
  return isValid ? Status()
                 : bad("state '", state.name()->str(), "' has a bad padding");
}

Status vernier::runtime::verifyStates(const schema::Plan &plan) {
  StateTable states;
  std::vector<std::tuple<uint64_t, uint64_t, const schema::State *>> places;
  bool hasCopies = false;
  for (unsigned i = 0; i < plan.states()->size(); ++i) {
    const schema::State *state = plan.states()->Get(i);
    if (!isName(*state->name()))
      return badName("state ", i, " has no proper name, ", aName);
    std::string name = state->name()->str();
    // Checkpoints are safetensors files, which have another use for it.
    if (name == "__metadata__")
      return badName("state ", i, " has the name '", name,
                     "', which no tensor of a checkpoint can have");
    uint64_t bytes = 0;
    if (!states.emplace(name, state).second)
      return bad("state '", name, "' occurs twice");
    if (!isKnown(state->role(), schema::Role::MAX))
      return bad("state '", name, "' has an unknown role");
    if (!computeBytes(state->dtype(), *state->shape(), bytes))
      return bad("state '", name, "' has a bad type");
    if (!fits(state->offset(), bytes, plan.state_bytes()))
      return bad("state '", name, "' lies outside the state memory");
    VERNIER_TRY(verifyInitializer(*state, bytes));
    if (state->labels() &&
        (state->shape()->size() != 1 ||
         state->labels()->size() != uint64_t(state->shape()->Get(0))))
      return bad("state '", name, "' has ", state->labels()->size(),
                 " labels, but another number of elements");
    VERNIER_TRY(verifyPadding(*state, bytes));
    if (!fits(state->offset(), bytes, plan.state_bytes()))
      return bad("state '", name,
                 "' with its padding lies outside the state "
                 "memory");
    hasCopies |= state->role() == schema::Role::copy;
    places.emplace_back(state->offset(), bytes, state);
  }
  std::sort(places.begin(), places.end());
  for (size_t i = 1; i < places.size(); ++i)
    if (std::get<0>(places[i - 1]) + std::get<1>(places[i - 1]) >
        std::get<0>(places[i]))
      return bad("the states '", std::get<2>(places[i - 1])->name()->str(),
                 "' and '", std::get<2>(places[i])->name()->str(), "' overlap");
  if (!hasCopies)
    return {};
  for (const schema::State *state : *plan.states())
    if (state->role() == schema::Role::copy)
      VERNIER_TRY(verifyCopy(states, *state));
  for (const schema::Entry *entry : *plan.entries())
    if (entry->name()->str() == "refresh")
      return {};
  return bad("it has copies but no entry 'refresh' that derives them");
}

//===----------------------------------------------------------------------===//
// Entries
//===----------------------------------------------------------------------===//

static Status verifyBuffers(const schema::Plan &plan,
                            const schema::Entry &entry) {
  std::string name = entry.name()->str();
  uint64_t constants = plan.constants() ? plan.constants()->size() : 0;
  for (unsigned i = 0; i < entry.buffers()->size(); ++i) {
    const schema::Buffer *buffer = entry.buffers()->Get(i);
    uint64_t bytes = 0;
    if (!isKnown(buffer->memory(), schema::Memory::MAX))
      return bad("buffer ", i, " of '", name, "' is in an unknown memory");
    if (!computeBytes(buffer->dtype(), *buffer->shape(), bytes))
      return bad("buffer ", i, " of '", name, "' has a bad type");
    uint64_t size =
        buffer->memory() == schema::Memory::arena   ? entry.arena_bytes()
        : buffer->memory() == schema::Memory::state ? plan.state_bytes()
                                                    : constants;
    if (!fits(buffer->offset(), bytes, size))
      return bad("buffer ", i, " of '", name, "' (", bytes, " bytes at ",
                 buffer->offset(), ") is not aligned to ", bufferAlignment,
                 " or lies outside its memory of ", size, " bytes");
  }
  return {};
}

static Status verifyPort(const schema::Entry &entry, const schema::Port &port,
                         bool isInput) {
  std::string name = port.name()->str();
  if (port.buffer() >= entry.buffers()->size())
    return bad("port '", name, "' of '", entry.name()->str(),
               "' has no buffer");
  const schema::Buffer &buffer = *entry.buffers()->Get(port.buffer());
  if (isInput && buffer.memory() != schema::Memory::arena)
    return bad("input '", name, "' of '", entry.name()->str(),
               "' is not in the arena");
  bool isInteger = buffer.dtype() == schema::DType::i32 ||
                   buffer.dtype() == schema::DType::i64;
  if (port.classes() < 0 || (port.classes() > 0 && !isInteger))
    return bad("port '", name, "' of '", entry.name()->str(),
               "' has class indices that are no integers");
  return {};
}

static Status
verifyPorts(const schema::Entry &entry,
            const flatbuffers::Vector<flatbuffers::Offset<schema::Port>> &ports,
            bool isInput) {
  std::set<std::string> names;
  for (const schema::Port *port : ports) {
    if (!isName(*port->name()))
      return badName("a port of '", entry.name()->str(),
                     "' has no proper name, ", aName);
    std::string name = port->name()->str();
    if (!names.insert(name).second)
      return bad("port '", name, "' of '", entry.name()->str(),
                 "' occurs twice");
    VERNIER_TRY(verifyPort(entry, *port, isInput));
  }
  return {};
}

/// Text that a terminal shows as it is.
static bool isPlainText(std::string_view text) {
  return !text.empty() && text.size() <= 256 &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::string vernier::runtime::describeCall(const schema::Call &call) {
  if (!call.name() || !isPlainText(call.name()->string_view()))
    return "";
  CallOrigin origin = getOrigin(call);
  for (std::string_view *text :
       {&origin.identity, &origin.place, &origin.parameter})
    if (!isPlainText(*text))
      *text = {};
  return makeCallTitle(origin);
}

Status vernier::runtime::verifyEntry(const schema::Plan &plan,
                                     const schema::Entry &entry,
                                     std::vector<std::string> &kernels) {
  static const std::set<std::string> known = {"step", "accumulate", "loss",
                                              "predict", "refresh"};
  std::string name = entry.name()->str().substr(0, 32);
  if (!known.count(name))
    return bad(
        "entry '", name,
        "' is unknown; expected step, accumulate, loss, predict or refresh");
  if (entry.saved_bytes() > entry.arena_bytes() ||
      entry.arena_bytes() > maxBytes)
    return bad("the arena of '", name, "' has an impossible size");
  if (name == "refresh" && entry.inputs()->size())
    return bad("the entry 'refresh' has inputs");
  VERNIER_TRY(verifyBuffers(plan, entry));
  VERNIER_TRY(verifyPorts(entry, *entry.inputs(), /*isInput=*/true));
  VERNIER_TRY(verifyPorts(entry, *entry.outputs(), /*isInput=*/false));
  for (unsigned i = 0; i < entry.calls()->size(); ++i) {
    const schema::Call &call = *entry.calls()->Get(i);
    Status status = verifyCall(entry, call, kernels);
    if (status.ok())
      continue;
    std::string op = describeCall(call);
    return bad("call ", i, " of '", name, "'", op.empty() ? "" : ", " + op,
               ": ", status.getMessage());
  }
  return {};
}

//===----------------------------------------------------------------------===//
// The plan
//===----------------------------------------------------------------------===//

Status vernier::runtime::checkMachine(const schema::Plan &plan) {
  std::string missing;
  if (plan.required_features())
    for (const auto *feature : *plan.required_features())
      if (!hasCpuFeature(feature->str()))
        missing += (missing.empty() ? "" : ", ") + feature->str();
  if (missing.empty() && plan.object() && plan.object()->size())
    return checkObjectMachine(plan.object()->data(), plan.object()->size());
  if (missing.empty())
    return {};
  return resources("the plan was compiled for '", plan.target()->str(),
                   "' and this processor lacks ", missing,
                   "; compile the model again with --target=cpu or, on this "
                   "machine, --target=cpu:native");
}

static Status verifyTables(const uint8_t *payload, size_t size) {
  // Every table takes at least 4 bytes, so an honest plan stays below this.
  auto tables = static_cast<flatbuffers::uoffset_t>(size / 4 + 1);
  if (size >= FLATBUFFERS_MAX_BUFFER_SIZE)
    return bad("more than 2 GiB");
  flatbuffers::Verifier verifier(payload, size, /*max_depth=*/64, tables);
  if (!schema::VerifyPlanBuffer(verifier))
    return bad("its tables are malformed");
  return {};
}

Status vernier::runtime::verifyPlan(const uint8_t *payload, size_t size) {
  VERNIER_TRY(verifyTables(payload, size));
  const schema::Plan &plan = *schema::GetPlan(payload);
  if (plan.state_bytes() > maxBytes)
    return bad("the state memory has an impossible size");
  VERNIER_TRY(verifyStates(plan));
  std::set<std::string> names;
  std::vector<std::string> kernels;
  for (const schema::Entry *entry : *plan.entries()) {
    VERNIER_TRY(verifyEntry(plan, *entry, kernels));
    if (!names.insert(entry->name()->str()).second)
      return bad("entry '", entry->name()->str(), "' occurs twice");
  }
  bool gathers = names.count("accumulate");
  if (plan.micro_batches() < 1 || (plan.micro_batches() > 1) != gathers)
    return bad("a window of ", plan.micro_batches(), " micro-batches, but ",
               gathers ? "an" : "no", " entry 'accumulate'");
  if (plan.object() && plan.object()->size())
    return checkObject(plan.object()->data(), plan.object()->size(), kernels);
  if (!kernels.empty())
    return bad("it launches '", kernels.front(), "' but has no kernels");
  return {};
}
