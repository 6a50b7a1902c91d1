//===- Diagnosis.cpp - Why a step is not finite
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Diagnosis.h"

#include <algorithm>
#include <cmath>

using namespace vernier;
using namespace vernier::run;

/// What is run again must find the states of the first time. A skipped step
/// left them; after another, finite ones are near enough.
void Diagnosis::findOp(const Measurement &step, const uint64_t *rows) {
  if (!finding && (step.skipped || badState.empty()))
    finding = rerun.findOp(rows, step.lossScale);
}

std::string Diagnosis::describeRow(const uint64_t *rows) {
  std::optional<uint64_t> row = rerun.findRow(rows);
  if (!row)
    return "";
  return "\n  the data: alone in a batch, " + data.describeRow(*row) +
         " has a loss that is not finite";
}

std::string Diagnosis::describe(const Measurement &step,
                                const std::optional<Finding> &seen,
                                const uint64_t *rows) {
  finding = seen;
  isLossFinite = std::isfinite(step.loss);
  badData = data.describeNonFinite(rows, rowCount);
  badState = session.describeNonFinite();
  findOp(step, rows);
  std::string text;
  if (finding)
    text += "\n  " + finding->describe();
  if (!badData.empty())
    text += "\n  the data: " + badData;
  if (!badState.empty())
    text += "\n  the states: " + badState;
  else if (badData.empty() && !isLossFinite)
    text += describeRow(rows);
  return text;
}

/// Whether a step computes anything in f16, if only within a kernel's reach.
static bool hasF16(const Plan &plan) {
  const auto &buffers = *plan.entry("step")->buffers();
  return std::any_of(buffers.begin(), buffers.end(),
                     [](const schema::Buffer *buffer) {
                       return buffer->dtype() == schema::DType::f16;
                     });
}

std::string Diagnosis::describeRemedy() const {
  if (!badData.empty())
    return "";
  if (!finding)
    return "\n  what to do: --check-numerics names the first op that is not "
           "finite; a smaller learning rate often helps";
  if (!isLossFinite && hasF16(plan))
    return "\n  what to do: f16 ends at 65504; make the data smaller, keep "
           "this "
           "op and those before it in f32 (overrides of a policy file), or "
           "compile with --policy=bf16, whose range is that of f32";
  return "\n  what to do: a smaller learning rate often helps";
}
