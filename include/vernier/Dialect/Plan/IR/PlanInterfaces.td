//===- PlanInterfaces.td - What every call of a plan answers
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_PLAN_IR_PLANINTERFACES_TD
#define VERNIER_DIALECT_PLAN_IR_PLANINTERFACES_TD

include "mlir/IR/OpBase.td"

def PlanCallOpInterface : OpInterface<"PlanCallOpInterface"> {
  let cppNamespace = "::vernier::plan";
  let description = [{
    An op that is one call of the runtime: which of its buffers it reads and
    which it writes, in the order in which the plan file lists them
    (`Call.inputs` and `Call.results` of `include/vernier-c/plan.fbs`).
  }];
  let methods = [
    InterfaceMethod<"The buffers that the call reads.",
      "::llvm::SmallVector<::mlir::Value>", "getCallInputs", (ins), "",
      [{ return llvm::to_vector_of<::mlir::Value>($_op->getOperands().drop_back()); }]>,
    InterfaceMethod<"The buffers that the call writes: the last operand, where an op says no other.",
      "::llvm::SmallVector<::mlir::Value>", "getCallResults", (ins), "",
      [{ return {$_op->getOperands().back()}; }]>,
  ];
}

#endif // VERNIER_DIALECT_PLAN_IR_PLANINTERFACES_TD
