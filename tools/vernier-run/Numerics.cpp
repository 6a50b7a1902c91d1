//===- Numerics.cpp - Finds the first op with an inf or NaN
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Numerics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace vernier::run;

static std::string describeRange(const Spread &spread) {
  return fmt::format("[{:.6g}, {:.6g}]", spread.low, spread.high);
}

static std::string describeInput(const Finding::Input &input) {
  std::string text = fmt::format("\n    input {}: {}", input.name, input.type);
  if (!input.spread)
    return text + ", overwritten by the result";
  const Spread &spread = *input.spread;
  if (spread.nans + spread.infinities == 0)
    return text + ", in " + describeRange(spread);
  text += fmt::format(", {} NaN, {} inf", spread.nans, spread.infinities);
  return spread.nans + spread.infinities == spread.elements
             ? text + ", no value is finite"
             : text + ", the others in " + describeRange(spread);
}

std::string Finding::describeCause() const {
  std::string text;
  for (const Input &input : inputs)
    if (uint64_t bad =
            input.spread ? input.spread->nans + input.spread->infinities : 0)
      text += fmt::format("'{}' holds {} value{} not finite; ", input.name, bad,
                          bad == 1 ? " that is" : "s that are");
  return text;
}

/// What a kernel computes between its ops is not seen: any of them may be it.
std::string Finding::describeOp() const {
  if (sources.empty())
    return title;
  std::string text = "the kernel of ";
  for (size_t i = 0; i < sources.size(); ++i)
    text += (i ? ", " : "") + sources[i];
  return text;
}

std::string Finding::describe() const {
  std::string text = fmt::format(
      "{}first non-finite result: {} (call {} of {}): {} NaN, {} inf among {} "
      "elements of {}, ",
      describeCause(), describeOp(), call, entry, spread.nans,
      spread.infinities, spread.elements, type);
  text += spread.nans + spread.infinities == spread.elements
              ? "no value is finite"
              : "the others in " + describeRange(spread);
  for (const Input &input : inputs)
    text += describeInput(input);
  return text;
}

void NumericsCheck::install(Session &session) {
  auto observer = [](void *context, const vernier_observation_t *observation) {
    static_cast<NumericsCheck *>(context)->observe(*observation);
  };
  vernier_session_set_observer(session.get(), observer, this);
}

/// The 16 or 32 bits whose exponent is all ones, for a fast first look.
static bool hasNonFinite(const TensorInfo &info, const void *data,
                         uint64_t count) {
  if (info.dtype == VERNIER_F32) {
    const auto *words = static_cast<const uint32_t *>(data);
    return std::any_of(words, words + count, [](uint32_t word) {
      return (word & 0x7f800000) == 0x7f800000;
    });
  }
  uint16_t mask = info.dtype == VERNIER_BF16 ? 0x7f80 : 0x7c00;
  const auto *words = static_cast<const uint16_t *>(data);
  return std::any_of(words, words + count,
                     [mask](uint16_t word) { return (word & mask) == mask; });
}

static bool isFloat(vernier_dtype_t dtype) {
  return dtype == VERNIER_F32 || dtype == VERNIER_BF16 || dtype == VERNIER_F16;
}

static Spread measure(const vernier_observed_tensor_t &tensor) {
  Spread spread;
  spread.elements = elementCount(tensor.info);
  spread.low = std::numeric_limits<double>::infinity();
  spread.high = -spread.low;
  for (uint64_t i = 0; i < spread.elements; ++i) {
    double value = elementOf(tensor.data, tensor.info.dtype, i);
    if (std::isnan(value)) {
      ++spread.nans;
    } else if (std::isinf(value)) {
      ++spread.infinities;
    } else {
      spread.low = std::min(spread.low, value);
      spread.high = std::max(spread.high, value);
    }
  }
  return spread;
}

void NumericsCheck::observe(const vernier_observation_t &observation) {
  if (finding)
    return;
  const auto *end = observation.results + observation.result_count;
  const auto *bad = std::find_if(
      observation.results, end, [](const vernier_observed_tensor_t &result) {
        return isFloat(result.info.dtype) &&
               hasNonFinite(result.info, result.data,
                            elementCount(result.info));
      });
  if (bad == end)
    return;
  finding.emplace();
  finding->entry = observation.entry;
  finding->title = observation.title;
  finding->location = observation.location;
  finding->sources.assign(observation.sources,
                          observation.sources + observation.source_count);
  finding->call = observation.index;
  finding->type = run::describe(bad->info);
  finding->spread = measure(*bad);
  for (size_t i = 0; i < observation.input_count; ++i) {
    const vernier_observed_tensor_t &input = observation.inputs[i];
    std::optional<Spread> spread;
    if (!input.overwritten)
      spread = measure(input);
    finding->inputs.push_back(
        {input.info.name, run::describe(input.info), spread});
  }
}
