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

def AttachTargetPass : Pass<"attach-target", "::mlir::ModuleOp"> {
  let summary = "Names the device that a module is compiled for";
  let description = [{
    Finds the device once and attaches it to the module as `target.device`, which
    every pass reads that asks what the device can do; `native` becomes the CPU
    and the features of this machine. A module that names another device is an
    error.

    Example: [attach-target.mlir](test/Pipelines/attach-target.mlir)
  }];
  let options = [
    Option<"target", "target", "std::string", /*default=*/"\"cpu\"",
           "The device: cpu (portable x86-64-v3), cpu:native, cpu:NAME with an LLVM "
           "CPU name, or cuda:sm_NN; name the machine that will train">
  ];
  let dependentDialects = ["::vernier::target::TargetDialect"];
}

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
