//===- Elementwise.h - Applying a scalar function to tensors
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_REFERENCE_ELEMENTWISE_H
#define VERNIER_LIB_REFERENCE_ELEMENTWISE_H

#include "OpTable.h"

namespace vernier::reference {

using Unary = double (*)(double);
using Binary = double (*)(double, double);

/// Registers an op that applies `function` to each element of its operand.
template <typename OpTy> void addUnary(OpTable &table, Unary function) {
  table.add<OpTy>([function](OpTy, Invocation &in) {
    for (int64_t i = 0, e = in.result().size(); i < e; ++i)
      in.result().elements[i] = function(in.operand(0).elements[i]);
  });
}

/// Registers an op that applies `function` to each pair of elements of its two
/// operands.
template <typename OpTy> void addBinary(OpTable &table, Binary function) {
  table.add<OpTy>([function](OpTy, Invocation &in) {
    for (int64_t i = 0, e = in.result().size(); i < e; ++i)
      in.result().elements[i] =
          function(in.operand(0).elements[i], in.operand(1).elements[i]);
  });
}

} // namespace vernier::reference

#endif // VERNIER_LIB_REFERENCE_ELEMENTWISE_H
