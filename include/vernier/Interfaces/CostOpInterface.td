//===- CostOpInterface.td - FLOPs and bytes of an op
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_COSTOPINTERFACE_TD
#define VERNIER_INTERFACES_COSTOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::vernier";
  let description = [{
    What an op costs if it runs alone: the numbers of the explain table and of
    the cost models.
  }];
  let methods = [
    InterfaceMethod<
      "Floating-point operations; a multiply-add counts as two, a transcendental "
      "function as one. Default: one for each element of the results.",
      "int64_t", "getFlops", (ins), "",
      [{ return ::vernier::detail::countResultElements($_op); }]>,
    InterfaceMethod<
      "Bytes read and written if every operand comes from memory once and every "
      "result goes there once.",
      "int64_t", "getBytes", (ins), "",
      [{ return ::vernier::detail::countOperandAndResultBytes($_op); }]>
  ];
}

#endif // VERNIER_INTERFACES_COSTOPINTERFACE_TD
