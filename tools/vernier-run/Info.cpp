//===- Info.cpp - Describes a plan
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"
#include "Precision.h"
#include "Report.h"
#include "Verbs.h"

#include "vernier/Runtime/Printable.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace vernier;
using namespace vernier::run;

using Json = nlohmann::ordered_json;

namespace {

Json tensorJson(const TensorInfo &info) {
  Json json = {
      {"name", info.name},
      {"dtype", dtypeName(info.dtype)},
      {"shape", std::vector<int64_t>(info.shape, info.shape + info.rank)}};
  if (info.classes > 0)
    json["classes"] = info.classes;
  return json;
}

Json entryJson(const Plan &plan, const schema::Entry &entry) {
  std::string name = entry.name()->str();
  Json json = {
      {"name", name}, {"inputs", Json::array()}, {"outputs", Json::array()}};
  for (const TensorInfo &info : plan.inputs(name))
    json["inputs"].push_back(tensorJson(info));
  for (const TensorInfo &info : plan.outputs(name))
    json["outputs"].push_back(tensorJson(info));
  json["calls"] = entry.calls()->size();
  json["arena_bytes"] = entry.arena_bytes();
  json["saved_bytes"] = entry.saved_bytes();
  return json;
}

Json stateJson(const schema::State &state) {
  auto extents = [](const flatbuffers::Vector<int64_t> &shape) {
    return std::vector<int64_t>(shape.begin(), shape.end());
  };
  Json json = {{"name", state.name()->str()},
               {"role", schema::EnumNameRole(state.role())},
               {"dtype", schema::EnumNameDType(state.dtype())},
               {"shape", extents(*state.shape())}};
  if (state.padded_shape())
    json["padded_shape"] = extents(*state.padded_shape());
  return json;
}

Json planJson(const Plan &plan, const std::string &path,
              const MemoryPlan &memory) {
  const schema::Plan &contents = plan.contents();
  Json json = {
      {"plan", path},
      {"digest", vernier_plan_digest(plan.get())},
      {"model", contents.model() ? contents.model()->str() : ""},
      {"producer", contents.producer() ? contents.producer()->str() : ""},
      {"target", contents.target()->str()},
      {"options", Json::object()},
      {"entries", Json::array()},
      {"states", Json::array()}};
  if (contents.options())
    for (const schema::KeyValue *option : *contents.options())
      json["options"][option->key()->str()] =
          option->value() ? option->value()->str() : "";
  for (const schema::Entry *entry : *contents.entries())
    json["entries"].push_back(entryJson(plan, *entry));
  for (const schema::State *state : *contents.states())
    json["states"].push_back(stateJson(*state));
  json["memory"] = {
      {"parameters", memory.parameters}, {"optimizer", memory.optimizer},
      {"copies", memory.copies},         {"saved", memory.saved},
      {"workspace", memory.workspace},   {"inputs_outputs", memory.staging},
      {"other", memory.other},           {"device", memory.device},
      {"total", memory.total()}};
  json["precision"] = Json::array();
  for (const PrecisionShare &share : precisionShares(plan))
    json["precision"].push_back(
        {{"type", share.type}, {"ops", share.ops}, {"flops", share.flops}});
  return json;
}

/// Print to stdout; names and texts of the plan must not reach a terminal as
/// they are.
template <typename... Args>
void printLine(fmt::format_string<Args...> format, Args &&...args) {
  std::string line = fmt::format(format, std::forward<Args>(args)...);
  fmt::print("{}\n", toPrintable(line, Lines::escaped));
}

void printTensors(const char *direction, const std::vector<TensorInfo> &infos) {
  for (const TensorInfo &info : infos)
    printLine("    {:<3} {:<16} {}{}", direction, info.name, describe(info),
              info.classes > 0
                  ? fmt::format(", classes 0..{}", info.classes - 1)
                  : "");
}

void printText(const Plan &plan, const std::string &path,
               const MemoryPlan &memory, const Terminal &terminal) {
  for (const auto &[name, value] : planRows(plan, path))
    printLine("{:<18} {}", name, value);
  printLine("{:<18} {}", "digest", vernier_plan_digest(plan.get()));
  fmt::print("\nentries\n");
  for (const schema::Entry *entry : *plan.contents().entries()) {
    std::string name = entry->name()->str();
    printLine("  {} ({} calls)", name, entry->calls()->size());
    printTensors("in", plan.inputs(name));
    printTensors("out", plan.outputs(name));
  }
  fmt::print("\nstates\n");
  for (const schema::State *state : *plan.contents().states()) {
    std::string shape;
    for (int64_t extent : *state->shape())
      shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
    printLine("  {:<10} {:<24} {} ({})", schema::EnumNameRole(state->role()),
              state->name()->c_str(), schema::EnumNameDType(state->dtype()),
              shape);
  }
  fmt::print("\nmemory\n");
  for (const std::string &line : memoryTable(memory, terminal))
    printLine("{}", line);
  std::string precision = precisionSummary(plan);
  if (!precision.empty())
    fmt::print("\n"), printLine("precision          {}", precision);
}

} // namespace

int vernier::run::info(const Options &options, Terminal &terminal) {
  Plan plan(options.plan, Plan::Use::describe);
  if (vernier_status_t here = vernier_plan_check_machine(plan.get());
      here.code != VERNIER_OK)
    terminal.warn(fmt::format("not for this machine, whose work space is not "
                              "in the memory below: {}",
                              here.message));
  MemoryPlan memory = planMemory(plan, Device(options.device));
  if (options.json)
    fmt::print("{}\n", planJson(plan, options.plan, memory)
                           .dump(2, ' ', /*ensure_ascii=*/true,
                                 Json::error_handler_t::replace));
  else
    printText(plan, options.plan, memory, terminal);
  return Ok;
}
