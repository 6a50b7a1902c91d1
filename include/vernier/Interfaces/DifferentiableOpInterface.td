//===- DifferentiableOpInterface.td - The vjp of an op
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_DIFFERENTIABLEOPINTERFACE_TD
#define VERNIER_INTERFACES_DIFFERENTIABLEOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::vernier";
  let description = [{
    The vector-Jacobian product (vjp) of an op, from which the reverse mode of
    `--train-differentiate` is built.
  }];
  let methods = [
    InterfaceMethod<[{
      Builds the gradients of the operands from those of the results.
      `resultGradients` has one value for each result, null where no gradient
      reaches it (at least one is not null); each has its result's type.
      `needed` says for each operand whether its gradient is wanted; the method
      writes `operandGradients` where it is, each of its operand's type, and
      may leave null where the gradient is zero. Nothing is built for operands
      that are not needed. The op's own operands and results may be used as
      saved values.}],
      "::llvm::LogicalResult", "buildVjp",
      (ins "::mlir::OpBuilder &":$builder,
           "::llvm::ArrayRef<::mlir::Value>":$resultGradients,
           "::llvm::ArrayRef<bool>":$needed,
           "::llvm::MutableArrayRef<::mlir::Value>":$operandGradients)>
  ];
}

#endif // VERNIER_INTERFACES_DIFFERENTIABLEOPINTERFACE_TD
