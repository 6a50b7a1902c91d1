//===- MemoryReport.cpp - What a plan that does not fit needs
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"
#include "Precision.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

using namespace vernier;
using namespace vernier::run;

//===----------------------------------------------------------------------===//
// The largest tensors
//===----------------------------------------------------------------------===//

namespace {

/// A tensor of the plan with its size: a state, an input, the result of an op.
struct LargeTensor {
  std::string description;
  uint64_t bytes;
  bool isSaved = false; ///< for the backward part
};

} // namespace

static void addResults(const schema::Entry &entry,
                       std::vector<LargeTensor> &tensors) {
  std::set<uint32_t> readBackward;
  for (const schema::Call *call : *entry.calls())
    if (call->backward())
      for (uint32_t index : *call->inputs())
        readBackward.insert(index);
  for (const schema::Call *call : *entry.calls())
    for (uint32_t index : *call->results()) {
      const schema::Buffer *buffer = entry.buffers()->Get(index);
      if (buffer->memory() != schema::Memory::arena)
        continue;
      bool isSaved = !call->backward() && readBackward.count(index);
      tensors.push_back(
          {fmt::format("result of {} in {}{}", titleOf(*call),
                       entry.name()->c_str(),
                       isSaved ? ", saved for the backward part" : ""),
           bytesOf(buffer->dtype(), *buffer->shape()), isSaved});
    }
}

static std::vector<LargeTensor> largestTensors(const Plan &plan, size_t count) {
  std::vector<LargeTensor> tensors;
  for (const schema::State *state : *plan.contents().states())
    tensors.push_back(
        {fmt::format("{} '{}'", schema::EnumNameRole(state->role()),
                     state->name()->c_str()),
         bytesOf(*state)});
  const auto &entries = *plan.contents().entries();
  // The arena is as large as the largest entry needs it.
  addResults(**std::max_element(entries.begin(), entries.end(),
                                [](const auto *a, const auto *b) {
                                  return a->arena_bytes() < b->arena_bytes();
                                }),
             tensors);
  for (const schema::Entry *entry : entries)
    for (const schema::Port *input : *entry->inputs()) {
      const schema::Buffer *buffer = entry->buffers()->Get(input->buffer());
      tensors.push_back({fmt::format("input '{}' of {}", input->name()->c_str(),
                                     entry->name()->c_str()),
                         bytesOf(buffer->dtype(), *buffer->shape())});
    }
  std::sort(tensors.begin(), tensors.end(), [](const auto &a, const auto &b) {
    return std::tuple(~a.bytes, !a.isSaved, a.description) <
           std::tuple(~b.bytes, !b.isSaved, b.description);
  });
  tensors.resize(std::min(tensors.size(), count));
  return tensors;
}

//===----------------------------------------------------------------------===//
// What to do
//===----------------------------------------------------------------------===//

static bool computesIn16Bits(const Plan &plan) {
  for (const PrecisionShare &share : precisionShares(plan))
    if (share.type == "bf16" || share.type == "f16")
      return true;
  return false;
}

/// Only what would help this plan.
static std::vector<std::string> adviceFor(const Plan &plan,
                                          const MemoryPlan &memory,
                                          const Available &available) {
  auto isLarge = [&](uint64_t bytes) { return bytes >= memory.total() / 20; };
  std::vector<std::string> advice;
  uint64_t activations = memory.saved + memory.workspace;
  if (isLarge(activations + memory.staging)) {
    advice.push_back("compile the model with a smaller batch; --accumulate=N "
                     "sums the gradients of N of them");
    if (!computesIn16Bits(plan))
      advice.push_back("compile it with --policy=bf16, which halves "
                       "activations and saved values");
  }
  if (isLarge(memory.optimizer))
    advice.push_back("use an optimizer with fewer moments (sgd has one with "
                     "momentum, else none)");
  if (isLarge(memory.device))
    advice.push_back("run on fewer threads (--device=cpu:N): each has a work "
                     "space of its own");
  if (isLarge(memory.parameters))
    advice.push_back("use a smaller model: its parameters alone take " +
                     bytesText(static_cast<double>(memory.parameters)));
  advice.push_back(available.remedy);
  return advice;
}

void vernier::run::requireMemory(const Plan &plan, const MemoryPlan &memory,
                                 const Terminal &terminal) {
  Available available = availableMemory();
  if (memory.total() <= available.bytes)
    return;
  std::string text = fmt::format(
      "not enough memory: the plan needs {}, but {} leaves {}\n"
      "  memory plan:\n",
      bytesText(static_cast<double>(memory.total())), available.limit,
      bytesText(static_cast<double>(available.bytes)));
  for (const std::string &line : memoryTable(memory, terminal))
    text += "  " + line + "\n";
  text += "  largest tensors:\n";
  for (const LargeTensor &tensor : largestTensors(plan, 5))
    text += fmt::format("    {:>10}  {}\n",
                        bytesText(static_cast<double>(tensor.bytes)),
                        tensor.description);
  text += "  what to do:";
  for (const std::string &line : adviceFor(plan, memory, available))
    text += "\n    - " + line;
  throw Failure(Resources, text);
}
