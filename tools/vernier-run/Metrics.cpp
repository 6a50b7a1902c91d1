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

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

using namespace vernier::run;

static constexpr const char *header =
    "step,epoch,loss,accuracy,learning_rate,grad_norm,loss_scale,skipped,"
    "eval_loss,eval_accuracy,overflow\n";

Measurement::Measurement() {
  loss = accuracy = learningRate = gradNorm = lossScale = evalLoss =
      evalAccuracy = std::numeric_limits<double>::quiet_NaN();
}

MetricsFile::~MetricsFile() {
  if (file)
    std::fclose(file);
}

[[noreturn]] static void fail(const std::string &path, const char *doing) {
  throw Failure(Resources, fmt::format("{}: cannot {}: {}", path, doing,
                                       std::strerror(errno)));
}

/// The length of the file up to the last whole row with a step of at most
/// `resumeStep`.
static uint64_t bytesToKeep(const std::string &path, uint64_t resumeStep) {
  std::ifstream stream(path, std::ios::binary);
  std::string line;
  if (!std::getline(stream, line) || line + "\n" != header)
    throw Failure(BadFile,
                  fmt::format("{}: is not a metrics file of this tool; "
                              "give --log another file",
                              path));
  uint64_t keep = std::strlen(header);
  while (std::getline(stream, line) && !stream.eof()) {
    char *end = nullptr;
    uint64_t step = std::strtoull(line.c_str(), &end, 10);
    if (end == line.c_str() || *end != ',' || step > resumeStep)
      break;
    keep += line.size() + 1;
  }
  return keep;
}

void MetricsFile::open(const std::string &newPath, uint64_t resumeStep) {
  path = newPath;
  // A pipe or device has no rows to keep.
  std::error_code ignored;
  bool goOn = resumeStep > 0 && std::filesystem::is_regular_file(path, ignored);
  if (goOn && truncate(path.c_str(),
                       static_cast<off_t>(bytesToKeep(path, resumeStep))) != 0)
    fail(path, "be shortened");
  file = std::fopen(path.c_str(), goOn ? "a" : "w");
  if (!file)
    fail(path, "be opened for writing");
  if (goOn)
    return;
  std::fputs(header, file);
  try {
    flush();
  } catch (const Failure &) {
    if (std::filesystem::is_regular_file(path, ignored))
      std::filesystem::remove(path, ignored); // half a header
    throw;
  }
}

void MetricsFile::add(const Measurement &row) {
  if (!file)
    return;
  // 9 digits name a float exactly; not measured is an empty field.
  auto field = [&](double value, char separator) {
    if (std::isnan(value))
      std::fputc(separator, file);
    else
      std::fprintf(file, "%.9g%c", value, separator);
  };
  std::fprintf(file, "%llu,%llu,", static_cast<unsigned long long>(row.step),
               static_cast<unsigned long long>(row.epoch));
  auto measured = [&](double value) {
    if (std::isnan(value))
      std::fputs("nan,", file);
    else
      field(value, ',');
  };
  measured(row.loss); // always
  field(row.accuracy, ',');
  field(row.learningRate, ',');
  field(row.gradNorm, ',');
  field(row.lossScale, ',');
  std::fprintf(file, "%d,", row.skipped ? 1 : 0);
  if (row.evaluated)
    measured(row.evalLoss);
  else
    field(row.evalLoss, ',');
  field(row.evalAccuracy, ',');
  std::fprintf(file, "%s\n", row.overflow);
}

void MetricsFile::flush() {
  if (file && (std::fflush(file) != 0 || std::ferror(file)))
    fail(path, "be written");
}
