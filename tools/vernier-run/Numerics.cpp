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

std::string Finding::describe() const {
  std::string range =
      nans + infinities == elements
          ? "no value is finite"
          : fmt::format("the others in [{:.6g}, {:.6g}]", low, high);
  return fmt::format("{} at {}: {} NaN, {} inf among {} elements of {}, {}", op,
                     location.empty() ? "an unknown place" : location, nans,
                     infinities, elements, type, range);
}

void NumericsCheck::install(Session &session) {
  vernier_session_set_observer(session.get(), observe, this);
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

void NumericsCheck::observe(void *context, const char *name,
                            const char *location, const TensorInfo *result,
                            const void *data) {
  auto &check = *static_cast<NumericsCheck *>(context);
  bool isFloat = result->dtype == VERNIER_F32 ||
                 result->dtype == VERNIER_BF16 || result->dtype == VERNIER_F16;
  uint64_t count = elementCount(*result);
  if (check.finding || !isFloat || !hasNonFinite(*result, data, count))
    return;
  Finding finding;
  finding.op = name ? name : "an op";
  finding.location = location ? location : "";
  finding.type = run::describe(*result);
  finding.elements = count;
  finding.low = std::numeric_limits<double>::infinity();
  finding.high = -finding.low;
  for (uint64_t i = 0; i < count; ++i) {
    double value = elementOf(data, result->dtype, i);
    if (std::isnan(value)) {
      ++finding.nans;
    } else if (std::isinf(value)) {
      ++finding.infinities;
    } else {
      finding.low = std::min(finding.low, value);
      finding.high = std::max(finding.high, value);
    }
  }
  check.finding = std::move(finding);
}
