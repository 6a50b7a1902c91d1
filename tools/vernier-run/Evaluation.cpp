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

Evaluation::Evaluation(const std::string &path, const Plan &plan)
    : data((plan.requireEntry("loss"), path), plan, "loss"),
      loss(requireLoss(plan, "loss")), accuracy(plan, "loss"),
      rows(data.batch()) {
  if (data.rows() == 0)
    throw Failure(BadFile,
                  path + ": has no rows; there is nothing to evaluate");
}

std::string Evaluation::describeRows(uint64_t start, uint64_t real) const {
  return fmt::format("rows {} to {} of {}", start, start + real - 1,
                     data.path());
}

/// The loss of a batch of `real` rows, repeated while there is room for all of
/// them, then the first of them again and again.
double Evaluation::runBatch(Session &session, NumericsCheck *check,
                            uint64_t start, uint64_t real) {
  uint64_t repeated = data.batch() / real * real;
  for (uint64_t i = 0; i < data.batch(); ++i)
    rows[i] = start + (i < repeated ? i % real : 0);
  data.feed(session, "loss", rows.data());
  if (check)
    check->reset();
  session.run("loss");
  if (check && check->found())
    throw Failure(Numeric,
                  fmt::format("evaluating {}: {}", describeRows(start, real),
                              check->found()->describe()));
  session.read("loss", loss);
  return loss.element();
}

/// A row that makes the loss infinite or NaN, found by bisection, if one does.
std::string Evaluation::describeCulprit(Session &session, uint64_t start,
                                        uint64_t real) {
  while (real > 1) {
    uint64_t half = real / 2;
    bool isInFirst = !std::isfinite(runBatch(session, nullptr, start, half));
    start += isInFirst ? 0 : half;
    real = isInFirst ? half : real - half;
  }
  if (std::isfinite(runBatch(session, nullptr, start, 1)))
    return "";
  return "\n  the data: alone in a batch, " + data.describeRow(start) +
         " has a loss that is not finite";
}

/// A loss changes no state: run again, it does the same, this time observed.
std::string Evaluation::describeProblem(Session &session, uint64_t start,
                                        uint64_t real) {
  NumericsCheck numerics;
  numerics.install(session);
  double value = runBatch(session, nullptr, start, real);
  vernier_session_set_observer(session.get(), nullptr, nullptr);
  std::string text = fmt::format("the loss of {} is {}",
                                 describeRows(start, real), numberText(value));
  if (numerics.found())
    text += "\n  " + numerics.found()->describe();
  std::string badData = data.describeNonFinite(rows.data(), real);
  return text + (badData.empty() ? describeCulprit(session, start, real)
                                 : "\n  the data: " + badData);
}

Evaluation::Result Evaluation::run(Session &session, NumericsCheck *check,
                                   bool interruptible) {
  Result result{0, NAN, data.rows(), ""};
  auto batch = static_cast<double>(data.batch());
  uint64_t correct = 0;
  for (uint64_t start = 0; start < data.rows(); start += data.batch()) {
    if (interruptible)
      throwIfInterrupted();
    uint64_t real = std::min(data.batch(), data.rows() - start);
    // A partial batch holds its rows `repetitions` times, and `rest` times its
    // first one, which a batch of that row alone takes out of the loss again.
    uint64_t repetitions = data.batch() / real, rest = data.batch() % real;
    double excess = rest ? runBatch(session, check, start, 1) *
                               static_cast<double>(rest) / batch
                         : 0;
    double value = (runBatch(session, check, start, real) - excess) /
                   static_cast<double>(repetitions);
    result.loss += value;
    if (accuracy.isAvailable())
      correct += accuracy.countCorrect(session, data, real);
    if (!std::isfinite(value) && result.problem.empty())
      result.problem = describeProblem(session, start, real);
  }
  auto rowCount = static_cast<double>(data.rows());
  result.loss /= rowCount / batch;
  if (accuracy.isAvailable())
    result.accuracy =
        static_cast<double>(correct) /
        (rowCount * static_cast<double>(accuracy.rowsPerSample()));
  return result;
}

/// A loss that is not finite: why, and what else is known.
static Failure notFinite(const Evaluation::Result &result) {
  std::string text = result.problem;
  if (!std::isnan(result.accuracy))
    text += fmt::format("\n  the accuracy over all {} rows is {:.2f} %",
                        result.rows, 100 * result.accuracy);
  Failure failure(Numeric, text);
  ResultLine line;
  line.add("rows", result.rows);
  line.addNumber("loss", result.loss);
  line.addIfMeasured("accuracy", result.accuracy);
  failure.result = line.str();
  return failure;
}

int vernier::run::evaluate(const Options &options, Terminal &terminal) {
  Device device(options.device);
  Plan plan(options.plan);
  Evaluation evaluation(options.data, plan);
  requireMemory(plan, planMemory(plan, device), terminal);
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

  if (!result.problem.empty())
    throw notFinite(result);
  ResultLine line("ok");
  line.add("rows", result.rows);
  line.addNumber("loss", result.loss);
  line.addIfMeasured("accuracy", result.accuracy);
  line.add("samples_per_s",
           fmt::format("{:.0f}",
                       static_cast<double>(result.rows) / seconds.count()));
  line.add("peak_bytes", session.memory().total_bytes);
  line.print();
  return Ok;
}
