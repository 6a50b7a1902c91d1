//===- GradientNorms.cpp - How long gradients were, and what was clipped
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GradientNorms.h"

using namespace vernier::run;

static const std::string normOfGroup = "grad_norm.";
static const std::string factorOfGroup = "clip_factor.";

GradientNorms::GradientNorms(const Plan &plan)
    : norm(findOutput(plan, "step", "grad_norm")),
      factor(findOutput(plan, "step", "clip_factor")) {
  for (const TensorInfo &output : plan.outputs("step")) {
    std::string name = output.name;
    if (name.rfind(normOfGroup, 0) != 0)
      continue;
    auto itsFactor = findOutput(
        plan, "step", factorOfGroup + name.substr(normOfGroup.size()));
    if (!itsFactor)
      continue;
    ofGroups.push_back(*findOutput(plan, "step", name));
    ofGroups.push_back(*itsFactor);
  }
  values.resize(ofGroups.size());
}

std::vector<std::string> GradientNorms::columns() const {
  std::vector<std::string> names;
  for (const Output &output : ofGroups)
    names.push_back(output.info.name);
  return names;
}

void GradientNorms::read(Session &session, Measurement &row) {
  auto readOne = [&](Output &output) {
    session.read("step", output);
    return output.element();
  };
  if (norm)
    row.gradNorm = readOne(*norm);
  if (factor)
    row.clipFactor = readOne(*factor);
  row.isClipped = factor && row.clipFactor < 1;
  for (size_t i = 0; i < ofGroups.size(); ++i) {
    values[i] = readOne(ofGroups[i]);
    bool isFactor = i % 2 == 1;
    row.isClipped |= isFactor && values[i] < 1;
  }
  row.extra = values.data();
}
