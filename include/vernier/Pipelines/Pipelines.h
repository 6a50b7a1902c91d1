//===- Pipelines.h - The compiler as readable functions
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_PIPELINES_PIPELINES_H
#define VERNIER_PIPELINES_PIPELINES_H

#include "vernier/Dialect/Amp/Transforms/Explain.h"
#include "vernier/Pipelines/LossScaleSpec.h"
#include "vernier/Pipelines/OptimizerSpec.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"

#include <functional>
#include <string>
#include <vector>

namespace vernier {

/// Everything that decides what a model compiles to.
struct CompileOptions {
  /// What the explanation calls a model that has no name of its own.
  std::string modelName = "model";
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
void addKernelPasses(mlir::OpPassManager &pm);

/// The stages that a compile can be watched at, in order: the model as it was
/// read, with decided types, the whole training step, its fusions, the calls of
/// the plan, its kernels, and the bytes of the plan file.
enum class Stage { Train, Amp, Step, Fusion, Plan, Kernel, PlanFile };

/// What comes of a compile.
struct CompiledPlan {
  /// Whether the model was accepted. If not, a failure is the model's.
  bool isImported = false;
  /// What the policy auto says of its choice in a sentence, and its text as a
  /// policy file; empty for other policies.
  std::string policySummary, policyText;
  /// What was decided, from stage `Step` on; its memory from `Plan` on.
  amp::Explanation explanation;
  /// The plan file, at stage `PlanFile`.
  std::vector<uint8_t> bytes;
};

/// How a compile is watched. It decides nothing.
struct CompileWatch {
  /// Where to stop.
  Stage last = Stage::PlanFile;
  /// Called after each stage, while the module is what that stage made of it.
  std::function<void(Stage, const CompiledPlan &)> afterStage = {};
  /// Called with each pass manager before it runs, to print IR between passes,
  /// say. Failure ends the compile.
  std::function<mlir::LogicalResult(mlir::PassManager &)> configure = {};
  /// Each stage is timed under its name.
  mlir::TimingScope *timing = nullptr;
};

/// The whole compiler: turn the model `module`, in place, into the calls of a
/// plan and its kernels (the nested module `@kernels`), and them into a plan
/// file in `plan`. The context has all dialects (registerAllDialects) and the
/// translations of registerObjectTranslation, and passes are registered
/// (registerAllPasses). Failures are diagnostics; `plan` then holds what there
/// was. Nothing is read but the files that options name, and nothing written.
mlir::LogicalResult compile(mlir::ModuleOp module,
                            const CompileOptions &options, CompiledPlan &plan,
                            const CompileWatch &watch = {});

} // namespace vernier

#endif // VERNIER_PIPELINES_PIPELINES_H
