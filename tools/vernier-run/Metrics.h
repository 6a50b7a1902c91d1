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
#include <string>
#include <vector>

namespace vernier::run {

/// What one step was; NaN fields were not measured and stay empty.
struct Measurement {
  uint64_t step = 0;  ///< from 1
  uint64_t epoch = 0; ///< from 1
  double loss, accuracy, learningRate, lossScale;
  double gradNorm;   ///< of all gradients, before they are clipped
  double clipFactor; ///< they are multiplied by this
  bool isClipped = false;
  const double *extra = nullptr; ///< values of the further columns
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
  MetricsFile();
  ~MetricsFile();
  MetricsFile(const MetricsFile &) = delete;

  /// Add columns in front of the last one, before the file is opened.
  void addColumns(const std::vector<std::string> &names);
  /// Start the file anew, or with `resumeStep` > 0 drop the rows after that
  /// step and go on. `missing` are the rows up to it that the run before could
  /// not write. Throws a Failure.
  void open(const std::string &path, uint64_t resumeStep,
            const std::string &missing);
  void add(const Measurement &row);
  /// Hand the rows to the system. After a failure, which `problem` tells, the
  /// file ends at its last whole row and nothing more is written to it.
  void flush();

  /// Why rows cannot be written; "" as long as they can.
  const std::string &problem() const { return failure; }
  /// The rows that are not in the file.
  const std::string &unwritten() const { return rows; }

private:
  uint64_t openAfter(uint64_t resumeStep, bool goOn);
  void reserve();

  std::string path, failure;
  std::string header;
  size_t extraColumns = 0;
  std::string rows; ///< whole ones, to be written
  int file = -1;
};

} // namespace vernier::run

#endif // VERNIER_RUN_METRICS_H
