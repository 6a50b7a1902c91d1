//===- Memory.cpp - The memory plan, before the first step
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"

#include <fmt/format.h>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>

using namespace vernier;
using namespace vernier::run;

//===----------------------------------------------------------------------===//
// From the plan
//===----------------------------------------------------------------------===//

static uint64_t alignUp(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

static uint64_t bytesOf(schema::DType dtype,
                        const flatbuffers::Vector<int64_t> &shape) {
  constexpr uint64_t sizes[] = {4, 2, 2, 4, 8, 1}; // by schema::DType
  uint64_t bytes = sizes[static_cast<size_t>(dtype)];
  for (int64_t extent : shape)
    bytes *= static_cast<uint64_t>(extent);
  return bytes;
}

/// A state's bytes in memory, padding included.
static uint64_t bytesOf(const schema::State &state) {
  return bytesOf(state.dtype(),
                 state.padded_shape() ? *state.padded_shape() : *state.shape());
}

MemoryPlan vernier::run::planMemory(const Plan &plan, const Device &device) {
  const schema::Plan &contents = plan.contents();
  MemoryPlan memory;
  for (const schema::State *state : *contents.states()) {
    uint64_t bytes = bytesOf(*state);
    switch (state->role()) {
    case schema::Role::parameter:
    case schema::Role::frozen:
    case schema::Role::statistic:
      memory.parameters += bytes;
      break;
    case schema::Role::moment:
      memory.optimizer += bytes;
      break;
    case schema::Role::copy:
      memory.copies += bytes;
      break;
    default:
      break; // counted below
    }
  }
  memory.other = alignUp(contents.state_bytes()) -
                 std::min(alignUp(contents.state_bytes()),
                          memory.parameters + memory.optimizer + memory.copies);
  uint64_t arena = 0;
  for (const schema::Entry *entry : *contents.entries()) {
    arena = std::max(arena, entry->arena_bytes());
    for (const auto *ports : {entry->inputs(), entry->outputs()})
      for (const schema::Port *port : *ports) {
        const schema::Buffer *buffer = entry->buffers()->Get(port->buffer());
        memory.staging += alignUp(bytesOf(buffer->dtype(), *buffer->shape()));
      }
  }
  if (const schema::Entry *step = plan.entry("step"))
    memory.saved = std::min(step->saved_bytes(), arena);
  memory.workspace = alignUp(arena) - memory.saved;
  memory.constants = contents.constants() ? contents.constants()->size() : 0;
  vernier_memory_info_t info = {};
  if (vernier_session_plan_memory(plan.get(), device.get(), &info).code ==
      VERNIER_OK)
    memory.device = info.work_bytes;
  return memory;
}

std::vector<std::string> vernier::run::memoryTable(const MemoryPlan &memory,
                                                   const Terminal &terminal) {
  const std::pair<const char *, uint64_t> parts[] = {
      {"parameters", memory.parameters}, {"optimizer", memory.optimizer},
      {"copies", memory.copies},         {"saved activations", memory.saved},
      {"workspace", memory.workspace},   {"inputs, outputs", memory.staging},
      {"other states", memory.other},    {"device work space", memory.device},
  };
  constexpr double barWidth = 32;
  std::string block = terminal.hasUtf8() ? "█" : "#";
  std::vector<std::string> lines;
  double total = std::max<double>(1, static_cast<double>(memory.total()));
  for (const auto &[name, bytes] : parts) {
    std::string bar;
    double share = static_cast<double>(bytes) / total;
    for (int i = 0; i < static_cast<int>(share * barWidth + 0.5); ++i)
      bar += block;
    lines.push_back(fmt::format("  {:<18} {:>10} {:>5.1f} %  {}", name,
                                bytesText(static_cast<double>(bytes)),
                                100 * share, bar));
  }
  lines.push_back(fmt::format("  {:<18} {:>10}", "total",
                              bytesText(static_cast<double>(memory.total()))));
  return lines;
}

/// The buffers that a call writes.
static std::vector<uint32_t> resultsOf(const schema::Call &call) {
  if (const schema::Launch *launch = call.operation_as_Launch())
    return {launch->args()->begin() + launch->input_count(),
            launch->args()->end()};
  if (const schema::Matmul *matmul = call.operation_as_Matmul())
    return {matmul->result()};
  if (const schema::Transpose *transpose = call.operation_as_Transpose())
    return {transpose->result()};
  if (const schema::Copy *copy = call.operation_as_Copy())
    return {copy->result()};
  if (const schema::Pool *pool = call.operation_as_Pool())
    return {pool->result()};
  if (const schema::Gather *gather = call.operation_as_Gather())
    return {gather->result()};
  const schema::Convolution *convolution = call.operation_as_Convolution();
  switch (convolution->kind()) {
  case schema::ConvolutionKind::image:
    return {convolution->image()};
  case schema::ConvolutionKind::weight:
    return {convolution->weight()};
  default:
    return {convolution->output()};
  }
}

std::vector<LargeTensor> vernier::run::largestTensors(const Plan &plan,
                                                      size_t count) {
  std::vector<LargeTensor> tensors;
  for (const schema::State *state : *plan.contents().states())
    tensors.push_back(
        {fmt::format("{} '{}'", schema::EnumNameRole(state->role()),
                     state->name()->c_str()),
         bytesOf(*state)});
  for (const schema::Entry *entry : *plan.contents().entries())
    for (const schema::Call *call : *entry->calls())
      for (uint32_t index : resultsOf(*call)) {
        const schema::Buffer *buffer = entry->buffers()->Get(index);
        if (buffer->memory() != schema::Memory::arena)
          continue;
        tensors.push_back(
            {fmt::format("result of {} at {} in {}",
                         call->name() ? call->name()->c_str() : "an op",
                         call->location() ? call->location()->c_str() : "?",
                         entry->name()->c_str()),
             bytesOf(buffer->dtype(), *buffer->shape())});
      }
  std::sort(tensors.begin(), tensors.end(), [](const auto &a, const auto &b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes
                              : a.description < b.description;
  });
  tensors.resize(std::min(tensors.size(), count));
  return tensors;
}

//===----------------------------------------------------------------------===//
// From the machine
//===----------------------------------------------------------------------===//

/// The number after "name:" in a file of /proc, in bytes (the files say kB).
static uint64_t procBytes(const char *path, const char *name) {
  std::ifstream stream(path);
  std::string line;
  size_t length = std::strlen(name);
  while (std::getline(stream, line))
    if (line.compare(0, length, name) == 0 && line.size() > length &&
        line[length] == ':')
      return std::strtoull(line.c_str() + length + 1, nullptr, 10) * 1024;
  return 0;
}

/// A file that holds one number; UINT64_MAX if it is absent or says "max".
static uint64_t numberIn(const char *path) {
  std::ifstream stream(path);
  uint64_t value;
  return stream >> value ? value : UINT64_MAX;
}

Available vernier::run::availableMemory() {
  Available available = {UINT64_MAX, "no limit"};
  auto limit = [&](uint64_t bytes, const char *name) {
    if (bytes < available.bytes)
      available = {bytes, name};
  };
  auto rest = [](uint64_t all, uint64_t used) {
    return all > used ? all - used : 0;
  };
  if (uint64_t bytes = procBytes("/proc/meminfo", "MemAvailable"))
    limit(bytes, "MemAvailable of this machine");
  rlimit addressSpace{};
  if (getrlimit(RLIMIT_AS, &addressSpace) == 0 &&
      addressSpace.rlim_cur != RLIM_INFINITY)
    limit(rest(addressSpace.rlim_cur, procBytes("/proc/self/status", "VmSize")),
          "the address space limit (ulimit -v)");
  rlimit data{};
  if (getrlimit(RLIMIT_DATA, &data) == 0 && data.rlim_cur != RLIM_INFINITY)
    limit(rest(data.rlim_cur, procBytes("/proc/self/status", "VmData")),
          "the data limit (ulimit -d)");
  // Inside a container the root of the hierarchy is its own group.
  uint64_t groupLimit = numberIn("/sys/fs/cgroup/memory.max");
  if (groupLimit != UINT64_MAX)
    limit(rest(groupLimit, numberIn("/sys/fs/cgroup/memory.current")),
          "the control group (memory.max)");
  return available;
}

void vernier::run::requireMemory(const Plan &plan, const MemoryPlan &memory) {
  Available available = availableMemory();
  if (memory.total() <= available.bytes)
    return;
  std::string text = fmt::format(
      "not enough memory: the plan needs {}, but {} leaves {}\n  largest "
      "tensors:\n",
      bytesText(static_cast<double>(memory.total())), available.limit,
      bytesText(static_cast<double>(available.bytes)));
  for (const LargeTensor &tensor : largestTensors(plan, 5))
    text += fmt::format("    {:>10}  {}\n",
                        bytesText(static_cast<double>(tensor.bytes)),
                        tensor.description);
  text += "  what to do:\n"
          "    - compile the model with a smaller batch\n"
          "    - compile it with --policy=bf16, which halves activations "
          "and saved values\n"
          "    - raise the limit, or use an optimizer with fewer states (sgd)";
  throw Failure(Resources, text);
}

uint64_t vernier::run::residentBytes() {
  return procBytes("/proc/self/status", "VmRSS");
}
uint64_t vernier::run::peakResidentBytes() {
  return procBytes("/proc/self/status", "VmHWM");
}
