//===- EvaluationOpInterface.td - What an op is outside of training
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_EVALUATIONOPINTERFACE_TD
#define VERNIER_INTERFACES_EVALUATIONOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def EvaluationOpInterface : OpInterface<"EvaluationOpInterface"> {
  let cppNamespace = "::vernier";
  let description = [{
    An op that does something else in training than in evaluation and inference,
    as dropout does. Ops without this interface are the same in both.
  }];
  let methods = [
    InterfaceMethod<[{
      Builds what the op is in evaluation, before the op, and returns one
      replacement of the same type for each result: an operand, or the result of
      an op that has this one's discardable attributes.}],
      "::llvm::SmallVector<::mlir::Value>", "buildEvaluation",
      (ins "::mlir::OpBuilder &":$builder)>
  ];
}

#endif // VERNIER_INTERFACES_EVALUATIONOPINTERFACE_TD
