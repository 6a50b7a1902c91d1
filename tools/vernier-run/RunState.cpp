//===- RunState.cpp - What a checkpoint knows about the run
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunState.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <limits>

using namespace vernier::run;

using Json = nlohmann::ordered_json;

RunState::RunState() : loss(std::numeric_limits<double>::quiet_NaN()) {}

std::string RunState::toJson(const Dataset &data) const {
  uint64_t stepsPerEpoch = data.rows() / (data.batch() * microBatches);
  Json json = {{"tool", "vernier-run train"},
               {"seed", seed},
               {"epoch", dataStep() / stepsPerEpoch},
               {"batch_in_epoch", dataStep() % stepsPerEpoch * microBatches},
               {"batch", data.batch()},
               {"micro_batches", microBatches},
               {"rows", data.rows()},
               {"data", data.fingerprint()},
               {"skipped", skipped},
               {"skipped_in_a_row", skippedInARow},
               {"not_finite", notFinite},
               {"not_finite_in_a_row", notFiniteInARow},
               {"clipped", clipped},
               {"correct", correct},
               {"counted", counted}};
  if (dataOffset)
    json["data_offset"] = dataOffset;
  json["loss"] = std::isfinite(loss) ? Json(loss) : Json(nullptr);
  if (!missingRows.empty())
    json["log_rows"] = missingRows;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void RunState::restore(const std::string &text, uint64_t checkpointStep,
                       const Dataset &data, const Options &options) {
  const std::string &folder = options.resume;
  auto number = [&](const Json &json, const char *key) -> uint64_t {
    auto found = json.find(key);
    if (found == json.end() || !found->is_number_unsigned())
      throw Failure(
          BadFile,
          fmt::format("{}: the checkpoint of step {} does not say its '{}', so "
                      "training cannot go on from it; it was not written by "
                      "vernier-run train",
                      folder, checkpointStep, key));
    return found->get<uint64_t>();
  };
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    json = Json::object();
  step = checkpointStep;
  seed = number(json, "seed");
  skipped = number(json, "skipped");
  skippedInARow = number(json, "skipped_in_a_row");
  correct = number(json, "correct");
  counted = number(json, "counted");
  // Versions before did not count these.
  notFinite = json.value("not_finite", uint64_t(0));
  notFiniteInARow = json.value("not_finite_in_a_row", uint64_t(0));
  clipped = json.value("clipped", uint64_t(0));
  uint64_t batch = number(json, "batch"), rows = number(json, "rows");
  Json value = json.value("loss", Json(nullptr));
  loss = value.is_number() ? value.get<double>()
                           : std::numeric_limits<double>::quiet_NaN();
  Json offset = json.value("data_offset", Json(0));
  dataOffset = offset.is_number_integer() ? offset.get<int64_t>() : 0;
  Json rowsOfLog = json.value("log_rows", Json(nullptr));
  missingRows = rowsOfLog.is_string() ? rowsOfLog.get<std::string>() : "";

  if (options.seed && *options.seed != seed)
    throw Failure(
        Usage,
        fmt::format(
            "--seed {} differs from the seed of the checkpoint in {}, {}; "
            "leave --seed out to go on with that run",
            *options.seed, folder, seed));
  if (batch != data.batch())
    throw Failure(
        BadFile,
        fmt::format(
            "the checkpoint in {0} is of a run with batches of {1} rows, but "
            "the plan has batches of {2}; resume with the plan of that run, or "
            "start from its weights with --init {0}",
            folder, batch, data.batch()));
  Json fingerprint = json.value("data", Json(nullptr));
  if (rows != data.rows() || fingerprint != data.fingerprint())
    throw Failure(
        BadFile,
        fmt::format(
            "{0}: is not the data of the run in {1} ({2} rows, fingerprint "
            "{3}; this has {4} rows, fingerprint {5}); give the same data, or "
            "start from its weights with --init {1}",
            data.path(), folder, rows,
            fingerprint.is_string() ? fingerprint.get<std::string>() : "?",
            data.rows(), data.fingerprint()));
  uint64_t itsMicroBatches = json.value("micro_batches", uint64_t(1));
  if (itsMicroBatches != microBatches)
    changeWindows(itsMicroBatches, data, options);
}

void RunState::changeWindows(uint64_t itsMicroBatches, const Dataset &data,
                             const Options &options) {
  uint64_t batches = data.rows() / data.batch();
  uint64_t itsPerEpoch = itsMicroBatches ? batches / itsMicroBatches : 0;
  uint64_t perEpoch = batches / microBatches;
  if (itsPerEpoch == 0)
    throw Failure(BadFile,
                  fmt::format("the checkpoint in {} says {} micro-batches in a "
                              "step, of {} batches of data; it was not written "
                              "by vernier-run train",
                              options.resume, itsMicroBatches, batches));
  uint64_t epoch = dataStep() / itsPerEpoch;
  uint64_t done = dataStep() % itsPerEpoch * itsMicroBatches;
  // Only whole windows: each row is read once in an epoch.
  if (done % microBatches || done / microBatches > perEpoch)
    throw Failure(
        BadFile,
        fmt::format("the checkpoint in {0} is {1} batches into an epoch, which "
                    "are no whole windows of {2}; resume one of the end of an "
                    "epoch, or start from its weights with --init {0}",
                    options.resume, done, microBatches));
  dataOffset =
      static_cast<int64_t>(epoch * perEpoch + done / microBatches - step);
}

std::optional<uint64_t>
vernier::run::newestCheckpoint(const std::string &directory) {
  std::optional<uint64_t> newest;
  std::error_code error;
  for (const auto &child :
       std::filesystem::directory_iterator(directory, error)) {
    std::string name = child.path().filename().string();
    char *end = nullptr;
    if (name.rfind("step-", 0) != 0)
      continue;
    uint64_t step = std::strtoull(name.c_str() + 5, &end, 10);
    if (end != name.c_str() + 5 && *end == '\0')
      newest = std::max(newest.value_or(0), step);
  }
  return newest;
}

bool vernier::run::sameFolder(const std::string &a, const std::string &b) {
  std::error_code error; // of a folder that is not there: not the same
  return a == b || std::filesystem::equivalent(a, b, error);
}
