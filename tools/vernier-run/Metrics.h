//===- Metrics.h - The rows of metrics.csv
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_METRICS_H
#define VERNIER_RUN_METRICS_H

#include <cstdint>
#include <cstdio>
#include <string>

namespace vernier::run {

/// What one step was; NaN fields were not measured and stay empty.
struct Measurement {
  uint64_t step = 0;  ///< from 1
  uint64_t epoch = 0; ///< from 1
  double loss, accuracy, learningRate, gradNorm, lossScale;
  bool skipped = false;
  bool evaluated = false; ///< after this step
  double evalLoss, evalAccuracy;
  const char *overflow = ""; ///< parameter whose gradient made it be skipped
  Measurement();
};

/// A CSV file with a row for each step. Rows hold no times, so that the file of
/// a resumed run equals that of a run that never stopped.
class MetricsFile {
public:
  MetricsFile() = default;
  ~MetricsFile();
  MetricsFile(const MetricsFile &) = delete;

  /// Start the file anew, or with `resumeStep` > 0 drop the rows after that
  /// step and go on. Throws a Failure.
  void open(const std::string &path, uint64_t resumeStep);
  void add(const Measurement &row);
  /// Hand the rows to the system; throws a Failure if they cannot be written.
  void flush();

private:
  std::string path;
  FILE *file = nullptr;
};

} // namespace vernier::run

#endif // VERNIER_RUN_METRICS_H
