//===- NumericsProfile.cpp - What the numbers of a training run are like
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A value is counted once in a step: when a call has written it, or, if it
// comes from outside (an input, a state), when the first call has read it.
// Which those are is found out in the first sampled step.
//
//===----------------------------------------------------------------------===//

#include "NumericsProfile.h"
#include "Outputs.h"

#include <fmt/format.h>

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

using namespace vernier;
using namespace vernier::run;

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

[[noreturn]] static void fail(const std::string &path, const char *doing) {
  throw Failure(Resources, fmt::format("{}: cannot {}: {}", path, doing,
                                       std::strerror(errno)));
}

NumericsProfile::NumericsProfile(const Plan &plan, const std::string &path,
                                 uint64_t every)
    : plan(plan), entry(plan.requireEntry("step")), path(path),
      temporaryPath(fmt::format("{}.{}.tmp", path, getpid())) {
  record.every = every;
  // Some hundred bytes for each tensor that a call reads or writes.
  requireWritable(path, entry.calls()->size() * 4096);
}

NumericsProfile::~NumericsProfile() { unlink(temporaryPath.c_str()); }

void NumericsProfile::write() {
  std::string text = record.toJson(plan);
  FILE *file = std::fopen(temporaryPath.c_str(), "w");
  if (!file)
    fail(path, "be opened for writing");
  bool isWritten =
      std::fwrite(text.data(), 1, text.size(), file) == text.size() &&
      std::fflush(file) == 0 && fsync(fileno(file)) == 0;
  if (std::fclose(file) != 0 || !isWritten)
    fail(path, "be written");
  if (std::rename(temporaryPath.c_str(), path.c_str()) != 0)
    fail(path, "be replaced");
}

//===----------------------------------------------------------------------===//
// The layout
//===----------------------------------------------------------------------===//

static bool isFloat(vernier_dtype_t dtype) {
  return dtype == VERNIER_F32 || dtype == VERNIER_BF16 || dtype == VERNIER_F16;
}

/// What a contraction of the backward part computes.
static const char *getGradientRole(const schema::Call &call) {
  switch (call.gradient()) {
  case schema::GradientOf::lhs:
    return "lhs gradient";
  case schema::GradientOf::rhs:
    return "rhs gradient";
  default:
    return "gradient";
  }
}

/// What reads gradients and is not of the backward part belongs to the updates.
std::string NumericsProfile::getRole(const vernier_observation_t &observation,
                                     const schema::Call &call) const {
  if (call.backward())
    return getGradientRole(call);
  for (size_t i = 0; i < observation.input_count; ++i) {
    auto known = values.find(observation.inputs[i].data);
    if (known != values.end() &&
        record.tensors[known->second].origin.isGradient)
      return "update";
  }
  return "forward";
}

/// The role of a value that no call of the step has written.
std::string NumericsProfile::getOutsideRole(
    const vernier_observed_tensor_t &observed) const {
  std::string name = observed.info.name;
  for (const schema::State *state : *plan.contents().states())
    if (state->name()->str() == name)
      return schema::EnumNameRole(state->role());
  return name == "constant" ? name : "input";
}

size_t NumericsProfile::addTensor(const vernier_observed_tensor_t &observed,
                                  RecordOrigin origin) {
  const TensorInfo &info = observed.info;
  record.tensors.push_back({info.name,
                            std::move(origin),
                            info.dtype,
                            {info.shape, info.shape + info.rank},
                            {}});
  values[observed.data] = record.tensors.size() - 1;
  return record.tensors.size() - 1;
}

/// Decide what is counted in this call and, if it is a contraction, record it.
void NumericsProfile::layOut(const vernier_observation_t &observation) {
  const schema::Call &call =
      *entry.calls()->Get(static_cast<unsigned>(observation.index));
  CallItems &items = calls.emplace_back();
  std::vector<std::optional<size_t>> inputs;
  for (size_t i = 0; i < observation.input_count; ++i) {
    const vernier_observed_tensor_t &input = observation.inputs[i];
    auto known = values.find(input.data);
    inputs.emplace_back();
    if (known != values.end() && isFloat(input.info.dtype)) {
      inputs.back() = known->second;
    } else if (isFloat(input.info.dtype) && !input.overwritten) {
      inputs.back() =
          addTensor(input, {getOutsideRole(input), "", "", "", "", false});
      items.items.push_back({&input, *inputs.back()});
    }
  }
  RecordOrigin origin{getRole(observation, call), observation.name,
                      observation.identity, observation.location,
                      call.parameter() ? call.parameter()->str() : ""};
  origin.isGradient = call.backward() || origin.role == "update";
  for (size_t i = 0; i < observation.result_count; ++i)
    if (isFloat(observation.results[i].info.dtype))
      items.items.push_back(
          {&observation.results[i], addTensor(observation.results[i], origin)});
  if (!isProduct(call) || !inputs[0] || !inputs[1])
    return;
  items.product = record.products.size();
  record.products.push_back(
      {origin, *inputs[0], *inputs[1], items.items.back().tensor, {}});
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

void NumericsProfile::beginStep(uint64_t done) {
  isSampling = done % record.every == 0;
  if (!isSampling)
    return;
  if (record.sampledSteps == 0)
    record.firstStep = done + 1;
  record.lastStep = done + 1;
}

void NumericsProfile::observe(const vernier_observation_t &observation) {
  // Of a window the last micro-batch is recorded, which has the update.
  if (!isSampling || entry.name()->str() != observation.entry)
    return;
  if (observation.index >= calls.size())
    layOut(observation);
  const CallItems &items = calls[observation.index];
  uint64_t phase = record.sampledSteps;
  for (const Item &item : items.items)
    counter.add(item.observed->data, item.observed->info.dtype,
                elementCount(item.observed->info), phase,
                record.tensors[item.tensor].statistics);
  if (items.product)
    sampleProduct(*entry.calls()->Get(static_cast<unsigned>(observation.index)),
                  observation, phase << 32 | observation.index,
                  record.products[*items.product].statistics);
}

void NumericsProfile::endStep(double loss, bool skipped) {
  if (!isSampling)
    return;
  isSampling = false; // evaluations are not looked at
  ++record.sampledSteps;
  record.skippedSteps += skipped;
  if (std::isfinite(loss)) {
    record.lossMagnitudes += std::fabs(loss);
    ++record.finiteLosses;
  }
}
