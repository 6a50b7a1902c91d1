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

int vernier::run::bench(const Options &options, Terminal &terminal) {
  Plan plan(options.plan);
  plan.requireEntry(options.entry);
  std::vector<TensorInfo> inputs = plan.inputs(options.entry);
  printTable(terminal, "bench", planRows(plan, options.plan));
  printMemoryAndPrecision(terminal, plan);
  requireMemory(plan, planMemory(plan));
  Session session(plan, options.device, 0);
  terminal.print(fmt::format("device  {}", session.deviceDescription()));
  for (uint32_t i = 0; i < inputs.size(); ++i)
    fillRandomly(session, options.entry, inputs[i], i);

  using Clock = std::chrono::steady_clock;
  uint64_t steps = options.steps.value_or(50);
  std::vector<double> times;
  times.reserve(steps);
  for (uint64_t i = 0; i < options.warmup + steps && !interrupted(); ++i) {
    auto start = Clock::now();
    session.run(options.entry.c_str());
    if (i >= options.warmup)
      times.push_back(
          std::chrono::duration<double, std::milli>(Clock::now() - start)
              .count());
  }
  if (times.empty())
    return Interrupted;
  std::sort(times.begin(), times.end());
  double median = times[times.size() / 2];
  if (options.profile) {
    Profile profile(plan.requireEntry(options.entry));
    profile.measure(session, steps);
    for (const std::string &line : profile.table())
      terminal.print(line);
  }
  auto batch = static_cast<double>(batchOf(inputs));
  ResultLine line(interrupted() ? "interrupted" : "ok");
  line.add("entry", options.entry);
  line.add("steps", times.size());
  line.add("ms_per_step", fmt::format("{:.4g}", median));
  line.add("min_ms", fmt::format("{:.4g}", times.front()));
  line.add("max_ms", fmt::format("{:.4g}", times.back()));
  line.add("samples_per_s", fmt::format("{:.0f}", 1000 * batch / median));
  line.add("peak_bytes", session.memory().total_bytes);
  line.print();
  return interrupted() ? Interrupted : Ok;
}
