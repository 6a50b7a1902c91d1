//===- ExplainDiff.cpp - Which decisions differ, and why
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ops of the two explanations are aligned by their identities, like the
// lines of two files (Myers 1986), casts left out: they come and go with the
// decisions. Ops that changed type are listed with both rules, gradients under
// their forward ops.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Transforms/Explain.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <deque>
#include <map>

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

//===----------------------------------------------------------------------===//
// Alignment
//===----------------------------------------------------------------------===//

/// Drop a count that `text` begins with: "#2".
static void dropCount(StringRef &text) {
  if (text.consume_front("#"))
    text = text.drop_while(llvm::isDigit);
}

/// An identity without its counts, which an op in front of it moves.
static std::string dropCounts(StringRef identity) {
  std::string text;
  for (dropCount(identity); !identity.empty(); dropCount(identity)) {
    text += identity.front();
    identity = identity.drop_front();
  }
  return text;
}

/// Whether dropCounts makes one text of both, without making it.
static bool isSameWithoutCounts(StringRef a, StringRef b) {
  for (;; a = a.drop_front(), b = b.drop_front()) {
    dropCount(a);
    dropCount(b);
    if (a.empty() || b.empty() || a.front() != b.front())
      return a.empty() && b.empty();
  }
}

/// What two rows must share to be the same op: not its line, which any edit of
/// the model moves. Older files have names alone.
static bool isSameOp(const DecisionRow &a, const DecisionRow &b) {
  bool haveIdentities = !a.identity.empty() && !b.identity.empty();
  return a.op == b.op && a.phase == b.phase && a.shape == b.shape &&
         (haveIdentities ? isSameWithoutCounts(a.identity, b.identity)
                         : a.name == b.name);
}

namespace {

using Rows = std::vector<const DecisionRow *>;
/// A row of each side; null where the other has no counterpart.
using Pairs = std::vector<std::pair<const DecisionRow *, const DecisionRow *>>;

} // namespace

/// Beyond this many insertions and deletions the two sides have little in
/// common, and the memory of the exact alignment, its square, is not worth it.
static constexpr int64_t kMostEdits = 2000;

/// The n-th op of a kind with the n-th of that kind.
static Pairs alignByOccurrence(ArrayRef<const DecisionRow *> before,
                               ArrayRef<const DecisionRow *> after) {
  llvm::StringMap<std::deque<const DecisionRow *>> waiting;
  auto hasIdentity = [](const DecisionRow *row) {
    return !row->identity.empty();
  };
  bool haveIdentities =
      llvm::all_of(before, hasIdentity) && llvm::all_of(after, hasIdentity);
  auto key = [&](const DecisionRow &row) {
    return llvm::formatv("{0} {1} {2} {3}", row.op,
                         haveIdentities ? dropCounts(row.identity) : row.name,
                         row.shape, stringifyPhase(row.phase))
        .str();
  };
  for (const DecisionRow *row : after)
    waiting[key(*row)].push_back(row);
  Pairs pairs;
  llvm::DenseSet<const DecisionRow *> taken;
  for (const DecisionRow *row : before) {
    auto &candidates = waiting[key(*row)];
    const DecisionRow *partner = nullptr;
    if (!candidates.empty()) {
      partner = candidates.front();
      candidates.pop_front();
      taken.insert(partner);
    }
    pairs.emplace_back(row, partner);
  }
  for (const DecisionRow *row : after)
    if (!taken.contains(row))
      pairs.emplace_back(nullptr, row);
  return pairs;
}

namespace {

/// For each diagonal k = x - y of the edit graph, how far it gets in `before`
/// (x) with some number of edits.
class Reach {
public:
  explicit Reach(int64_t edits) : offset(edits + 1), x(2 * edits + 3) {}
  int64_t &operator[](int64_t k) { return x[k + offset]; }
  /// Whether the d-th edit on diagonal k inserts a row of `after`.
  bool inserts(int64_t d, int64_t k) {
    return k == -d || (k != d && (*this)[k - 1] < (*this)[k + 1]);
  }
  /// The part that `edits` edits can have written.
  Reach shrunkTo(int64_t edits) {
    Reach part(edits);
    for (int64_t k = -edits; k <= edits; ++k)
      part[k] = (*this)[k];
    return part;
  }

private:
  int64_t offset;
  std::vector<int64_t> x;
};

} // namespace

/// From the end back to the start; history[d] is what d - 1 edits reached.
static Pairs traceBack(ArrayRef<const DecisionRow *> before,
                       ArrayRef<const DecisionRow *> after,
                       std::vector<Reach> &history) {
  Pairs pairs;
  int64_t x = before.size(), y = after.size();
  for (int64_t d = int64_t(history.size()) - 1; d > 0; --d) {
    int64_t k = x - y;
    bool isInsertion = history[d].inserts(d, k);
    int64_t previous = isInsertion ? k + 1 : k - 1;
    int64_t startX = history[d][previous], startY = startX - previous;
    while (x > startX && y > startY)
      pairs.emplace_back(before[--x], after[--y]);
    if (isInsertion)
      pairs.emplace_back(nullptr, after[--y]);
    else
      pairs.emplace_back(before[--x], nullptr);
  }
  while (x > 0)
    pairs.emplace_back(before[--x], after[--y]);
  std::reverse(pairs.begin(), pairs.end());
  return pairs;
}

/// The alignment with the fewest insertions and deletions, by the greedy
/// algorithm of Myers, "An O(ND) Difference Algorithm and Its Variations".
static Pairs align(ArrayRef<const DecisionRow *> before,
                   ArrayRef<const DecisionRow *> after) {
  int64_t beforeSize = before.size(), afterSize = after.size();
  int64_t most = std::min(beforeSize + afterSize, kMostEdits);
  Reach reach(most);
  std::vector<Reach> history;
  for (int64_t d = 0; d <= most; ++d) {
    history.push_back(reach.shrunkTo(d));
    for (int64_t k = -d; k <= d; k += 2) {
      int64_t x = d == 0                ? 0
                  : reach.inserts(d, k) ? reach[k + 1]
                                        : reach[k - 1] + 1;
      while (x < beforeSize && x - k < afterSize &&
             isSameOp(*before[x], *after[x - k]))
        ++x;
      reach[k] = x;
      if (x >= beforeSize && x - k >= afterSize)
        return traceBack(before, after, history);
    }
  }
  return alignByOccurrence(before, after);
}

//===----------------------------------------------------------------------===//
// Report
//===----------------------------------------------------------------------===//

static bool hasSameTypes(const DecisionRow &a, const DecisionRow &b) {
  return a.operand == b.operand && a.accumulate == b.accumulate &&
         a.result == b.result;
}

static std::string describeTypes(const DecisionRow &row) {
  return row.operand == row.result ? row.operand
                                   : row.operand + " to " + row.result;
}

static std::string describeRule(const DecisionRow &row) {
  return row.rule + "; " + row.reason +
         (row.competing.empty() ? "" : " (over " + row.competing + ")");
}

namespace {

/// Compares function by function and counts.
class Comparison {
public:
  Comparison(const Explanation &before, const Explanation &after,
             llvm::raw_ostream &os)
      : before(before), after(after), os(os) {}

  void print();

private:
  void compareFunction(StringRef name);
  void printOneSided(StringRef verb, ArrayRef<const DecisionRow *> rows);
  void printChange(const DecisionRow &a, const DecisionRow &b,
                   ArrayRef<const DecisionRow *> gradients);
  void printTotals();
  void printTotal(StringRef what, int64_t a, int64_t b);

  const Explanation &before, &after;
  llvm::raw_ostream &os;
  int64_t changed = 0, added = 0, removed = 0, otherRules = 0;
};

} // namespace

static Rows selectRows(const Explanation &explanation, StringRef function,
                       bool casts) {
  Rows rows;
  for (const DecisionRow &row : explanation.rows)
    if (row.function == function && row.isCast == casts)
      rows.push_back(&row);
  return rows;
}

void Comparison::printChange(const DecisionRow &a, const DecisionRow &b,
                             ArrayRef<const DecisionRow *> gradients) {
  os << "  " << a.op << " " << b.getLocation() << ": " << describeTypes(a)
     << " -> " << describeTypes(b) << "\n"
     << "    before: " << describeRule(a) << "\n"
     << "    after:  " << describeRule(b) << "\n";
  if (!gradients.empty())
    os << "    with " << gradients.size() << " "
       << (gradients.size() == 1 ? "op" : "ops") << " of its gradient\n";
}

/// Ops that only one side has, each kind of op once.
void Comparison::printOneSided(StringRef verb,
                               ArrayRef<const DecisionRow *> rows) {
  std::vector<Rows> kinds;
  for (const DecisionRow *row : rows) {
    auto kind = llvm::find_if(kinds, [&](const Rows &other) {
      return row->op == other.front()->op && row->rule == other.front()->rule &&
             hasSameTypes(*row, *other.front());
    });
    if (kind == kinds.end())
      kinds.push_back({row});
    else
      kind->push_back(row);
  }
  for (const Rows &kind : kinds) {
    const DecisionRow &first = *kind.front();
    os << "  " << verb << " " << first.op << " " << first.getLocation();
    if (kind.size() > 1)
      os << " and " << kind.size() - 1 << " more";
    os << ": " << describeTypes(first) << "\n    " << describeRule(first)
       << "\n";
  }
}

void Comparison::compareFunction(StringRef name) {
  Rows beforeRows = selectRows(before, name, /*casts=*/false);
  Pairs pairs = align(beforeRows, selectRows(after, name, /*casts=*/false));
  os << "@" << name << "\n";
  // Gradients under the forward op whose decision they follow, if that changed.
  llvm::DenseMap<int64_t, const DecisionRow *> forwardRows;
  int64_t number = 0;
  for (const DecisionRow &row : after.rows)
    if (row.function == name)
      forwardRows[number++] = &row;
  llvm::DenseSet<const DecisionRow *> changedRows;
  for (auto [a, b] : pairs)
    if (a && b && !hasSameTypes(*a, *b))
      changedRows.insert(b);
  llvm::DenseMap<const DecisionRow *, Rows> gradients;
  llvm::DenseSet<const DecisionRow *> follows;
  for (const DecisionRow *row : changedRows)
    if (const DecisionRow *forward = forwardRows.lookup(row->forward))
      if (changedRows.contains(forward)) {
        gradients[forward].push_back(row);
        follows.insert(row);
      }

  Rows onlyBefore, onlyAfter;
  for (auto [a, b] : pairs) {
    if (!a) {
      onlyAfter.push_back(b);
    } else if (!b) {
      onlyBefore.push_back(a);
    } else if (hasSameTypes(*a, *b)) {
      otherRules += a->rule != b->rule;
    } else if (!follows.contains(b)) {
      printChange(*a, *b, gradients[b]);
    }
  }
  printOneSided("removed", onlyBefore);
  printOneSided("added", onlyAfter);
  changed += changedRows.size();
  removed += onlyBefore.size();
  added += onlyAfter.size();
  bool isSame = changedRows.empty() && onlyBefore.empty() && onlyAfter.empty();
  if (isSame)
    os << "  every op keeps its types\n";
}

void Comparison::printTotal(StringRef what, int64_t a, int64_t b) {
  if (a == b)
    return;
  os << llvm::formatv("  {0,-28} {1,9} -> {2,9}\n", what, abbreviate(a),
                      abbreviate(b));
}

void Comparison::printTotals() {
  // What, and how much of it before and after.
  std::map<std::string, std::pair<int64_t, int64_t>> totals;
  for (const Explanation *side : {&before, &after}) {
    auto add = [&](const Twine &what, int64_t amount) {
      auto &[a, b] = totals[what.str()];
      (side == &before ? a : b) += amount;
    };
    for (const DecisionRow &row : side->rows) {
      if (!row.isCast)
        add("FLOPs in " + row.operand, row.flops);
      if (row.contraction && row.contraction->isAccelerated)
        add("FLOPs on 16-bit units", row.flops);
      if (row.isCast)
        add("bytes moved by casts", row.bytes);
    }
    for (const MemoryRow &row : side->memory)
      add("bytes, " + row.where + ": " + row.holds, row.bytes);
  }
  os << "totals that differ\n";
  for (auto &[what, sides] : totals)
    printTotal(what, sides.first, sides.second);
}

void Comparison::print() {
  llvm::SetVector<StringRef> functions;
  for (const Explanation *side : {&before, &after})
    for (const DecisionRow &row : side->rows)
      functions.insert(row.function);
  for (StringRef name : functions) {
    compareFunction(name);
    os << "\n";
  }
  printTotals();
  os << "RESULT ok changed=" << changed << " added=" << added
     << " removed=" << removed << " other_rule=" << otherRules << "\n";
}

void amp::printDifference(const Explanation &before, const Explanation &after,
                          llvm::raw_ostream &os) {
  Comparison(before, after, os).print();
}
