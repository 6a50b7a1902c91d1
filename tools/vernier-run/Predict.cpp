//===- Predict.cpp - Writes the outputs of predict
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Data.h"
#include "Memory.h"
#include "Numerics.h"
#include "Outputs.h"
#include "Report.h"
#include "Signals.h"
#include "Verbs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

using namespace vernier;
using namespace vernier::run;

namespace {

/// The rows of one output, gathered batch by batch.
class Gathered {
public:
  Gathered(const TensorInfo &info, const Dataset &data)
      : output{info, std::vector<uint8_t>(info.bytes)} {
    if (info.rank == 0 ||
        static_cast<uint64_t>(info.shape[0]) % data.batch() != 0)
      throw Failure(
          Failed,
          fmt::format("output '{}' ({}) has no rows to write: its first "
                      "extent is no multiple of the batch, {}",
                      info.name, describe(info), data.batch()));
    rowBytes = info.bytes / data.batch();
    elementBytes = info.bytes / std::max<uint64_t>(elementCount(info), 1);
    bytes.reserve(data.rows() * rowBytes);
  }

  /// In the file that they will be written to, headers included.
  uint64_t fileBytes(const Dataset &data) const {
    // bf16 is written as float32.
    uint64_t widening = output.info.dtype == VERNIER_BF16 ? 2 : 1;
    return data.rows() * rowBytes * widening + 512;
  }

  void add(Session &session, uint64_t rows) {
    session.read("predict", output);
    countNonFinite(rows);
    bytes.insert(bytes.end(), output.data.begin(),
                 output.data.begin() + static_cast<ptrdiff_t>(rows * rowBytes));
  }

  /// An inf may be meant (the score of what is masked), so this is no failure.
  void warnOfNonFinite(const Dataset &data, Terminal &terminal) const {
    if (!firstBadRow)
      return;
    std::string badData = data.describeNonFinite(&*firstBadRow, 1);
    terminal.warn(fmt::format(
        "output '{}': {} of {} values are not finite, the first in row {}\n  "
        "{}",
        output.info.name, nonFinite, bytes.size() / elementBytes, *firstBadRow,
        badData.empty() ? "what to do: --check-numerics names the first op "
                          "that is not finite"
                        : "the data: " + badData));
  }

  NpyArray finish(const Dataset &data) const {
    std::vector<int64_t> shape(output.info.shape,
                               output.info.shape + output.info.rank);
    shape[0] = shape[0] / static_cast<int64_t>(data.batch()) *
               static_cast<int64_t>(data.rows());
    return toNpy(output.info.name, output.info.dtype, shape, bytes.data());
  }

private:
  /// Of the first `rows` of a batch, before they are added.
  void countNonFinite(uint64_t rows) {
    uint64_t perRow = rowBytes / elementBytes;
    for (uint64_t i = 0; i < rows * perRow; ++i) {
      if (std::isfinite(output.element(i)))
        continue;
      if (nonFinite++ == 0)
        firstBadRow = bytes.size() / rowBytes + i / perRow;
    }
  }

  Output output;
  uint64_t rowBytes = 0, elementBytes = 0;
  uint64_t nonFinite = 0;
  std::optional<uint64_t> firstBadRow;
  std::vector<uint8_t> bytes;
};

} // namespace

int vernier::run::predict(const Options &options, Terminal &terminal) {
  Device device(options.device);
  Plan plan(options.plan);
  plan.requireEntry("predict");
  Dataset data(options.data, plan, "predict");
  if (data.rows() == 0)
    throw Failure(BadFile,
                  options.data + ": has no rows; there is nothing to predict");
  std::vector<Gathered> outputs;
  uint64_t bytes = 0;
  for (const TensorInfo &info : plan.outputs("predict")) {
    outputs.emplace_back(info, data);
    bytes += outputs.back().fileBytes(data);
  }
  requireWritable(options.output, bytes);
  requireMemory(plan, planMemory(plan, device), terminal);
  Session session(plan, device, 0);
  loadForInference(session, options, terminal);
  NumericsCheck check;
  if (options.checkNumerics)
    check.install(session);

  std::vector<uint64_t> rows(data.batch());
  for (uint64_t start = 0; start < data.rows(); start += data.batch()) {
    throwIfInterrupted();
    // The last batch is completed with rows that are dropped again.
    uint64_t real = std::min(data.batch(), data.rows() - start);
    for (uint64_t i = 0; i < data.batch(); ++i)
      rows[i] = start + i % real;
    data.feed(session, "predict", rows.data());
    check.reset();
    session.run("predict");
    if (check.found())
      throw Failure(Numeric, fmt::format("rows {} to {} of {}: {}", start,
                                         start + real - 1, data.path(),
                                         check.found()->describe()));
    for (Gathered &output : outputs)
      output.add(session, real);
  }

  std::vector<NpyArray> arrays;
  for (const Gathered &output : outputs)
    arrays.push_back(output.finish(data));
  try {
    writeNpz(options.output, arrays);
  } catch (const NpzError &error) {
    throw Failure(static_cast<ExitCode>(error.code()), error.what());
  }
  for (const Gathered &output : outputs)
    output.warnOfNonFinite(data, terminal);
  ResultLine line("ok");
  line.add("rows", data.rows());
  line.add("output", options.output);
  line.add("peak_bytes", session.memory().total_bytes);
  line.print();
  return Ok;
}
