//===- Bench.cpp - Times an entry on random data
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Data.h"
#include "Memory.h"
#include "Profile.h"
#include "Report.h"
#include "Shuffle.h"
#include "Signals.h"
#include "Verbs.h"

#include "vernier/Runtime/Npz.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

using namespace vernier;
using namespace vernier::run;

/// Values that the input could have: classes in range, floats in [-1, 1) with
/// few enough bits for every type, the same in each run.
static void fillRandomly(Session &session, const std::string &entry,
                         const TensorInfo &input, uint32_t index) {
  NpyArray array;
  array.name = input.name;
  array.type = NpyType::F64;
  array.shape.assign(input.shape, input.shape + input.rank);
  uint64_t count = elementCount(input);
  array.data.resize(count * sizeof(double));
  for (uint64_t i = 0; i < count; ++i) {
    uint32_t word = philox(
        {static_cast<uint32_t>(i), static_cast<uint32_t>(i >> 32), index, 0},
        {0, 0})[0];
    bool isInteger = input.dtype == VERNIER_I32 || input.dtype == VERNIER_I64;
    double value = input.classes > 0
                       ? word % static_cast<uint64_t>(input.classes)
                   : input.dtype == VERNIER_I1 ? word & 1
                   : isInteger ? word % 256
                               : static_cast<double>(word >> 24) / 128 - 1;
    std::memcpy(array.data.data() + i * sizeof value, &value, sizeof value);
  }
  std::vector<uint8_t> data = convertExactly(array, input.dtype);
  session.setInput(entry.c_str(), input.name, data.data(), data.size());
}

namespace {

/// One entry of a step, and how many runs of it a step consists of.
struct Part {
  std::string entry;
  uint64_t runs;
};

} // namespace

/// A run of `entry`; a step of a plan that gathers gradients is a window.
static std::vector<Part> partsOf(const Plan &plan, const std::string &entry) {
  plan.requireEntry(entry);
  uint64_t microBatches = plan.contents().micro_batches();
  if (entry != "step" || microBatches <= 1)
    return {{entry, 1}};
  return {{"accumulate", microBatches - 1}, {entry, 1}};
}

static void runStep(Session &session, const std::vector<Part> &parts) {
  for (const Part &part : parts)
    for (uint64_t i = 0; i < part.runs; ++i)
      session.run(part.entry.c_str());
}

static void printProfile(const schema::Entry &entry, Session &session,
                         uint64_t steps, Terminal &terminal) {
  Profile profile(entry);
  profile.measure(session, steps);
  for (const std::string &line : profile.table())
    terminal.print(line);
}

int vernier::run::bench(const Options &options, Terminal &terminal) {
  Device device(options.device);
  Plan plan(options.plan);
  std::vector<Part> parts = partsOf(plan, options.entry);
  uint64_t microBatches = parts.size() == 1 ? 1 : parts.front().runs + 1;
  uint64_t rowsPerStep = microBatches * batchOf(plan.inputs(options.entry));
  auto rows = planRows(plan, options.plan);
  if (microBatches > 1)
    rows.push_back(
        {"accumulation", fmt::format("{} micro-batches, {} rows in a step",
                                     microBatches, rowsPerStep)});
  MemoryPlan memory = planMemory(plan, device);
  requireMemory(plan, memory, terminal);
  printTable(terminal, "bench", rows);
  printMemoryAndPrecision(terminal, plan, memory);
  Session session(plan, device, 0);
  terminal.print(fmt::format("device  {}", device.description()));
  for (const Part &part : parts) {
    std::vector<TensorInfo> inputs = plan.inputs(part.entry);
    for (uint32_t i = 0; i < inputs.size(); ++i)
      fillRandomly(session, part.entry, inputs[i], i);
  }

  using Clock = std::chrono::steady_clock;
  uint64_t steps = options.steps.value_or(50);
  std::vector<double> times;
  times.reserve(steps);
  for (uint64_t i = 0; i < options.warmup + steps && !interrupted(); ++i) {
    auto start = Clock::now();
    runStep(session, parts);
    if (i >= options.warmup)
      times.push_back(
          std::chrono::duration<double, std::milli>(Clock::now() - start)
              .count());
  }
  if (times.empty())
    return Interrupted;
  std::sort(times.begin(), times.end());
  double median = times[times.size() / 2];
  if (options.profile)
    for (const Part &part : parts)
      printProfile(plan.requireEntry(part.entry), session, steps, terminal);
  ResultLine line(interrupted() ? "interrupted" : "ok");
  line.add("entry", options.entry);
  line.add("steps", times.size());
  if (microBatches > 1)
    line.add("micro_batches", microBatches);
  line.add("ms_per_step", fmt::format("{:.4g}", median));
  line.add("min_ms", fmt::format("{:.4g}", times.front()));
  line.add("max_ms", fmt::format("{:.4g}", times.back()));
  line.add(
      "samples_per_s",
      fmt::format("{:.0f}", 1000 * static_cast<double>(rowsPerStep) / median));
  line.add("peak_bytes", session.memory().total_bytes);
  line.print();
  return interrupted() ? Interrupted : Ok;
}
