//===- Rerun.cpp - Runs a step again to find what made it not finite
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rerun.h"

#include <algorithm>
#include <cmath>

using namespace vernier::run;

/// Whether what `step` is fed can be fed to `loss`.
static bool takesSameData(const Plan &plan) {
  if (!plan.entry("loss"))
    return false;
  std::vector<TensorInfo> ours = plan.inputs("step"),
                          theirs = plan.inputs("loss");
  return std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                    [](const TensorInfo &a, const TensorInfo &b) {
                      return std::string(a.name) == b.name &&
                             a.bytes == b.bytes;
                    });
}

Rerun::Rerun(const Plan &plan, Session &session, Dataset &data,
             uint64_t microBatches)
    : session(session), data(data), microBatches(microBatches),
      batch(data.batch()) {
  if (takesSameData(plan))
    loss = findOutput(plan, "loss", "loss");
}

/// The states that running a skipped step again changes: the scaler's. Of
/// several optimizers one may have been skipped and another not, which would
/// step twice: then all are kept.
std::vector<Rerun::Kept> Rerun::keepStates() {
  size_t count = 0;
  const TensorInfo *states = nullptr;
  check(vernier_session_states(session.get(), &count, &states));
  auto startsWith = [](const TensorInfo &state, const char *text) {
    return std::string(state.name).rfind(text, 0) == 0;
  };
  bool hasGroups =
      std::any_of(states, states + count, [&](const TensorInfo &state) {
        return startsWith(state, "train.step.");
      });
  std::vector<Kept> kept;
  for (const TensorInfo *state = states; state != states + count; ++state) {
    if (!hasGroups && !startsWith(*state, "amp."))
      continue;
    kept.push_back({state->name, std::vector<uint8_t>(state->bytes)});
    check(vernier_session_get_state(session.get(), state->name,
                                    kept.back().data.data(), state->bytes));
  }
  return kept;
}

std::optional<Finding> Rerun::findOp(const uint64_t *rows, double lossScale) {
  std::vector<Kept> kept = keepStates();
  if (auto scale = static_cast<float>(lossScale); !std::isnan(scale))
    check(vernier_session_set_state(session.get(), "amp.scale", &scale,
                                    sizeof scale));
  NumericsCheck numerics;
  numerics.install(session);
  for (uint64_t i = 0; i < microBatches; ++i) {
    const char *entry = i + 1 < microBatches ? "accumulate" : "step";
    data.feed(session, entry, rows + i * data.batch());
    session.run(entry);
  }
  vernier_session_set_observer(session.get(), nullptr, nullptr);
  for (const Kept &state : kept)
    check(vernier_session_set_state(session.get(), state.name.c_str(),
                                    state.data.data(), state.data.size()));
  return numerics.found();
}

/// Of a batch that holds `count` rows again and again.
bool Rerun::isLossFinite(const uint64_t *rows, uint64_t count) {
  for (uint64_t i = 0; i < batch.size(); ++i)
    batch[i] = rows[i % count];
  data.feed(session, "loss", batch.data());
  session.run("loss");
  session.read("loss", *loss);
  return std::isfinite(loss->element());
}

std::optional<uint64_t> Rerun::findRow(const uint64_t *rows) {
  if (!loss)
    return std::nullopt;
  uint64_t count = data.batch(), i = 0;
  while (i < microBatches && isLossFinite(rows + i * count, count))
    ++i;
  if (i == microBatches)
    return std::nullopt;
  rows += i * count;
  while (count > 1) {
    uint64_t half = count / 2;
    bool isInFirst = !isLossFinite(rows, half);
    rows += isInFirst ? 0 : half;
    count = isInFirst ? half : count - half;
  }
  return isLossFinite(rows, 1) ? std::nullopt : std::optional(*rows);
}
