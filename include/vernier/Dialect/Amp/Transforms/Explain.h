//===- Explain.h - What ran in which precision, and why
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One explanation, three ways to print it and one to compare two. Everything is
// text and numbers, so that it can be written to a file and read back;
// docs/Explain.md documents every field.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_AMP_TRANSFORMS_EXPLAIN_H
#define VERNIER_DIALECT_AMP_TRANSFORMS_EXPLAIN_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vernier {} // namespace vernier

namespace vernier::amp {

class Policy;

/// The part of a training step that an op belongs to.
enum class Phase { Forward, Backward, Update };

llvm::StringRef stringifyPhase(Phase phase);

/// How the device runs one contraction.
struct ContractionUse {
  int64_t batch = 1, m = 1, n = 1, k = 1;
  /// On tensor cores, or on a CPU with its 16-bit instructions.
  bool isAccelerated = false;
  std::string why;
  /// "bf16 -> f32", or empty where a gradient follows the op.
  std::string inputGradient, weightGradient;
};

/// One op of the explain table: a row of the plan's `Decision` table.
struct DecisionRow {
  std::string function, op;
  std::string name;     ///< What the model calls the op, or empty.
  std::string identity; ///< "block#2/attn.q" (docs/Identities.md), or empty.
  std::string place;    ///< file:line:column, or empty.
  std::string shape;    ///< Of the first result, "32x256".
  /// Element types as policies spell them: f32, tf32, bf16, f16.
  std::string operand, accumulate, result;
  std::string rule, reason;
  /// The rule or operand that asked for something else and lost, or empty.
  std::string competing;
  Phase phase = Phase::Forward;
  /// A cast that a decision made necessary.
  bool isCast = false;
  int64_t flops = 0, bytes = 0;
  /// This op's share of the bytes of the casts that feed it.
  int64_t castBytes = 0;
  /// Rows of the same function by number, from 0: those whose results the op
  /// reads, directly or through integers and constants.
  std::vector<int64_t> inputs;
  /// The parameters, states and arguments that it reads.
  std::vector<std::string> reads;
  /// For a gradient: the row it is the gradient of, or -1.
  int64_t forward = -1;
  std::optional<ContractionUse> contraction;

  /// "block#2/attn.q model.mlir:12:5"; without an identity the name.
  std::string getLocation() const;
};

/// Bytes of memory by what they hold and in which type.
struct MemoryRow {
  /// "state": outlives a step; "saved": what the forward part leaves to the
  /// backward part; otherwise the function whose arena it is, at its fullest.
  std::string where;
  std::string holds; ///< "parameters", "saved activations", ...
  std::string type;
  int64_t bytes = 0;
};

struct Explanation {
  std::string model;
  /// The effective compile configuration: target, policy, ...
  std::vector<std::pair<std::string, std::string>> options;
  std::vector<DecisionRow> rows; ///< Function by function, in program order.
  std::vector<MemoryRow> memory;
};

/// The rows of a module, in program order, taken after autocast,
/// differentiation and loss scaling and before fusions are formed. Where there
/// is a `@step`, it stands for `@loss`, whose ops it repeats. Casts have rows:
/// they are what a decision costs. Of a module that names no target nothing is
/// said of how contractions run; without a policy no rule competes.
std::vector<DecisionRow> collectDecisions(mlir::ModuleOp module,
                                          Policy *policy = nullptr);

/// The rows of each function, in order.
std::vector<llvm::ArrayRef<DecisionRow>>
splitByFunction(llvm::ArrayRef<DecisionRow> rows);

/// The sum of `memory` that lies in `where`.
int64_t countBytes(llvm::ArrayRef<MemoryRow> memory, llvm::StringRef where);

/// Tables for people, each function with totals by operand type.
void printText(const Explanation &explanation, llvm::raw_ostream &os);

/// The schema `vernier.explain` of docs/Explain.md.
void printJson(const Explanation &explanation, llvm::raw_ostream &os);

/// What printJson wrote. The error says what is wrong with the text.
llvm::Expected<Explanation> parseJson(llvm::StringRef text);

/// One page that needs nothing else.
void printHtml(const Explanation &explanation, llvm::raw_ostream &os);

/// The decisions that differ between two explanations, and why; the last line
/// is `RESULT ok changed=N ...`.
void printDifference(const Explanation &before, const Explanation &after,
                     llvm::raw_ostream &os);

/// "2.10M", for counts of operations and bytes.
std::string abbreviate(int64_t count);

} // namespace vernier::amp

#endif // VERNIER_DIALECT_AMP_TRANSFORMS_EXPLAIN_H
