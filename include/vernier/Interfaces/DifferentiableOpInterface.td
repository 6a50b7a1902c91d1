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
      reaches it (at least one is not null); each has its result's type, or
      another floating element type if the op takes any.
      `needed` says for each operand whether its gradient is wanted; the method
      writes `operandGradients` where it is, each of its operand's shape, and
      may leave null where the gradient is zero. They have their operands'
      element types, unless the op was asked for others (train.operand_gradients). Nothing is built for operands
      that are not needed. The op's own operands and results may be used as
      saved values.}],
      "::llvm::LogicalResult", "buildVjp",
      (ins "::mlir::OpBuilder &":$builder,
           "::llvm::ArrayRef<::mlir::Value>":$resultGradients,
           "::llvm::ArrayRef<bool>":$needed,
           "::llvm::MutableArrayRef<::mlir::Value>":$operandGradients)>,
    InterfaceMethod<[{
      Whether `buildVjp` takes gradients of the results in any floating element
      type, since it only moves them, casts them or multiplies them in a type of
      its own. A gradient that was kept in f32 then stays so.}],
      "bool", "takesAnyGradientType", (ins), "", [{ return false; }]>
  ];
}

#endif // VERNIER_INTERFACES_DIFFERENTIABLEOPINTERFACE_TD
