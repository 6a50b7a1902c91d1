//===- Pipelines.h - The compiler as readable functions
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_PIPELINES_PIPELINES_H
#define VERNIER_PIPELINES_PIPELINES_H

#include "vernier/Pipelines/LossScaleSpec.h"
#include "vernier/Pipelines/OptimizerSpec.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

#include <string>
#include <vector>

namespace vernier {

/// Everything that decides what a model compiles to.
struct CompileOptions {
  std::string target = "cpu";
  std::string policy = "bf16";
  /// What vernier-run train --profile-numerics wrote: the policy auto chooses
  /// by it, and the loss scale auto starts by it.
  std::string profile;
  /// For the policy auto: the error that its choice may make.
  double errorBudget = 0.1;
  /// Its 16-bit type, bf16 or f16.
  std::string autoCompute = "bf16";
  /// lists, propagate or min-cut; empty: the policy's own.
  std::string strategy;
  OptimizerSpec optimizer;
  /// Optimizers of some parameters alone.
  std::vector<OptimizerSpec> groups;
  /// auto is dynamic where f16 is used.
  LossScaleSpec lossScale;
  /// Replace formulas that 16 bits would break before deciding types.
  bool repairUnsafePatterns = true;
  /// Kernels may skip roundings to 16 bits, and say which.
  bool relaxCasts = false;
  /// Micro-batches whose gradients are summed for one step.
  int64_t accumulate = 1;
  /// Align leading dimensions for tensor cores; nothing to gain on a CPU.
  bool padForTensorCores = false;
};

/// The stages of docs/Architecture.md in order, each followed by its check.
void addImportPasses(mlir::OpPassManager &pm, const CompileOptions &options);
void addAutocastPasses(mlir::OpPassManager &pm, const CompileOptions &options);
void addDifferentiatePasses(mlir::OpPassManager &pm,
                            const CompileOptions &options);
void addLossScalingPasses(mlir::OpPassManager &pm,
                          const CompileOptions &options, bool usesF16);
void addEvaluationPasses(mlir::OpPassManager &pm);
void addPadPasses(mlir::OpPassManager &pm, const CompileOptions &options);
void addCodegenPasses(mlir::OpPassManager &pm, const CompileOptions &options);
void addPlanPasses(mlir::OpPassManager &pm);

/// Put each op's name on its location ("train.linear"; "@fc1.weight" for a
/// state and what loads it), so that what later passes derive from it can say
/// where it comes from. Part of `import`.
void nameLocations(mlir::ModuleOp module);

} // namespace vernier

#endif // VERNIER_PIPELINES_PIPELINES_H
