//===- Explain.h - What ran in which precision, and why
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_AMP_TRANSFORMS_EXPLAIN_H
#define VERNIER_DIALECT_AMP_TRANSFORMS_EXPLAIN_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

#include <string>
#include <vector>

namespace vernier::amp {

/// One op of the explain table: a row of the plan's `Decision` table.
struct DecisionRow {
  std::string function, op;
  std::string location; ///< Names and file:line:column, or empty.
  /// Element types as policies spell them: f32, tf32, bf16, f16.
  std::string operand, accumulate, result;
  std::string rule, reason;
  int64_t flops = 0, bytes = 0;
  bool isBackward = false;
};

/// The rows of a module, in program order, taken after autocast,
/// differentiation and loss scaling and before fusions are formed. Where there
/// is a `@step`, it stands for `@loss`, whose ops it repeats. Casts have rows:
/// they are what a decision costs.
std::vector<DecisionRow> collectDecisions(mlir::ModuleOp module);

/// The rows as a table for people, each function with totals by operand type.
void printDecisions(llvm::ArrayRef<DecisionRow> rows, llvm::raw_ostream &os);

} // namespace vernier::amp

#endif // VERNIER_DIALECT_AMP_TRANSFORMS_EXPLAIN_H
