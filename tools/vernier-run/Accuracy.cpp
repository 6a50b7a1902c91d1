//===- Accuracy.cpp - Counts rows whose best class is right
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Accuracy.h"

#include <cmath>

using namespace vernier::run;

static bool isFloat(vernier_dtype_t dtype) {
  return dtype == VERNIER_F32 || dtype == VERNIER_BF16 || dtype == VERNIER_F16;
}

Accuracy::Accuracy(const Plan &plan, const std::string &entry,
                   uint64_t maxElements)
    : entry(entry) {
  std::optional<Output> output = findOutput(plan, entry, "logits");
  if (!output || output->info.rank != 2 || !isFloat(output->info.dtype) ||
      elementCount(output->info) > maxElements)
    return;
  // A language model has two such inputs, tokens and targets: the last is the
  // label, as losses take it last.
  auto rows = static_cast<uint64_t>(output->info.shape[0]);
  bool found = false;
  for (const TensorInfo &input : plan.inputs(entry))
    if (input.classes > 0 && elementCount(input) == rows) {
      label = input;
      found = true;
    }
  uint64_t batch = batchOf(plan.inputs(entry));
  if (!found || rows % batch != 0)
    return;
  perSample = rows / batch;
  logits = std::move(output);
}

uint64_t Accuracy::countCorrect(Session &session, const Dataset &data,
                                uint64_t samples) {
  session.read(entry.c_str(), *logits);
  const std::vector<uint8_t> &labels = *data.fed(label.name);
  auto classes = static_cast<uint64_t>(logits->info.shape[1]);
  uint64_t correct = 0;
  for (uint64_t row = 0; row < samples * perSample; ++row) {
    uint64_t best = 0;
    double highest = -INFINITY;
    bool finite = true;
    for (uint64_t c = 0; c < classes; ++c) {
      double score = logits->element(row * classes + c);
      finite &= !std::isnan(score);
      if (score > highest) {
        highest = score;
        best = c;
      }
    }
    double wanted = elementOf(labels.data(), label.dtype, row);
    correct += finite && static_cast<double>(best) == wanted;
  }
  return correct;
}
