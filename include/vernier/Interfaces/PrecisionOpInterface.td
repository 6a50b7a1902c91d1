//===- PrecisionOpInterface.td - How an op behaves under autocast
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_PRECISIONOPINTERFACE_TD
#define VERNIER_INTERFACES_PRECISIONOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def PrecisionOpInterface : OpInterface<"PrecisionOpInterface"> {
  let cppNamespace = "::vernier";
  let description = [{
    How an op behaves under autocast. The class is the op's own advice and what
    the `vernier` policy uses; a policy file may override it by op name. The
    types in question are always the element types of floating tensors: integer,
    boolean and f64 values are never touched.
  }];
  let methods = [
    InterfaceMethod<
      "The class this op asks for where the policy does not name the op.",
      "::vernier::PrecisionClass", "getPrecisionClass", (ins)>,
    InterfaceMethod<
      "The operands that autocast may cast. Default: every operand that is a "
      "tensor of f32, bf16 or f16.",
      "::llvm::SmallVector<::mlir::OpOperand *>", "getPrecisionOperands", (ins),
      "", [{ return ::vernier::detail::defaultPrecisionOperands($_op); }]>,
    InterfaceMethod<
      "Whether the op computes in `f32` whatever its operands are, so that its "
      "operand and result types may differ (contractions, norms, softmax, "
      "reductions, losses). Elementwise ops answer false: one type for all.",
      "bool", "computesInFullPrecision", (ins), "", [{ return false; }]>,
    InterfaceMethod<
      "Whether the floating results stay f32 whatever is decided (losses).",
      "bool", "keepsFullPrecisionResult", (ins), "", [{ return false; }]>,
    InterfaceMethod<
      "The results whose type is decided. Default: every result that is a tensor "
      "of f32, bf16 or f16.",
      "::llvm::SmallVector<::mlir::OpResult>", "getPrecisionResults", (ins), "",
      [{ return ::vernier::detail::defaultPrecisionResults($_op); }]>,
    InterfaceMethod<
      "Gives those results the element type `resultType`. The operands have been "
      "cast already.",
      "void", "setResultPrecision", (ins "::mlir::FloatType":$resultType), "",
      [{ ::vernier::detail::defaultSetResultPrecision($_op, resultType); }]>
  ];
}

#endif // VERNIER_INTERFACES_PRECISIONOPINTERFACE_TD
