//===- Passes.td - From fusions to kernels
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_CODEGEN_PASSES_TD
#define VERNIER_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def EmitKernelsPass : Pass<"emit-kernels", "::mlir::ModuleOp"> {
  let summary = "Replaces a module's fusions by their kernels";
  let description = [{
    Writes one kernel in the LLVM dialect for each `train.fusion` of the module,
    named after the function that holds it (with a number if it holds several),
    and erases everything else. In a compile that is the module `@kernels` that
    the plan calls.
  }];
  let options = [
    Option<"lower", "lower", "bool", "true",
           "Lower to the LLVM dialect; without it kernels stay in arith, math "
           "and scf, as emitted">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect",
                           "::mlir::cf::ControlFlowDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

#endif // VERNIER_CODEGEN_PASSES_TD
