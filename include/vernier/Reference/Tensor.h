//===- Tensor.h - The values that the evaluator computes with
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_REFERENCE_TENSOR_H
#define VERNIER_REFERENCE_TENSOR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

#include <string>
#include <vector>

namespace vernier::reference {

/// Elements in row-major order. A double holds every value of the element types
/// of training exactly, integers up to 2^53 in magnitude included. A scalar is
/// a tensor of rank 0.
struct Tensor {
  Tensor() = default;
  /// Zeros of a tensor or scalar type.
  explicit Tensor(mlir::Type type);

  int64_t size() const { return elements.size(); }
  int64_t rank() const { return shape.size(); }
  /// The extent of the last dim, 1 if there is none.
  int64_t columns() const { return shape.empty() ? 1 : shape.back(); }
  /// The product of all extents but the last.
  int64_t rows() const { return columns() ? size() / columns() : 0; }

  llvm::SmallVector<int64_t> shape;
  mlir::Type elementType;
  std::vector<double> elements;
};

/// The value of a dense elements, float or integer attribute; failure for any
/// other attribute.
llvm::FailureOr<Tensor> toTensor(mlir::Attribute attribute, mlir::Type type);

/// `tensor<2xf32> [1.0, 2.0]`, each element with enough digits to read it back.
std::string print(const Tensor &tensor);

} // namespace vernier::reference

#endif // VERNIER_REFERENCE_TENSOR_H
