//===- Passes.td - Conversions between dialects
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_CONVERSION_PASSES_TD
#define VERNIER_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertTrainToPlanPass : Pass<"convert-train-to-plan", "::mlir::ModuleOp"> {
  let summary = "Turns entry functions into the calls of a plan";
  let description = [{
    Every global becomes a `plan.state`, every public function a `plan.entry`
    whose ops are runtime calls in program order: a fusion is a `plan.launch`, a
    contraction a `plan.matmul`, a transpose a `plan.transpose`; reshapes are
    views. A stored value is written straight into its state where no later op
    reads the old value, else copied. Fusions move into a nested module
    `@kernels`, one function each, equal ones once.

    Precondition: the `codegen` stage (`--verify-stage=codegen`).
  }];
  let dependentDialects = ["::vernier::plan::PlanDialect", "::mlir::func::FuncDialect"];
}

#endif // VERNIER_CONVERSION_PASSES_TD
