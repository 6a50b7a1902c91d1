//===- StatisticsOpInterface.td - How many values a statistic is of
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_STATISTICSOPINTERFACE_TD
#define VERNIER_INTERFACES_STATISTICSOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def StatisticsOpInterface : OpInterface<"StatisticsOpInterface"> {
  let cppNamespace = "::vernier";
  let description = [{
    An op that compares values with statistics of them, as norms and softmax do:
    of one value alone, they say nothing about it.
  }];
  let methods = [
    InterfaceMethod<"How many values each statistic is taken of, in training.",
      "int64_t", "getStatisticsCount", (ins)>
  ];
}

#endif // VERNIER_INTERFACES_STATISTICSOPINTERFACE_TD
