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

uint64_t vernier::run::bytesOf(schema::DType dtype,
                               const flatbuffers::Vector<int64_t> &shape) {
  constexpr uint64_t sizes[] = {4, 2, 2, 4, 8, 1}; // by schema::DType
  uint64_t bytes = sizes[static_cast<size_t>(dtype)];
  for (int64_t extent : shape)
    bytes *= static_cast<uint64_t>(extent);
  return bytes;
}

uint64_t vernier::run::bytesOf(const schema::State &state) {
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
  Available available = {UINT64_MAX, "no limit", ""};
  auto limit = [&](uint64_t bytes, const char *name,
                   const char *remedy = "raise the limit") {
    if (bytes < available.bytes)
      available = {bytes, name, remedy};
  };
  auto rest = [](uint64_t all, uint64_t used) {
    return all > used ? all - used : 0;
  };
  if (uint64_t bytes = procBytes("/proc/meminfo", "MemAvailable"))
    limit(bytes, "MemAvailable of this machine",
          "close other programs, or take a machine with more memory");
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

uint64_t vernier::run::residentBytes() {
  return procBytes("/proc/self/status", "VmRSS");
}
uint64_t vernier::run::peakResidentBytes() {
  return procBytes("/proc/self/status", "VmHWM");
}
