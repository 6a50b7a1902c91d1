//===- TrainShapeVjps.cpp - The vjps of broadcast, reduce and transpose
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
using namespace vernier;
using namespace vernier::train;

/// Put back dims of extent 1 that a reduce dropped: `shape` is x's with
/// `units`. Each unit dim joins the group of the dim before it, the first ones
/// that after.
static TensorExpr restoreUnitDims(TensorExpr x, ArrayRef<int64_t> shape,
                                  ArrayRef<int64_t> units) {
  SmallVector<ReassociationIndices> groups(x.getType().getRank());
  int64_t group = -1;
  for (int64_t dim = 0; dim < int64_t(shape.size()); ++dim) {
    if (!llvm::is_contained(units, dim))
      ++group;
    if (!groups.empty())
      groups[std::max<int64_t>(group, 0)].push_back(dim);
  }
  return x.with(tensor::ExpandShapeOp::create(
      x.getBuilder(), x.getLoc(), x.getType().clone(shape), x, groups));
}

/// The sum over all copies: the dims that the input lacks or has with extent 1.
/// A reduce drops those of extent 1 too, which a reshape puts back.
LogicalResult BroadcastOp::buildVjp(OpBuilder &builder,
                                    ArrayRef<Value> resultGradients,
                                    ArrayRef<bool>,
                                    MutableArrayRef<Value> operandGradients) {
  TensorExpr g(builder, getLoc(), resultGradients.front());
  RankedTensorType input = cast<RankedTensorType>(getInput().getType());
  SmallVector<int64_t> summed, units;
  for (int64_t dim = 0; dim < g.getType().getRank(); ++dim) {
    int64_t position = llvm::find(getDims(), dim) - getDims().begin();
    bool isNew = position == int64_t(getDims().size());
    if (!isNew && input.getDimSize(position) == g.getType().getDimSize(dim))
      continue;
    summed.push_back(dim);
    if (!isNew)
      units.push_back(position);
  }
  TensorExpr sum = summed.empty() ? g : reduce(ReduceKind::Sum, g, summed);
  operandGradients[0] =
      units.empty() ? sum : restoreUnitDims(sum, input.getShape(), units);
  return success();
}

bool BroadcastOp::takesAnyGradientType() { return true; }

/// Repeat `reduced` along the dims that `op` combined.
static TensorExpr undoReduce(ReduceOp op, TensorExpr reduced) {
  ArrayRef<int64_t> shape =
      cast<RankedTensorType>(op.getInput().getType()).getShape();
  SmallVector<int64_t> kept;
  for (int64_t dim = 0; dim < int64_t(shape.size()); ++dim)
    if (!llvm::is_contained(op.getDims(), dim))
      kept.push_back(dim);
  return broadcast(reduced, shape, kept);
}

/// The gradient goes to the maxima, in equal shares where there are several.
/// The maximum is taken again where the result was rounded below the input's
/// type.
static TensorExpr buildMaxGradient(ReduceOp op, TensorExpr g) {
  TensorExpr x = g.with(op.getInput()).widen();
  TensorExpr maximum = g.with(op.getResult()).widen();
  if (getElementTypeOrSelf(op.getResult()).getIntOrFloatBitWidth() <
      getElementTypeOrSelf(op.getInput()).getIntOrFloatBitWidth())
    maximum = reduce(ReduceKind::Max, x, op.getDims());
  TensorExpr isMaximum = select(
      isEqual(x, undoReduce(op, maximum.castTo(x.getType().getElementType()))),
      x.splat(1.0), x.splat(0.0));
  TensorExpr count = reduce(ReduceKind::Sum, isMaximum, op.getDims());
  TensorExpr share = g.castTo(x.getType().getElementType()) / count;
  return isMaximum * undoReduce(op, share);
}

LogicalResult ReduceOp::buildVjp(OpBuilder &builder,
                                 ArrayRef<Value> resultGradients,
                                 ArrayRef<bool>,
                                 MutableArrayRef<Value> operandGradients) {
  TensorExpr result(builder, getLoc(), resultGradients.front());
  Type element = getElementTypeOrSelf(getInput());
  TensorExpr g = result.widen();
  switch (getKind()) {
  case ReduceKind::Sum:
    operandGradients[0] = undoReduce(*this, result.castTo(element));
    return success();
  case ReduceKind::Mean: {
    int64_t terms = 1;
    for (int64_t dim : getDims())
      terms *= cast<RankedTensorType>(getInput().getType()).getDimSize(dim);
    operandGradients[0] =
        undoReduce(*this, (g / double(terms)).castTo(element));
    return success();
  }
  case ReduceKind::Max:
    operandGradients[0] = buildMaxGradient(*this, g).castTo(element);
    return success();
  }
  llvm_unreachable("unknown reduce kind");
}

/// Permuted back.
LogicalResult TransposeOp::buildVjp(OpBuilder &builder,
                                    ArrayRef<Value> resultGradients,
                                    ArrayRef<bool>,
                                    MutableArrayRef<Value> operandGradients) {
  SmallVector<int64_t> inverse(getPermutation().size());
  for (auto [to, from] : llvm::enumerate(getPermutation()))
    inverse[from] = to;
  TensorExpr g(builder, getLoc(), resultGradients.front());
  operandGradients[0] = transpose(g, inverse);
  return success();
}

bool TransposeOp::takesAnyGradientType() { return true; }
