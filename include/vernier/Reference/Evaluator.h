//===- Evaluator.h - The meaning of every op, executed
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// The evaluator is the oracle of all tests: a plain interpreter that computes
// each op from its textbook definition in f64 and rounds as the op's types say.
// It shares no code with expansions, vjps or code generation.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_REFERENCE_EVALUATOR_H
#define VERNIER_REFERENCE_EVALUATOR_H

#include "vernier/Reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <map>

namespace vernier::reference {

struct EvaluatorOptions {
  /// Never rounds a floating value: every float type has f64's meaning. For
  /// gradient checks.
  bool exact = false;
  /// Contracts bf16 as processors with dot products of it do (AVX512-BF16,
  /// AMX), of which subnormal numbers are no part: such operands and sums are
  /// 0. Sums on the way, which depend on the order, are exact as ever.
  bool bf16DotProducts = false;
};

/// The values of the globals of a module, by name.
using State = std::map<std::string, Tensor>;

/// Gives every global of `module` that `state` lacks its initial value, if that
/// is written out (dense elements or `#train.constant`); otherwise emits an
/// error that names the global.
llvm::LogicalResult initializeState(mlir::ModuleOp module, State &state,
                                    const EvaluatorOptions &options = {});

/// Runs `function` on `inputs`, one for each argument, reading and writing the
/// globals in `state`. Emits an error at the op that cannot be evaluated.
llvm::FailureOr<llvm::SmallVector<Tensor>>
evaluate(mlir::func::FuncOp function, llvm::ArrayRef<Tensor> inputs,
         State &state, const EvaluatorOptions &options = {});

} // namespace vernier::reference

#endif // VERNIER_REFERENCE_EVALUATOR_H
