//===- NumericsProfileJson.cpp - Writes profiles
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/Profiles.md describes the file. What cannot be known is null or left
// out: JSON has no NaN.
//
//===----------------------------------------------------------------------===//

#include "NumericsProfile.h"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace vernier;
using namespace vernier::run;

using Json = nlohmann::ordered_json;

/// Raised when a reader of an older version would misunderstand the file.
static constexpr int schemaVersion = 2;

static double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

static Json formatsJson(const TensorStatistics &statistics,
                        uint64_t finiteNonZero) {
  Json json = Json::object();
  auto all = static_cast<double>(finiteNonZero);
  for (size_t i = 0; i < kFormatCount; ++i) {
    const FormatLoss &loss = statistics.losses[i];
    json[kFormatNames[i]] = {
        {"to_zero", ratio(static_cast<double>(loss.toZero), all)},
        {"subnormal", ratio(static_cast<double>(loss.subnormal), all)},
        {"overflow", ratio(static_cast<double>(loss.overflow), all)},
        {"relative_error",
         std::sqrt(ratio(loss.squaredError, statistics.squares))}};
  }
  return json;
}

/// The exponents that occur, from the least to the greatest.
static Json exponentsJson(const TensorStatistics &statistics) {
  const auto &counts = statistics.exponents;
  auto isThere = [](uint64_t count) { return count > 0; };
  auto first = std::find_if(counts.begin(), counts.end(), isThere);
  if (first == counts.end())
    return nullptr;
  auto last = std::find_if(counts.rbegin(), counts.rend(), isThere).base();
  return {{"first", first - counts.begin() - 127},
          {"counts", std::vector<uint64_t>(first, last)}};
}

static Json tensorJson(const TensorRecord &tensor) {
  const TensorStatistics &statistics = tensor.statistics;
  uint64_t finiteNonZero = 0, size = 1;
  for (uint64_t count : statistics.exponents)
    finiteNonZero += count;
  for (int64_t extent : tensor.shape)
    size *= static_cast<uint64_t>(extent);
  auto counted = static_cast<double>(statistics.zeros + finiteNonZero);
  bool isThere = statistics.greatest > 0;
  Json json = {{"name", tensor.name},
               {"role", tensor.origin.role},
               {"op", tensor.origin.op},
               {"identity", tensor.origin.identity},
               {"location", tensor.origin.location},
               {"dtype", dtypeName(tensor.dtype)},
               {"shape", tensor.shape},
               {"elements", statistics.elements},
               {"inf", statistics.infinities},
               {"nan", statistics.nans}};
  json["max_exponent"] =
      isThere ? Json(std::ilogb(statistics.greatest)) : Json(nullptr);
  json["min_exponent"] =
      isThere ? Json(std::ilogb(statistics.smallest)) : Json(nullptr);
  json["max_magnitude"] = statistics.greatest;
  json["min_magnitude"] = isThere ? Json(statistics.smallest) : Json(nullptr);
  json["stride"] = TensorCounter::getStride(size);
  json["counted"] = statistics.counted;
  json["zeros"] = statistics.zeros;
  json["mean"] = ratio(statistics.sum, counted);
  json["rms"] = std::sqrt(ratio(statistics.squares, counted));
  json["exponents"] = exponentsJson(statistics);
  json["formats"] = formatsJson(statistics, finiteNonZero);
  return json;
}

static Json productJson(const ProductRecord &product) {
  const ProductStatistics &statistics = product.statistics;
  auto results = static_cast<double>(statistics.results);
  Json json = {{"role", product.origin.role},
               {"op", product.origin.op},
               {"identity", product.origin.identity},
               {"location", product.origin.location}};
  if (!product.origin.parameter.empty())
    json["parameter"] = product.origin.parameter;
  json["lhs"] = product.lhs;
  json["rhs"] = product.rhs;
  json["result"] = product.result;
  json["results"] = statistics.results;
  json["terms_rms"] = std::sqrt(ratio(statistics.squaredTerms, results));
  json["result_rms"] = std::sqrt(ratio(statistics.squaredResults, results));
  return json;
}

/// What tells a model from others: parameters and inputs with their shapes.
static Json modelJson(const Plan &plan) {
  const schema::Plan &contents = plan.contents();
  Json parameters = Json::object(), inputs = Json::object();
  for (const schema::State *state : *contents.states())
    if (state->role() == schema::Role::parameter ||
        state->role() == schema::Role::frozen)
      parameters[state->name()->str()] =
          std::vector<int64_t>(state->shape()->begin(), state->shape()->end());
  for (const TensorInfo &info : plan.inputs("step"))
    inputs[info.name] =
        std::vector<int64_t>(info.shape, info.shape + info.rank);
  return {{"name", contents.model() ? contents.model()->str() : ""},
          {"parameters", parameters},
          {"inputs", inputs}};
}

/// Paths of models, as locations hold them, need not be UTF-8.
static std::string dump(const Json &json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string NumericsRecord::toJson(const Plan &plan) const {
  Json json = {{"schema", schemaVersion},
               {"producer", "vernier-run train --profile-numerics"},
               {"model", modelJson(plan)},
               {"plan_options", Json::object()},
               {"every", every},
               {"sampled_steps", sampledSteps},
               {"first_step", firstStep},
               {"last_step", lastStep},
               {"skipped_steps", skippedSteps}};
  if (const auto *options = plan.contents().options())
    for (const schema::KeyValue *option : *options)
      json["plan_options"][option->key()->str()] =
          option->value() ? option->value()->str() : "";
  json["mean_loss_magnitude"] =
      finiteLosses ? Json(lossMagnitudes / static_cast<double>(finiteLosses))
                   : Json(nullptr);
  json["tensors"] = Json::array();
  for (const TensorRecord &tensor : tensors)
    json["tensors"].push_back(tensorJson(tensor));
  json["products"] = Json::array();
  for (const ProductRecord &product : products)
    json["products"].push_back(productJson(product));
  // A line for each tensor and product: a profile is read by people, too.
  std::string text = "{\n";
  for (const auto &[key, value] : json.items()) {
    text += text.size() > 2 ? ",\n" : "";
    text += dump(key) + ": ";
    if (!value.is_array()) {
      text += dump(value);
      continue;
    }
    text += "[";
    for (size_t i = 0; i < value.size(); ++i)
      text += (i ? ",\n " : "\n ") + dump(value[i]);
    text += "\n]";
  }
  return text + "\n}\n";
}
