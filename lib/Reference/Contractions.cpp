//===- Contractions.cpp - Matmul and linear
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Reference/Rounding.h"

#include <cmath>

using namespace mlir;

namespace vernier::reference {

/// A matrix (rows, columns) of `operand`, number `index` of its batch, read
/// through its transpose if `transpose`.
static std::vector<double> readMatrix(const Tensor &operand, int64_t index,
                                      int64_t rows, int64_t columns,
                                      bool transpose) {
  const double *source = operand.elements.data() + index * rows * columns;
  std::vector<double> matrix(source, source + rows * columns);
  if (transpose)
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j)
        matrix[i * columns + j] = source[j * rows + i];
  return matrix;
}

/// sums (M, N) += lhs (M, K) * rhs (K, N); K runs in blocks that keep the rows
/// of rhs in cache.
static void multiply(const std::vector<double> &lhs,
                     const std::vector<double> &rhs, double *sums,
                     const ContractionDims &dims) {
  constexpr int64_t kBlock = 64;
  for (int64_t block = 0; block < dims.k; block += kBlock)
    for (int64_t m = 0; m < dims.m; ++m)
      for (int64_t k = block; k < std::min(block + kBlock, dims.k); ++k) {
        double factor = lhs[m * dims.k + k];
        const double *row = rhs.data() + k * dims.n;
        double *sum = sums + m * dims.n;
        for (int64_t n = 0; n < dims.n; ++n)
          sum[n] += factor * row[n];
      }
}

static void roundToTf32(std::vector<double> &matrix) {
  for (double &element : matrix)
    element = round(element, kTf32);
}

static void flushSubnormals(std::vector<double> &matrix) {
  for (double &element : matrix)
    element = flushSubnormal(element);
}

/// Add the bias, apply the epilogue, and round to the type of the sums.
template <typename OpTy>
static void finish(OpTy op, const Tensor *bias, Invocation &in) {
  Tensor &result = in.result();
  Type accumulate = result.elementType.isF64()
                        ? result.elementType
                        : Float32Type::get(op.getContext());
  if (op.getAccumulateType())
    accumulate = *op.getAccumulateType();
  for (int64_t i = 0, e = result.size(); i < e; ++i) {
    double sum = result.elements[i];
    if (isBf16DotProduct(in))
      sum = flushSubnormal(static_cast<float>(sum));
    if (bias)
      sum += bias->elements[i % bias->size()];
    if (op.getEpilogue() == train::Epilogue::Relu && sum <= 0.0)
      sum = 0.0;
    result.elements[i] = in.exact ? sum : roundToType(sum, accumulate);
  }
}

template <typename OpTy>
static void evaluateContraction(OpTy op, Invocation &in) {
  ContractionDims dims = op.getContractionDims();
  for (int64_t batch = 0; batch < dims.batch; ++batch) {
    std::vector<double> lhs =
        readMatrix(in.operand(0), batch, dims.m, dims.k, dims.transposeLhs);
    std::vector<double> rhs =
        readMatrix(in.operand(1), dims.sharedRhs ? 0 : batch, dims.k, dims.n,
                   dims.transposeRhs);
    if (op.getTf32() && !in.exact) {
      roundToTf32(lhs);
      roundToTf32(rhs);
    }
    if (isBf16DotProduct(in)) {
      flushSubnormals(lhs);
      flushSubnormals(rhs);
    }
    multiply(lhs, rhs, in.result().elements.data() + batch * dims.m * dims.n,
             dims);
  }
  finish(op, in.operands.size() > 2 ? in.operands[2] : nullptr, in);
}

void addContractions(OpTable &table) {
  table.add<train::MatmulOp>(evaluateContraction<train::MatmulOp>);
  table.add<train::LinearOp>(evaluateContraction<train::LinearOp>);
}

} // namespace vernier::reference
