//===- TrainExprs.cpp - Reductions and broadcasts in C++ arithmetic
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainExprs.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace vernier::train {

TensorExpr reduce(ReduceKind kind, TensorExpr x, ArrayRef<int64_t> dims,
                  Type elementType) {
  RankedTensorType type = x.getType();
  SmallVector<int64_t> shape;
  for (auto [dim, extent] : llvm::enumerate(type.getShape()))
    if (!llvm::is_contained(dims, int64_t(dim)))
      shape.push_back(extent);
  if (!elementType)
    elementType = type.getElementType();
  return x.with(ReduceOp::create(x.getBuilder(), x.getLoc(),
                                 RankedTensorType::get(shape, elementType),
                                 kind, x, dims));
}

TensorExpr broadcast(TensorExpr x, ArrayRef<int64_t> shape,
                     ArrayRef<int64_t> dims) {
  return x.with(BroadcastOp::create(x.getBuilder(), x.getLoc(),
                                    x.getType().clone(shape), x, dims));
}

SmallVector<int64_t> getLeadingDims(TensorExpr x) {
  return llvm::to_vector(llvm::seq<int64_t>(0, x.getType().getRank() - 1));
}

TensorExpr sumOfRows(TensorExpr x, Type elementType) {
  SmallVector<int64_t> leading = getLeadingDims(x);
  return leading.empty() ? x.castTo(elementType)
                         : reduce(ReduceKind::Sum, x, leading, elementType);
}

TensorExpr alongRow(ReduceKind kind, TensorExpr x) {
  TensorExpr each = reduce(kind, x, {x.getType().getRank() - 1});
  return broadcast(each, x.getType().getShape(), getLeadingDims(x));
}

TensorExpr overRows(TensorExpr column, TensorExpr x) {
  return broadcast(column, x.getType().getShape(), {x.getType().getRank() - 1});
}

TensorExpr everywhere(TensorExpr scalar, TensorExpr x) {
  return broadcast(scalar, x.getType().getShape(), {});
}

/// The grouping of (..., C) as (rows, C); for rank 1 there is no row to group.
static SmallVector<ReassociationIndices> groupRows(int64_t rank) {
  if (rank == 1)
    return {{0, 1}};
  return {llvm::to_vector<2>(llvm::seq<int64_t>(0, rank - 1)), {rank - 1}};
}

TensorExpr collapseToMatrix(TensorExpr x) {
  ArrayRef<int64_t> shape = x.getType().getShape();
  if (shape.size() == 2)
    return x;
  RankedTensorType type = x.getType().clone(
      {x.getType().getNumElements() / shape.back(), shape.back()});
  if (shape.size() == 1)
    return x.with(tensor::ExpandShapeOp::create(x.getBuilder(), x.getLoc(),
                                                type, x, groupRows(1)));
  return x.with(tensor::CollapseShapeOp::create(
      x.getBuilder(), x.getLoc(), type, x, groupRows(shape.size())));
}

TensorExpr expandFromMatrix(TensorExpr x, ArrayRef<int64_t> shape) {
  RankedTensorType type = x.getType().clone(shape);
  if (shape.size() == 2)
    return x;
  if (shape.size() == 1)
    return x.with(tensor::CollapseShapeOp::create(x.getBuilder(), x.getLoc(),
                                                  type, x, groupRows(1)));
  return x.with(tensor::ExpandShapeOp::create(x.getBuilder(), x.getLoc(), type,
                                              x, groupRows(shape.size())));
}

/// All dims of a shape as one.
static SmallVector<ReassociationIndices> groupAll(int64_t rank) {
  SmallVector<ReassociationIndices> groups;
  if (rank)
    groups.push_back(llvm::to_vector<2>(llvm::seq<int64_t>(0, rank)));
  return groups;
}

TensorExpr reshape(TensorExpr x, ArrayRef<int64_t> shape) {
  RankedTensorType type = x.getType();
  if (type.getShape() == shape)
    return x;
  OpBuilder &builder = x.getBuilder();
  Value flat = x;
  if (type.getRank() != 1)
    flat = tensor::CollapseShapeOp::create(builder, x.getLoc(),
                                           type.clone({type.getNumElements()}),
                                           flat, groupAll(type.getRank()));
  if (shape.size() == 1)
    return x.with(flat);
  return x.with(tensor::ExpandShapeOp::create(
      builder, x.getLoc(), type.clone(shape), flat, groupAll(shape.size())));
}

GradientTypes getGradientTypes(Operation *contraction, unsigned number,
                               bool isTf32) {
  Type own = getElementTypeOrSelf(contraction->getOperand(number));
  auto entries = contraction->getAttrOfType<ArrayAttr>(kOperandGradientsAttr);
  auto asked = entries ? dyn_cast<GradientTypesAttr>(entries[number])
                       : GradientTypesAttr();
  if (!asked)
    return {own, own, isTf32};
  bool asksTf32 = asked.getOperand().isTF32();
  Type operand = asksTf32 ? Float32Type::get(contraction->getContext())
                          : asked.getOperand();
  return {operand, asked.getResult(), asksTf32};
}

std::pair<TensorExpr, TensorExpr> castForOperands(TensorExpr g,
                                                  const GradientTypes &lhs,
                                                  const GradientTypes &rhs) {
  TensorExpr forLhs = g.castTo(lhs.operand);
  return {forLhs, lhs.operand == rhs.operand ? forLhs : g.castTo(rhs.operand)};
}

TensorExpr transpose(TensorExpr x, ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation)
    shape.push_back(x.getType().getDimSize(dim));
  return x.with(TransposeOp::create(x.getBuilder(), x.getLoc(),
                                    x.getType().clone(shape), x, permutation));
}

} // namespace vernier::train
