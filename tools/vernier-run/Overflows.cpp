//===- Overflows.cpp - Whose gradients overflow
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Overflows.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

using namespace vernier::run;

std::optional<Overflows> Overflows::find(const Plan &plan) {
  std::optional<Output> index = findOutput(plan, "step", "first_overflow");
  for (const schema::State *state : *plan.contents().states())
    if (index && state->name()->str() == "amp.overflows" && state->labels()) {
      Overflows overflows;
      overflows.state = state;
      overflows.index = std::move(*index);
      return overflows;
    }
  return std::nullopt;
}

const char *Overflows::readStep(Session &session) {
  session.read("step", index);
  double at = index.element();
  return at >= 0 && at < state->labels()->size()
             ? state->labels()->Get(static_cast<uint32_t>(at))->c_str()
             : "";
}

std::string Overflows::describe(Session &session, const char *indent) {
  std::vector<int32_t> counts(state->labels()->size());
  check(vernier_session_get_state(session.get(), "amp.overflows", counts.data(),
                                  counts.size() * sizeof counts.front()));
  int64_t first = session.readCounter("amp.first_overflow");
  if (first < 0 || first >= static_cast<int64_t>(counts.size()))
    return "";
  auto nameOf = [&](int64_t i) {
    return state->labels()->Get(static_cast<uint32_t>(i))->str();
  };
  auto most = std::max_element(counts.begin(), counts.end());
  return fmt::format(
      "{}skipped steps: the gradient of '{}' was the first that was not "
      "finite, "
      "in step {}; most often it was that of '{}', {} of {} times",
      indent, nameOf(first), session.readCounter("amp.first_overflow_step"),
      nameOf(most - counts.begin()), *most,
      std::accumulate(counts.begin(), counts.end(), int64_t(0)));
}
