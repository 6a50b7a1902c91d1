//===- ExplainText.cpp - The explanation as tables for people
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Transforms/Explain.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

StringRef amp::stringifyPhase(Phase phase) {
  switch (phase) {
  case Phase::Forward:
    return "forward";
  case Phase::Backward:
    return "backward";
  case Phase::Update:
    return "update";
  }
  llvm_unreachable("a phase without a name");
}

std::string DecisionRow::getLocation() const {
  const std::string &called = identity.empty() ? name : identity;
  return called.empty() || place.empty() ? called + place
                                         : called + " " + place;
}

std::vector<ArrayRef<DecisionRow>>
amp::splitByFunction(ArrayRef<DecisionRow> rows) {
  std::vector<ArrayRef<DecisionRow>> functions;
  while (!rows.empty()) {
    functions.push_back(rows.take_while([&](const DecisionRow &row) {
      return row.function == rows.front().function;
    }));
    rows = rows.drop_front(functions.back().size());
  }
  return functions;
}

int64_t amp::countBytes(ArrayRef<MemoryRow> memory, StringRef where) {
  int64_t bytes = 0;
  for (const MemoryRow &row : memory)
    bytes += row.where == where ? row.bytes : 0;
  return bytes;
}

std::string amp::abbreviate(int64_t count) {
  static constexpr const char *suffixes[] = {"", "k", "M", "G", "T", "P"};
  double value = count;
  unsigned power = 0;
  for (; std::abs(value) >= 1000 && power + 1 < std::size(suffixes); ++power)
    value /= 1000;
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::format(power == 0 ? "%.0f" : "%.2f", value) << suffixes[power];
  return text;
}

namespace {

/// Ops, FLOPs and bytes of one operand type.
struct Total {
  int64_t ops = 0, flops = 0, bytes = 0;
};

} // namespace

static double percent(int64_t part, int64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * part / whole;
}

static void printTotals(ArrayRef<DecisionRow> rows, llvm::raw_ostream &os) {
  llvm::MapVector<StringRef, Total> totals;
  Total whole, casts;
  for (const DecisionRow &row : rows) {
    for (Total *total : {&totals[row.operand], &whole}) {
      total->ops += 1;
      total->flops += row.flops;
      total->bytes += row.bytes;
    }
    casts.ops += row.isCast;
    casts.bytes += row.isCast ? row.bytes : 0;
  }
  for (auto &[type, total] : totals)
    os << llvm::format(
        "  %-5s %6lld ops  %8s FLOPs (%5.1f%%)  %8sB (%5.1f%%)\n",
        type.empty() ? "other" : type.str().c_str(),
        static_cast<long long>(total.ops), abbreviate(total.flops).c_str(),
        percent(total.flops, whole.flops), abbreviate(total.bytes).c_str(),
        percent(total.bytes, whole.bytes));
  if (casts.ops)
    os << "  of these, " << casts.ops << " casts move "
       << abbreviate(casts.bytes)
       << llvm::format("B (%.1f%%)\n", percent(casts.bytes, whole.bytes));
}

/// How many ops of each kind read which type.
static void printKinds(ArrayRef<DecisionRow> rows, llvm::raw_ostream &os) {
  llvm::MapVector<StringRef, llvm::StringMap<int64_t>> kinds;
  llvm::SetVector<StringRef> types;
  size_t width = StringRef("ops by type").size();
  for (const DecisionRow &row : rows) {
    types.insert(row.operand);
    ++kinds[row.op][row.operand];
    width = std::max(width, row.op.size());
  }
  os << "  " << llvm::left_justify("ops by type", width);
  for (StringRef type : types)
    os << llvm::right_justify(type.empty() ? "other" : type, 7);
  os << "\n";
  for (auto &[op, counts] : kinds) {
    os << "  " << llvm::left_justify(op, width);
    for (StringRef type : types) {
      int64_t count = counts.lookup(type);
      std::string text = count ? std::to_string(count) : "-";
      os << llvm::right_justify(text, 7);
    }
    os << "\n";
  }
}

/// How many contractions run how, for each reason once.
static void printContractions(ArrayRef<DecisionRow> rows,
                              llvm::raw_ostream &os) {
  llvm::MapVector<std::pair<int, StringRef>, Total> byReason;
  Total whole;
  for (const DecisionRow &row : rows) {
    if (!row.contraction)
      continue;
    Total &total =
        byReason[{row.contraction->isAccelerated, row.contraction->why}];
    for (Total *sum : {&total, &whole}) {
      sum->ops += 1;
      sum->flops += row.flops;
    }
  }
  for (auto &[key, total] : byReason)
    os << "  " << total.ops << " of " << whole.ops << " contractions ("
       << llvm::format("%.1f", percent(total.flops, whole.flops))
       << "% of their FLOPs) run "
       << (key.first ? "in 16 bits: " : "in full precision: ") << key.second
       << "\n";
}

static void printMemory(ArrayRef<MemoryRow> memory, StringRef where,
                        llvm::raw_ostream &os) {
  int64_t whole = countBytes(memory, where);
  for (const MemoryRow &row : memory)
    if (row.where == where)
      os << llvm::format("  %-18s %-5s %9sB (%5.1f%%)\n", row.holds.c_str(),
                         row.type.c_str(), abbreviate(row.bytes).c_str(),
                         percent(row.bytes, whole));
}

static void printFunction(ArrayRef<DecisionRow> rows, llvm::raw_ostream &os) {
  size_t opWidth = 2, locationWidth = 8;
  for (const DecisionRow &row : rows) {
    opWidth = std::max(opWidth, row.op.size());
    locationWidth = std::max(locationWidth, row.getLocation().size());
  }
  auto printLine = [&](StringRef op, StringRef operand, StringRef accumulate,
                       StringRef result, StringRef flops, StringRef bytes,
                       StringRef casts, StringRef location, const Twine &why) {
    os << "  " << llvm::left_justify(op, opWidth) << "  "
       << llvm::left_justify(operand, 7) << "  "
       << llvm::left_justify(accumulate, 8) << "  "
       << llvm::left_justify(result, 6) << "  " << llvm::right_justify(flops, 8)
       << "  " << llvm::right_justify(bytes, 8) << "  "
       << llvm::right_justify(casts, 8) << "  "
       << llvm::left_justify(location, locationWidth) << "  " << why << "\n";
  };
  os << "@" << rows.front().function << "\n";
  printLine("op", "operand", "computed", "result", "FLOPs", "bytes", "casts",
            "location", "rule: why");
  for (const DecisionRow &row : rows)
    printLine(
        row.op, row.operand, row.accumulate, row.result, abbreviate(row.flops),
        abbreviate(row.bytes), row.castBytes ? abbreviate(row.castBytes) : "",
        row.getLocation(),
        row.rule + "; " + row.reason +
            (row.competing.empty() ? "" : " (over " + row.competing + ")"));
  printKinds(rows, os);
  printTotals(rows, os);
  printContractions(rows, os);
}

void amp::printText(const Explanation &explanation, llvm::raw_ostream &os) {
  StringRef separator = "";
  for (ArrayRef<DecisionRow> rows : splitByFunction(explanation.rows)) {
    os << separator;
    printFunction(rows, os);
    separator = "\n";
  }
  for (const auto &[key, value] : explanation.options)
    if (key == "skipped-roundings")
      os << "\ncasts are relaxed: kernels skip " << value
         << " roundings to 16 bits\n";
  // The functions take turns in one arena: the training step's, or the first.
  StringRef arena;
  for (const MemoryRow &row : explanation.memory)
    if (row.where != "state" && row.where != "saved" &&
        (arena.empty() || row.where == "step"))
      arena = row.where;
  if (explanation.memory.empty())
    return;
  os << separator << "memory that outlives a step\n";
  printMemory(explanation.memory, "state", os);
  if (countBytes(explanation.memory, "saved")) {
    os << "\nmemory that the forward part leaves to the backward part\n";
    printMemory(explanation.memory, "saved", os);
  }
  os << "\nmemory of @" << arena << " at its fullest\n";
  printMemory(explanation.memory, arena, os);
}
