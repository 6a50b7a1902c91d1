//===- FusionOpInterface.td - How an op takes part in fusions
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_FUSIONOPINTERFACE_TD
#define VERNIER_INTERFACES_FUSIONOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def FusionOpInterface : OpInterface<"FusionOpInterface"> {
  let cppNamespace = "::vernier";
  let description = [{
    How an op takes part in fusions. Codegen handles four primitive families:
    `arith` and `math` elementwise ops, `train.broadcast`, indices
    (`train.one_hot`, `train.iota`) and `train.reduce`. Every other fusible op is a composite that `expand`s into
    them; a composite computes in f32 between a widening of its operands and one
    rounding of its result, which is also what the evaluator computes.
  }];
  let methods = [
    InterfaceMethod<
      "Elementwise, reduction, composite, contraction (a library call), call or opaque.",
      "::vernier::FusionKind", "getFusionKind", (ins)>,
    InterfaceMethod<[{
      For composites: builds the op's meaning from primitives (or from simpler
      composites) before the op and returns one replacement for each result.}],
      "::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>>", "expand",
      (ins "::mlir::OpBuilder &":$builder), "", [{ return ::mlir::failure(); }]>
  ];
}

#endif // VERNIER_INTERFACES_FUSIONOPINTERFACE_TD
