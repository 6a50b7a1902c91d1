//===- ExpansionBuilder.cpp - Builds what composites expand into
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/IR/ExpansionBuilder.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace vernier::train;

/// A reduction of at most this many elements runs in one stage: less than one
/// thread's start-up costs.
static constexpr int64_t kOneStageElements = 4096;
/// The row length that a stage of a larger reduction aims for.
static constexpr int64_t kStageColumns = 1024;

static RankedTensorType tensorType(Value value) {
  return llvm::cast<RankedTensorType>(value.getType());
}

ExpansionBuilder::ExpansionBuilder(OpBuilder &builder, Operation *op)
    : builder(builder), loc(op->getLoc()), computeType(builder.getF32Type()) {
  auto isF64 = [](Type type) { return getElementTypeOrSelf(type).isF64(); };
  if (llvm::any_of(op->getOperandTypes(), isF64) ||
      llvm::any_of(op->getResultTypes(), isF64))
    computeType = builder.getF64Type();
}

Value ExpansionBuilder::cast(Value value, Type elementType) {
  RankedTensorType type = tensorType(value);
  unsigned from = type.getElementTypeBitWidth();
  unsigned to = elementType.getIntOrFloatBitWidth();
  if (type.getElementType() == elementType)
    return value;
  Type resultType = type.clone(elementType);
  // bf16 and f16 have one width and no direct cast.
  if (from == to)
    value = create<arith::ExtFOp>(type.clone(builder.getF32Type()), value);
  if (from < to)
    return create<arith::ExtFOp>(resultType, value);
  return create<arith::TruncFOp>(resultType, value);
}

Value ExpansionBuilder::roundTo(Value value, Type type) {
  return cast(value, getElementTypeOrSelf(type));
}

Value ExpansionBuilder::splat(double value, Type type) {
  auto tensor = llvm::cast<RankedTensorType>(type);
  Type element = tensor.getElementType();
  Attribute attr;
  if (isa<FloatType>(element))
    attr = builder.getFloatAttr(element, value);
  else
    attr = builder.getIntegerAttr(element, static_cast<int64_t>(value));
  return create<arith::ConstantOp>(SplatElementsAttr::get(tensor, attr));
}

Value ExpansionBuilder::broadcast(Value value, ArrayRef<int64_t> shape,
                                  ArrayRef<int64_t> dims) {
  auto type = RankedTensorType::get(shape, tensorType(value).getElementType());
  return builder.createOrFold<BroadcastOp>(loc, type, value, dims);
}

Value ExpansionBuilder::broadcastScalar(Value value, Value like) {
  return broadcast(value, tensorType(like).getShape(), {});
}

Value ExpansionBuilder::broadcastRows(Value value, Value like) {
  ArrayRef<int64_t> shape = tensorType(like).getShape();
  return broadcast(value, shape,
                   llvm::to_vector(llvm::seq<int64_t>(0, shape.size() - 1)));
}

Value ExpansionBuilder::broadcastColumns(Value value, Value like) {
  ArrayRef<int64_t> shape = tensorType(like).getShape();
  return broadcast(value, shape, {static_cast<int64_t>(shape.size()) - 1});
}

Value ExpansionBuilder::reduce(ReduceKind kind, Value value,
                               ArrayRef<int64_t> dims) {
  RankedTensorType type = tensorType(value);
  SmallVector<int64_t> shape;
  for (auto [dim, extent] : llvm::enumerate(type.getShape()))
    if (!llvm::is_contained(dims, static_cast<int64_t>(dim)))
      shape.push_back(extent);
  return create<ReduceOp>(type.clone(shape), kind, value, dims);
}

Value ExpansionBuilder::reduceRows(ReduceKind kind, Value value) {
  return reduce(kind, value, {tensorType(value).getRank() - 1});
}

Value ExpansionBuilder::splitForReduction(Value value) {
  RankedTensorType type = tensorType(value);
  int64_t elements = type.getNumElements();
  if (type.getRank() != 1 || elements <= kOneStageElements)
    return value;
  // The longest row up to the aim that divides the vector.
  int64_t columns = kStageColumns;
  while (elements % columns)
    --columns;
  if (columns == 1)
    return value;
  SmallVector<ReassociationIndices> dims{{0, 1}};
  return create<tensor::ExpandShapeOp>(
      type.clone({elements / columns, columns}), value, dims);
}

Value ExpansionBuilder::reduceAll(ReduceKind kind, Value value) {
  RankedTensorType type = tensorType(value);
  int64_t elements = type.getNumElements(), rank = type.getRank();
  if (rank == 0)
    return value;
  if (elements <= kOneStageElements)
    return reduce(kind, value, llvm::to_vector(llvm::seq<int64_t>(0, rank)));
  if (kind == ReduceKind::Mean)
    return div(reduceAll(ReduceKind::Sum, value),
               splat(elements, type.clone(ArrayRef<int64_t>{})));
  if (rank == 1) {
    Value split = splitForReduction(value);
    // A prime number of elements has no rows.
    if (split == value)
      return reduce(kind, value, {0});
    return reduceAll(kind, split);
  }
  // Rows of at least a few hundred elements, but always some rows.
  int64_t first = rank - 1, columns = type.getDimSize(first);
  while (first > 1 && columns < kStageColumns / 4)
    columns *= type.getDimSize(--first);
  Value rows =
      reduce(kind, value, llvm::to_vector(llvm::seq<int64_t>(first, rank)));
  return reduceAll(kind, rows);
}

Value ExpansionBuilder::fromInteger(Value value) {
  return create<arith::SIToFPOp>(tensorType(value).clone(computeType), value);
}
