//===- SessionObservation.cpp - What an observer is told about the calls
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Values have no names in a plan. A value is named by its place: the state that
// lies there, or else the input or the call that wrote there last.
//
//===----------------------------------------------------------------------===//

#include "Runtime/Session.h"

#include "vernier/Runtime/CallTitle.h"

#include <algorithm>

using namespace vernier;
using namespace vernier::runtime;

namespace {

/// The names of an entry's values, call after call.
class ValueNames {
public:
  ValueNames(const schema::Plan &plan, const schema::Entry &entry)
      : entry(entry) {
    for (const schema::State *state : *plan.states())
      states[state->offset()] = state->name()->c_str();
    for (const schema::Port *port : *entry.inputs())
      writers[placeOf(port->buffer())] = port->name()->c_str();
    for (const schema::Port *port : *entry.outputs())
      outputs[port->buffer()] = port->name()->c_str();
  }

  /// The name of a value that a call reads.
  const char *ofInput(uint32_t index) const {
    const schema::Buffer &buffer = *entry.buffers()->Get(index);
    if (const char *state = ofState(buffer))
      return state;
    if (buffer.memory() == schema::Memory::constants)
      return "constant";
    auto writer = writers.find(placeOf(index));
    return writer == writers.end() ? "value" : writer->second;
  }

  /// The name of a value that the call named `writer` has written.
  const char *ofResult(uint32_t index, const char *writer) {
    writers[placeOf(index)] = writer;
    if (const char *state = ofState(*entry.buffers()->Get(index)))
      return state;
    auto output = outputs.find(index);
    return output == outputs.end() ? writer : output->second;
  }

private:
  using Place = std::pair<schema::Memory, uint64_t>;

  Place placeOf(uint32_t index) const {
    const schema::Buffer &buffer = *entry.buffers()->Get(index);
    return {buffer.memory(), buffer.offset()};
  }

  const char *ofState(const schema::Buffer &buffer) const {
    if (buffer.memory() != schema::Memory::state)
      return nullptr;
    auto state = states.find(buffer.offset());
    return state == states.end() ? nullptr : state->second;
  }

  const schema::Entry &entry;
  std::map<uint64_t, const char *> states;
  std::map<uint32_t, const char *> outputs;
  std::map<Place, const char *> writers;
};

} // namespace

static vernier_observed_tensor_t
describeTensor(const BoundEntry &bound, uint32_t index, const char *name) {
  const BoundBuffer &buffer = bound.buffers[index];
  return {{name, buffer.dtype, buffer.shape.size(), buffer.shape.data(),
           buffer.bytes, /*classes=*/0},
          buffer.data,
          /*overwritten=*/0};
}

static bool overlap(const vernier_observed_tensor_t &a,
                    const vernier_observed_tensor_t &b) {
  const auto *first = static_cast<const uint8_t *>(a.data);
  const auto *second = static_cast<const uint8_t *>(b.data);
  return first < second + b.info.bytes && second < first + a.info.bytes;
}

static const char *textOf(const flatbuffers::String *text) {
  return text ? text->c_str() : "";
}

void vernier::runtime::describeCalls(const schema::Plan &plan,
                                     const schema::Entry &entry,
                                     BoundEntry &bound) {
  ValueNames names(plan, entry);
  bound.valueNames.reserve(bound.calls.size()); // their addresses are given out
  for (unsigned i = 0; i < bound.calls.size(); ++i) {
    const schema::Call &call = *entry.calls()->Get(i);
    BoundCall &result = bound.calls[i];
    const char *name = textOf(call.name());
    const char *location = textOf(call.location());
    const char *identity = textOf(call.identity());
    for (uint32_t index : *call.inputs())
      result.inputs.push_back(
          describeTensor(bound, index, names.ofInput(index)));
    const char *writer =
        bound.valueNames.emplace_back(makeCallTitle(getOrigin(call))).c_str();
    for (uint32_t index : *call.results())
      result.results.push_back(
          describeTensor(bound, index, names.ofResult(index, writer)));
    for (vernier_observed_tensor_t &input : result.inputs)
      input.overwritten = std::any_of(
          result.results.begin(), result.results.end(),
          [&](const auto &written) { return overlap(input, written); });
    if (call.sources())
      for (const flatbuffers::String *source : *call.sources())
        result.sources.push_back(source->c_str());
    result.observation = {entry.name()->c_str(),
                          i,
                          name,
                          location,
                          result.inputs.size(),
                          result.inputs.data(),
                          result.results.size(),
                          result.results.data(),
                          result.sources.size(),
                          result.sources.data(),
                          identity,
                          writer};
  }
}
