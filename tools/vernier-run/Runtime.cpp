//===- Runtime.cpp - The C API with owners and exceptions
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime.h"

#include "Names.h"

#include "vernier/Runtime/CallTitle.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

using namespace vernier::run;

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

const char *vernier::run::dtypeName(vernier_dtype_t dtype) {
  constexpr const char *names[] = {"f32", "bf16", "f16", "i32", "i64", "i1"};
  return names[dtype];
}

std::string vernier::run::describe(const TensorInfo &info) {
  std::string shape;
  for (size_t i = 0; i < info.rank; ++i)
    shape += (i ? ", " : "") + std::to_string(info.shape[i]);
  return fmt::format("{} ({}{})", dtypeName(info.dtype), shape,
                     info.rank == 1 ? "," : "");
}

uint64_t vernier::run::elementCount(const TensorInfo &info) {
  uint64_t count = 1;
  for (size_t i = 0; i < info.rank; ++i)
    count *= static_cast<uint64_t>(info.shape[i]);
  return count;
}

template <typename T> static T load(const void *data, uint64_t index) {
  T value;
  std::memcpy(&value, static_cast<const char *>(data) + index * sizeof(T),
              sizeof(T));
  return value;
}

static double halfToDouble(uint16_t bits) {
  int exponent = bits >> 10 & 31;
  int mantissa = bits & 1023;
  double value = exponent == 31  ? (mantissa ? NAN : INFINITY)
                 : exponent == 0 ? std::ldexp(mantissa, -24)
                                 : std::ldexp(1024 + mantissa, exponent - 25);
  return bits & 0x8000 ? -value : value;
}

double vernier::run::elementOf(const void *data, vernier_dtype_t dtype,
                               uint64_t index) {
  switch (dtype) {
  case VERNIER_F32:
    return load<float>(data, index);
  case VERNIER_BF16: {
    uint32_t bits = static_cast<uint32_t>(load<uint16_t>(data, index)) << 16;
    return load<float>(&bits, 0);
  }
  case VERNIER_F16:
    return halfToDouble(load<uint16_t>(data, index));
  case VERNIER_I32:
    return load<int32_t>(data, index);
  case VERNIER_I64:
    return static_cast<double>(load<int64_t>(data, index));
  case VERNIER_I1:
    return load<uint8_t>(data, index);
  }
  return NAN;
}

//===----------------------------------------------------------------------===//
// Plan
//===----------------------------------------------------------------------===//

/// To the library a path that does not exist is a wrong argument; to the user
/// it is a bad file.
static void checkFile(vernier_status_t status) {
  if (status.code == VERNIER_INVALID_ARGUMENT)
    status.code = VERNIER_BAD_FILE;
  check(status);
}

Plan::Plan(const std::string &path, Use use) {
  vernier_plan_t *plan = nullptr;
  checkFile(vernier_plan_load(path.c_str(), &plan));
  handle.reset(plan);
  vernier_status_t here = vernier_plan_check_machine(plan);
  if (use == Use::run && here.code != VERNIER_OK)
    throw Failure(static_cast<ExitCode>(here.code),
                  fmt::format("{}: {}", path, here.message));
  size_t size = 0;
  // Verified when it was loaded.
  schemaPlan = schema::GetPlan(vernier_plan_payload(plan, &size));
}

const vernier::schema::Entry *Plan::entry(const std::string &name) const {
  for (const schema::Entry *entry : *schemaPlan->entries())
    if (entry->name()->str() == name)
      return entry;
  return nullptr;
}

const vernier::schema::Entry &
Plan::requireEntry(const std::string &name) const {
  if (const schema::Entry *found = entry(name))
    return *found;
  std::vector<std::string> names;
  for (const schema::Entry *entry : *schemaPlan->entries())
    if (entry->name()->str() != "refresh")
      names.push_back(entry->name()->str());
  throw Failure(Usage,
                fmt::format("the plan has no entry '{}'{}; its entries: {}",
                            name, didYouMean(name, names), joined(names)));
}

std::vector<TensorInfo> Plan::inputs(const std::string &entry) const {
  size_t count = 0;
  const TensorInfo *infos = nullptr;
  check(vernier_plan_entry_inputs(get(), entry.c_str(), &count, &infos));
  return {infos, infos + count};
}

std::vector<TensorInfo> Plan::outputs(const std::string &entry) const {
  size_t count = 0;
  const TensorInfo *infos = nullptr;
  check(vernier_plan_entry_outputs(get(), entry.c_str(), &count, &infos));
  return {infos, infos + count};
}

//===----------------------------------------------------------------------===//
// Session
//===----------------------------------------------------------------------===//

Device::Device(const std::string &name) {
  vernier_device_t *device = nullptr;
  check(vernier_device_create(name.c_str(), &device));
  handle.reset(device);
}

Session::Session(const Plan &plan, const Device &device, uint64_t seed) {
  vernier_session_t *session = nullptr;
  check(vernier_session_create(plan.get(), device.get(), seed, &session));
  handle.reset(session);
}

std::string Session::describeNonFinite() {
  vernier_status_t status = vernier_session_check_finite(get());
  if (status.code == VERNIER_NUMERIC)
    return status.message;
  check(status);
  return "";
}

Loaded Session::load(const std::string &directory) {
  return load(directory, vernier_session_load);
}

Loaded Session::loadForInference(const std::string &directory) {
  return load(directory, vernier_session_load_for_inference);
}

Loaded Session::load(const std::string &directory, Load load) {
  Loaded loaded;
  const char *metadata = nullptr;
  vernier_status_t status =
      load(get(), directory.c_str(), &loaded.step, &metadata);
  checkFile(status);
  // A success with a message has passed over damaged checkpoints.
  loaded.note = status.message ? status.message : "";
  loaded.metadata = metadata ? metadata : "";
  return loaded;
}

std::string vernier::run::titleOf(const schema::Call &call) {
  return makeCallTitle(getOrigin(call));
}

std::optional<Output> vernier::run::findOutput(const Plan &plan,
                                               const std::string &entry,
                                               const std::string &name) {
  for (const TensorInfo &info : plan.outputs(entry))
    if (info.name == name)
      return Output{info, std::vector<uint8_t>(info.bytes)};
  return std::nullopt;
}

Output vernier::run::requireLoss(const Plan &plan, const std::string &entry) {
  if (std::optional<Output> loss = findOutput(plan, entry, "loss"))
    return *loss;
  std::vector<std::string> names;
  for (const TensorInfo &info : plan.outputs(entry))
    names.push_back(info.name);
  throw Failure(
      Failed,
      fmt::format(
          "the plan's entry '{}' has no output 'loss' (it has {}); write "
          "{{train.name = \"loss\"}} behind the type of the first result of "
          "@loss, and compile the model again",
          entry, joined(names)));
}
