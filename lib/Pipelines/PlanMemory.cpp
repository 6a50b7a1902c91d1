//===- PlanMemory.cpp - What the memory of a plan holds
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanMemory.h"

#include "vernier/Dialect/Plan/IR/PlanDialect.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace vernier;

static constexpr StringLiteral kSaved = "saved activations";

namespace {

/// A range of the arena, in use from one op of the entry to another.
struct LiveBuffer {
  std::string holds, type;
  int64_t bytes, first, last;
};

} // namespace

static std::string typeName(Type type) {
  std::string name;
  llvm::raw_string_ostream os(name);
  os << type;
  return name;
}

static std::string describeRole(StringRef role) {
  return llvm::StringSwitch<std::string>(role)
      .Case("parameter", "parameters")
      .Case("frozen", "frozen parameters")
      .Case("statistic", "running statistics")
      .Case("moment", "moments")
      .Case("copy", "copies")
      .Case("counter", "counters")
      .Case("loss_scale", "loss scale")
      .Case("accumulator", "gradient sums")
      .Default(role.str());
}

/// The arena's buffers of `entry` with their lifetimes.
static std::vector<LiveBuffer> collectBuffers(plan::EntryOp entry) {
  std::vector<LiveBuffer> buffers;
  DenseMap<Operation *, size_t> numbers;
  int64_t position = 0;
  int64_t end = entry.getBody().front().getOperations().size();
  auto add = [&](Operation *op, StringRef holds) {
    auto type = cast<plan::BufferType>(op->getResult(0).getType());
    numbers[op] = buffers.size();
    buffers.push_back({holds.str(), typeName(type.getElementType()),
                       type.getNumBytes(), position, position});
  };
  for (Operation &op : entry.getBody().front()) {
    if (auto alloc = dyn_cast<plan::AllocOp>(op))
      add(&op, alloc.getSaved() ? kSaved : "workspace");
    if (isa<plan::InputOp>(op)) {
      add(&op, "inputs");
      buffers.back().first = 0;
    }
    for (Value operand : op.getOperands()) {
      while (auto view = operand.getDefiningOp<plan::ViewOp>())
        operand = view.getSource();
      auto number = numbers.find(operand.getDefiningOp());
      if (number != numbers.end())
        buffers[number->second].last = isa<plan::OutputOp>(op) ? end : position;
    }
    ++position;
  }
  return buffers;
}

/// Add to the row that says the same, or a new one.
static void addBytes(std::vector<amp::MemoryRow> &rows, amp::MemoryRow added) {
  for (amp::MemoryRow &row : rows)
    if (row.where == added.where && row.holds == added.holds &&
        row.type == added.type) {
      row.bytes += added.bytes;
      return;
    }
  rows.push_back(std::move(added));
}

/// The buffers that are in use when they take most.
static std::vector<LiveBuffer>
findFullest(const std::vector<LiveBuffer> &buffers, int64_t end) {
  std::vector<int64_t> change(end + 2);
  for (const LiveBuffer &buffer : buffers) {
    change[buffer.first] += buffer.bytes;
    change[buffer.last + 1] -= buffer.bytes;
  }
  int64_t live = 0, most = 0, fullest = 0;
  for (int64_t position = 0; position <= end; ++position) {
    live += change[position];
    if (live > most) {
      most = live;
      fullest = position;
    }
  }
  std::vector<LiveBuffer> inUse;
  llvm::copy_if(buffers, std::back_inserter(inUse),
                [&](const LiveBuffer &buffer) {
                  return buffer.first <= fullest && fullest <= buffer.last;
                });
  return inUse;
}

/// What the arena holds when most of it is in use, and what is kept for the
/// backward part when that is most; the rest is what alignment and the shape of
/// the free ranges cost.
static void addFullest(std::vector<amp::MemoryRow> &rows, plan::EntryOp entry) {
  std::vector<LiveBuffer> buffers = collectBuffers(entry), saved;
  llvm::copy_if(
      buffers, std::back_inserter(saved),
      [](const LiveBuffer &buffer) { return buffer.holds == kSaved; });
  int64_t end = entry.getBody().front().getOperations().size(), most = 0;
  std::string where = entry.getSymName().str();
  for (const LiveBuffer &buffer : findFullest(saved, end))
    addBytes(rows, {"saved", buffer.holds, buffer.type, buffer.bytes});
  for (const LiveBuffer &buffer : findFullest(buffers, end)) {
    addBytes(rows, {where, buffer.holds, buffer.type, buffer.bytes});
    most += buffer.bytes;
  }
  int64_t arena = entry.getArenaBytes();
  if (arena > most)
    addBytes(rows, {where, "gaps", "", arena - most});
}

std::vector<amp::MemoryRow> vernier::collectMemory(ModuleOp module) {
  std::vector<amp::MemoryRow> rows;
  for (auto state : module.getOps<plan::StateOp>()) {
    auto type = cast<plan::BufferType>(state.getType());
    addBytes(rows, {"state", describeRole(state.getRole()),
                    typeName(type.getElementType()), type.getNumBytes()});
  }
  for (auto entry : module.getOps<plan::EntryOp>())
    addFullest(rows, entry);
  return rows;
}
