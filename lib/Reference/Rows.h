//===- Rows.h - Rows of a tensor
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_REFERENCE_ROWS_H
#define VERNIER_LIB_REFERENCE_ROWS_H

#include "vernier/Reference/Tensor.h"

namespace vernier::reference {

/// Row number `row` of a tensor seen as (rows, columns).
inline llvm::ArrayRef<double> getRow(const Tensor &tensor, int64_t row) {
  return llvm::ArrayRef<double>(tensor.elements)
      .slice(row * tensor.columns(), tensor.columns());
}

inline llvm::MutableArrayRef<double> getRow(Tensor &tensor, int64_t row) {
  return llvm::MutableArrayRef<double>(tensor.elements)
      .slice(row * tensor.columns(), tensor.columns());
}

/// log of the sum of exp of each value, without overflow.
double logSumExp(llvm::ArrayRef<double> row);

double mean(llvm::ArrayRef<double> row);

} // namespace vernier::reference

#endif // VERNIER_LIB_REFERENCE_ROWS_H
