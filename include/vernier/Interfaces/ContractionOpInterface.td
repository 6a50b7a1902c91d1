//===- ContractionOpInterface.td - Which dims of an op are M, N, K and batch
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_CONTRACTIONOPINTERFACE_TD
#define VERNIER_INTERFACES_CONTRACTIONOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def ContractionOpInterface : OpInterface<"ContractionOpInterface"> {
  let cppNamespace = "::vernier";
  let description = [{
    A sum of products: result(b, m, n) = sum over k of lhs(b, m, k) * rhs(b, k, n),
    plus an optional bias (n). Row-major operands; a transposed operand is stored
    with its last two dims swapped.
  }];
  let methods = [
    InterfaceMethod<[{
      Whether the operands are stored as those matrices. A convolution's are
      not: its extents are those of the product that does the same work, and it
      has no epilogue.}],
      "bool", "isMatrixProduct", (ins), "", [{ return true; }]>,
    InterfaceMethod<"The extents and how the operands are stored.",
      "::vernier::ContractionDims", "getContractionDims", (ins)>,
    InterfaceMethod<"The left operand, (batch, M, K) or (batch, K, M) if transposed.",
      "::mlir::OpOperand &", "getLhsOperand", (ins)>,
    InterfaceMethod<"The right operand, (batch, K, N) or (batch, N, K) if transposed.",
      "::mlir::OpOperand &", "getRhsOperand", (ins)>,
    InterfaceMethod<"The bias (N) added in the accumulate type, or null.",
      "::mlir::Value", "getContractionBias", (ins)>
  ];
}

#endif // VERNIER_INTERFACES_CONTRACTIONOPINTERFACE_TD
