//===- Report.cpp - What is said before and after a run
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "Init.h"
#include "Precision.h"

#include <algorithm>

using namespace vernier;
using namespace vernier::run;

void vernier::run::printTable(
    Terminal &terminal, const std::string &title,
    const std::vector<std::pair<std::string, std::string>> &rows) {
  size_t width = 0;
  for (const auto &[name, value] : rows)
    width = std::max(width, name.size());
  terminal.printTitle(title);
  for (const auto &[name, value] : rows)
    terminal.print(fmt::format("  {:<{}}  {}", name, width, value));
}

std::vector<std::pair<std::string, std::string>>
vernier::run::planRows(const Plan &plan, const std::string &path) {
  const schema::Plan &contents = plan.contents();
  std::vector<std::pair<std::string, std::string>> rows = {
      {"plan", path},
      {"model", contents.model() ? contents.model()->str() : "-"},
      {"target", contents.target()->str()},
  };
  if (const auto *options = contents.options())
    for (const schema::KeyValue *option : *options)
      if (option->key()->str() != "target") // already there, as resolved
        rows.push_back({option->key()->str(),
                        option->value() ? option->value()->str() : ""});
  return rows;
}

void vernier::run::printMemoryAndPrecision(Terminal &terminal, const Plan &plan,
                                           const MemoryPlan &memory) {
  terminal.printTitle("memory plan");
  for (const std::string &line : memoryTable(memory, terminal))
    terminal.print(line);
  std::string precision = precisionSummary(plan);
  if (!precision.empty())
    terminal.printTitle("precision", "  " + precision);
}

void vernier::run::loadForInference(Session &session, const Options &options,
                                    Terminal &terminal) {
  if (!options.init.empty())
    return initWeights(session, options, terminal);
  if (options.resume.empty()) {
    terminal.warn("no --resume FOLDER and no --init FILE: using the model's "
                  "initial values");
    return;
  }
  Loaded loaded = session.loadForInference(options.resume);
  if (!loaded.note.empty())
    terminal.warn(loaded.note);
  terminal.print(
      fmt::format("loaded step {} from {}", loaded.step, options.resume));
}
