//===- Report.h - What is said before and after a run
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_REPORT_H
#define VERNIER_RUN_REPORT_H

#include "Memory.h"
#include "Options.h"
#include "Runtime.h"
#include "Terminal.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <utility>

namespace vernier::run {

/// A table of names and values on stderr, with a title.
void printTable(Terminal &terminal, const std::string &title,
                const std::vector<std::pair<std::string, std::string>> &rows);

/// The plan's own lines of such a table: file, model, target, compile options.
std::vector<std::pair<std::string, std::string>>
planRows(const Plan &plan, const std::string &path);

/// Memory plan and precision summary.
void printMemoryAndPrecision(Terminal &terminal, const Plan &plan,
                             const MemoryPlan &memory);

/// Load --resume or --init for a verb that only reads states, or warn that the
/// initial values are used.
void loadForInference(Session &session, const Options &options,
                      Terminal &terminal);

/// 9 digits, which name a float exactly; a NaN has no sign.
inline std::string numberText(double value) {
  return std::isnan(value) ? "nan" : fmt::format("{:.9g}", value);
}

/// The last line on stdout: RESULT ok key=value ...
class ResultLine {
public:
  explicit ResultLine(const char *outcome)
      : text(fmt::format("RESULT {}", outcome)) {}
  /// Fields alone, for the line of a Failure.
  ResultLine() = default;

  template <typename T> void add(const char *key, const T &value) {
    text += fmt::format(" {}={}", key, value);
  }
  void addNumber(const char *key, double value) { add(key, numberText(value)); }
  void addIfMeasured(const char *key, double value) {
    if (!std::isnan(value))
      addNumber(key, value);
  }
  void print() const { std::puts(text.c_str()); }
  const std::string &str() const { return text; }

private:
  std::string text;
};

} // namespace vernier::run

#endif // VERNIER_RUN_REPORT_H
