//===- Metrics.cpp - The rows of metrics.csv
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Metrics.h"

#include "Failure.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <string_view>

using namespace vernier::run;

/// The columns of every plan, but the last.
static constexpr const char *columns =
    "step,epoch,loss,accuracy,learning_rate,grad_norm,loss_scale,skipped,"
    "eval_loss,eval_accuracy,clip_factor,";
static constexpr const char *lastColumn = "overflow\n";

/// Rows are written when they are this many.
static constexpr size_t bufferBytes = 4096;

namespace {

/// What stays of a file when a run goes on in it.
struct Kept {
  uint64_t bytes = 0;
  uint64_t step = 0; ///< of the last row
};

} // namespace

Measurement::Measurement() {
  loss = accuracy = learningRate = gradNorm = clipFactor = lossScale =
      evalLoss = evalAccuracy = std::numeric_limits<double>::quiet_NaN();
}

MetricsFile::MetricsFile() : header(std::string(columns) + lastColumn) {}

void MetricsFile::addColumns(const std::vector<std::string> &names) {
  header = columns;
  for (const std::string &name : names)
    header += name + ',';
  header += lastColumn;
  extraColumns = names.size();
}

MetricsFile::~MetricsFile() {
  flush();
  if (file >= 0)
    close(file);
}

static std::string describe(const std::string &path, const char *doing) {
  return fmt::format("{}: cannot {}: {}", path, doing, std::strerror(errno));
}

/// The step of a row, or nothing.
static std::optional<uint64_t> stepOf(std::string_view row) {
  uint64_t step = 0;
  auto [end, error] =
      std::from_chars(row.data(), row.data() + row.size(), step);
  if (error != std::errc() || end == row.data() + row.size() || *end != ',')
    return std::nullopt;
  return step;
}

[[noreturn]] static void refuse(const std::string &path) {
  throw Failure(BadFile, fmt::format("{}: is not a metrics file of this tool; "
                                     "give --log another file",
                                     path));
}

/// Metrics of an earlier run, perhaps of another version, are replaced; so is a
/// file that is empty or has half a header. Another file is not.
static void requireReplaceable(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  std::string line;
  std::getline(stream, line);
  std::string_view start = "step,epoch,loss,";
  if (stream.eof()) // no whole line
    start = start.substr(0, line.size());
  if (line.compare(0, start.size(), start) != 0)
    refuse(path);
}

/// The part of a file up to its last whole row with a step of at most
/// `resumeStep`.
static Kept rowsToKeep(const std::string &path, const std::string &header,
                       uint64_t resumeStep) {
  std::ifstream stream(path, std::ios::binary);
  std::string line;
  if (!std::getline(stream, line) || line + "\n" != header)
    refuse(path);
  Kept kept{header.size(), 0};
  while (std::getline(stream, line) && !stream.eof()) {
    std::optional<uint64_t> step = stepOf(line);
    if (!step || *step > resumeStep)
      break;
    kept.bytes += line.size() + 1;
    kept.step = *step;
  }
  return kept;
}

/// Those of `rows` that are of steps after `step`.
static std::string_view rowsAfter(uint64_t step, std::string_view rows) {
  while (!rows.empty() && stepOf(rows).value_or(0) <= step)
    rows.remove_prefix(std::min(rows.find('\n'), rows.size() - 1) + 1);
  return rows;
}

/// Open the file, shortened if the run goes on in it. Returns the step of its
/// last row.
uint64_t MetricsFile::openAfter(uint64_t resumeStep, bool goOn) {
  Kept kept;
  if (goOn)
    kept = rowsToKeep(path, header, resumeStep);
  if (goOn && truncate(path.c_str(), static_cast<off_t>(kept.bytes)) != 0)
    throw Failure(Resources, describe(path, "be shortened"));
  int mode = goOn ? O_APPEND : O_CREAT | O_TRUNC;
  file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | mode, 0666);
  if (file < 0)
    throw Failure(Resources, describe(path, "be opened for writing"));
  return kept.step;
}

/// Take the space of the first rows. What cannot tell is left to the first
/// write.
void MetricsFile::reserve() {
  off_t end = lseek(file, 0, SEEK_END);
  if (end < 0 || fallocate(file, FALLOC_FL_KEEP_SIZE, end, bufferBytes) == 0 ||
      (errno != ENOSPC && errno != EDQUOT && errno != EFBIG && errno != EIO))
    return;
  failure = describe(path, "be written");
}

void MetricsFile::open(const std::string &newPath, uint64_t resumeStep,
                       const std::string &missing) {
  path = newPath;
  rows.reserve(2 * bufferBytes); // then rows of steps allocate nothing
  // A pipe or device has no rows to keep.
  std::error_code ignored;
  bool exists = std::filesystem::is_regular_file(path, ignored);
  bool goOn = resumeStep > 0 && exists;
  if (exists && !goOn)
    requireReplaceable(path);
  uint64_t step = openAfter(resumeStep, goOn);
  rows = goOn ? "" : header;
  rows += rowsAfter(step, missing);
  flush();
  if (goOn && failure.empty())
    reserve();
  if (failure.empty())
    return;
  if (!goOn && std::filesystem::is_regular_file(path, ignored))
    std::filesystem::remove(path, ignored); // half a header
  throw Failure(Resources, failure);
}

void MetricsFile::add(const Measurement &row) {
  if (file < 0)
    return;
  // 9 digits name a float exactly.
  auto number = [&](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.9g,", value);
    rows += text;
  };
  auto optional = [&](double value) { // not measured is an empty field
    if (std::isnan(value))
      rows += ',';
    else
      number(value);
  };
  auto measured = [&](double value) {
    if (std::isnan(value))
      rows += "nan,";
    else
      number(value);
  };
  fmt::format_to(std::back_inserter(rows), "{},{},", row.step, row.epoch);
  measured(row.loss); // always
  optional(row.accuracy);
  optional(row.learningRate);
  optional(row.gradNorm);
  optional(row.lossScale);
  rows += row.skipped ? "1," : "0,";
  if (row.evaluated)
    measured(row.evalLoss);
  else
    optional(row.evalLoss);
  optional(row.evalAccuracy);
  optional(row.clipFactor);
  for (size_t i = 0; i < extraColumns; ++i)
    optional(row.extra[i]);
  rows += row.overflow;
  rows += '\n';
  if (rows.size() >= bufferBytes)
    flush();
}

/// Write all of `rows`, or as much as can be; false is a failure.
static bool writeAll(int file, std::string_view rows, size_t &written) {
  while (written < rows.size()) {
    ssize_t count = write(file, rows.data() + written, rows.size() - written);
    if (count > 0)
      written += static_cast<size_t>(count);
    else if (count == 0 || errno != EINTR)
      return false;
  }
  return true;
}

void MetricsFile::flush() {
  if (file < 0 || !failure.empty())
    return;
  size_t written = 0;
  if (writeAll(file, rows, written)) {
    rows.clear();
    return;
  }
  failure = describe(path, "be written");
  // Half a row goes; where it cannot, the next run passes over it.
  size_t whole = written == 0 ? 0 : rows.rfind('\n', written - 1) + 1;
  off_t end = lseek(file, 0, SEEK_CUR);
  if (end >= 0 && written > whole)
    (void)!ftruncate(file, end - static_cast<off_t>(written - whole));
  rows.erase(0, whole);
}
