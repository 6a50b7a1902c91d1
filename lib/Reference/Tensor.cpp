//===- Tensor.cpp - The values that the evaluator computes with
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Reference/Tensor.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace vernier::reference {

Tensor::Tensor(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    shape.assign(tensor.getShape().begin(), tensor.getShape().end());
    elementType = tensor.getElementType();
    elements.resize(tensor.getNumElements());
    return;
  }
  elementType = type;
  elements.resize(1);
}

static double toDouble(const APFloat &value) {
  APFloat wide = value;
  bool losesInfo = false;
  wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  return wide.convertToDouble();
}

static double toDouble(const APInt &value) {
  return value.getBitWidth() == 1 ? double(value.getZExtValue())
                                  : double(value.getSExtValue());
}

/// Read all elements of `dense`, whose values are of the attribute value type
/// T.
template <typename T>
static void readElements(DenseElementsAttr dense, Tensor &tensor) {
  if (dense.isSplat()) {
    tensor.elements.assign(tensor.size(), toDouble(dense.getSplatValue<T>()));
    return;
  }
  for (auto [index, value] : llvm::enumerate(dense.getValues<T>()))
    tensor.elements[index] = toDouble(value);
}

FailureOr<Tensor> toTensor(Attribute attribute, Type type) {
  Tensor tensor(type);
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute)) {
    if (dense.getNumElements() != tensor.size())
      return failure();
    if (isa<FloatType>(dense.getElementType()))
      readElements<APFloat>(dense, tensor);
    else
      readElements<APInt>(dense, tensor);
    return tensor;
  }
  if (auto value = dyn_cast<FloatAttr>(attribute))
    tensor.elements.assign(tensor.size(), toDouble(value.getValue()));
  else if (auto value = dyn_cast<IntegerAttr>(attribute))
    tensor.elements.assign(tensor.size(), toDouble(value.getValue()));
  else
    return failure();
  return tensor;
}

/// Print the elements from `index` on, nested in brackets from `dim` on.
static void printDims(const Tensor &tensor, int64_t dim, int64_t &index,
                      llvm::raw_ostream &os) {
  if (dim == tensor.rank()) {
    double value = tensor.elements[index++];
    if (isa<IntegerType>(tensor.elementType))
      os << static_cast<int64_t>(value);
    else
      os << llvm::format("%.*g", tensor.elementType.isF64() ? 17 : 9, value);
    return;
  }
  os << '[';
  for (int64_t i = 0; i < tensor.shape[dim]; ++i) {
    if (i)
      os << ", ";
    printDims(tensor, dim + 1, index, os);
  }
  os << ']';
}

std::string print(const Tensor &tensor) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << RankedTensorType::get(tensor.shape, tensor.elementType) << ' ';
  int64_t index = 0;
  printDims(tensor, 0, index, os);
  return text;
}

} // namespace vernier::reference
