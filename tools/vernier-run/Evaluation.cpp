//===- Evaluation.cpp - Loss and accuracy on a data set
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluation.h"

#include "Memory.h"
#include "Report.h"
#include "Signals.h"
#include "Verbs.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

using namespace vernier::run;

static Output requireOutput(const Plan &plan, const char *entry,
                            const char *name) {
  plan.requireEntry(entry);
  if (std::optional<Output> output = findOutput(plan, entry, name))
    return *output;
  throw Failure(Failed, fmt::format("the plan's entry '{}' has no output '{}'",
                                    entry, name));
}

Evaluation::Evaluation(const std::string &path, const Plan &plan)
    : data((plan.requireEntry("loss"), path), plan, "loss"),
      loss(requireOutput(plan, "loss", "loss")), accuracy(plan, "loss"),
      rows(data.batch()) {
  if (data.rows() == 0)
    throw Failure(BadFile,
                  path + ": has no rows; there is nothing to evaluate");
}

Evaluation::Result Evaluation::run(Session &session, NumericsCheck *check,
                                   bool interruptible) {
  double lossSum = 0;
  uint64_t wholeBatches = 0, correct = 0;
  for (uint64_t start = 0; start < data.rows(); start += data.batch()) {
    if (interruptible)
      throwIfInterrupted();
    uint64_t real = std::min(data.batch(), data.rows() - start);
    for (uint64_t i = 0; i < data.batch(); ++i)
      rows[i] = start + i % real;
    data.feed(session, "loss", rows.data());
    if (check)
      check->reset();
    session.run("loss");
    if (check && check->found())
      throw Failure(Numeric, fmt::format("evaluating rows {} to {} of {}: {}",
                                         start, start + real - 1, data.path(),
                                         check->found()->describe()));
    if (real == data.batch()) {
      session.read("loss", loss);
      lossSum += loss.element();
      ++wholeBatches;
    }
    if (accuracy.isAvailable())
      correct += accuracy.countCorrect(session, data, real);
  }
  double counted = static_cast<double>(data.rows() * accuracy.rowsPerSample());
  return {wholeBatches ? lossSum / static_cast<double>(wholeBatches) : NAN,
          accuracy.isAvailable() ? static_cast<double>(correct) / counted : NAN,
          data.rows()};
}

int vernier::run::evaluate(const Options &options, Terminal &terminal) {
  Plan plan(options.plan);
  Evaluation evaluation(options.data, plan);
  Device device(options.device);
  requireMemory(plan, planMemory(plan, device));
  Session session(plan, device, 0);
  loadForInference(session, options, terminal);
  NumericsCheck check;
  if (options.checkNumerics)
    check.install(session);

  auto start = std::chrono::steady_clock::now();
  Evaluation::Result result =
      evaluation.run(session, options.checkNumerics ? &check : nullptr,
                     /*interruptible=*/true);
  std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;

  ResultLine line("ok");
  line.add("rows", result.rows);
  line.addIfMeasured("loss", result.loss);
  line.addIfMeasured("accuracy", result.accuracy);
  line.add("samples_per_s",
           fmt::format("{:.0f}",
                       static_cast<double>(result.rows) / seconds.count()));
  line.add("peak_bytes", session.memory().total_bytes);
  line.print();
  return Ok;
}
