//===- RangeOpInterface.td - Bounds of an op's results
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_RANGEOPINTERFACE_TD
#define VERNIER_INTERFACES_RANGEOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def RangeOpInterface : OpInterface<"RangeOpInterface"> {
  let cppNamespace = "::vernier";
  let description = [{
    Bounds of an op's results that hold for every operand within its bounds. An
    op without this interface may write anything.
  }];
  let methods = [
    InterfaceMethod<[{
      Sets the bounds of each result before it is rounded to its element type,
      from those of the operands. Results that are left alone are unknown.}],
      "void", "inferRanges",
      (ins "::llvm::ArrayRef<::vernier::Interval>":$operands,
           "::llvm::MutableArrayRef<::vernier::Interval>":$results)>
  ];
}

#endif // VERNIER_INTERFACES_RANGEOPINTERFACE_TD
