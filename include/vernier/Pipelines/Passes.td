//===- Passes.td - Passes over the whole compiler's contracts
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_PIPELINES_PASSES_TD
#define VERNIER_PIPELINES_PASSES_TD

include "mlir/Pass/PassBase.td"

class StageOption<string name, string flag>
    : Option<name, flag, "bool", "false", "Check the contract of this stage.">;

def VerifyStagePass : Pass<"verify-stage", "::mlir::ModuleOp"> {
  let summary = "Checks what the IR promises after a stage";
  let description = [{
    `--verify-stage=<name>` checks the contract of one stage of the compiler (the
    table "Stages and their contracts" of docs/Architecture.md) and reports each
    violation at the op that breaks it. It changes nothing.
  }];
  let options = [
    StageOption<"checkModel", "model">,
    StageOption<"checkImport", "import">,
    StageOption<"checkAutocast", "autocast">,
    StageOption<"checkDifferentiate", "differentiate">,
    StageOption<"checkLossScaling", "loss-scaling">,
    StageOption<"checkEvaluation", "evaluation">,
    StageOption<"checkPad", "pad">,
    StageOption<"checkCodegen", "codegen">,
    StageOption<"checkPlan", "plan">
  ];
}

#endif // VERNIER_PIPELINES_PASSES_TD
