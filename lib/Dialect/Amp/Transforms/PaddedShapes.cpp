//===- PaddedShapes.cpp - Which operand shapes a padded result asks for
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PaddedShapes.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

using Extents = SmallVector<int64_t>;
using ExtentsOrNone = std::optional<SmallVector<int64_t>>;

static ArrayRef<int64_t> getShape(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getShape() : ArrayRef<int64_t>();
}

bool vernier::amp::canComputePadded(Operation *op) {
  if (isa<train::TransposeOp, train::GatherOp, train::ScatterAddOp,
          tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
    return true;
  auto fusible = dyn_cast<FusionOpInterface>(op);
  if (!fusible || op->hasTrait<OpTrait::ConstantLike>() ||
      op->getNumRegions() > 0)
    return false;
  FusionKind kind = fusible.getFusionKind();
  return kind == FusionKind::Elementwise || kind == FusionKind::Reduction ||
         kind == FusionKind::Composite;
}

/// Statistics of rows are repeated along the rows that they are of: such ops
/// are left to one kernel that reads and writes padded rows, reductions
/// included.
static ExtentsOrNone getBroadcastInput(train::BroadcastOp op,
                                       ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> real = getShape(op.getResult());
  Extents result(getShape(op.getInput()));
  for (int64_t dim = 0; dim < int64_t(real.size()) && !result.empty(); ++dim)
    if (real[dim] != shape[dim] && !llvm::is_contained(op.getDims(), dim))
      return std::nullopt;
  for (auto [index, dim] : llvm::enumerate(op.getDims()))
    if (result[index] == real[dim])
      result[index] = shape[dim];
  return result;
}

static Extents getReduceInput(train::ReduceOp op, ArrayRef<int64_t> shape) {
  Extents result(getShape(op.getInput()));
  unsigned next = 0;
  for (int64_t dim = 0; dim < int64_t(result.size()); ++dim)
    if (!llvm::is_contained(op.getDims(), dim))
      result[dim] = shape[next++];
  return result;
}

static Extents getTransposeInput(train::TransposeOp op,
                                 ArrayRef<int64_t> shape) {
  Extents result(shape.size());
  for (auto [index, dim] : llvm::enumerate(op.getPermutation()))
    result[dim] = shape[index];
  return result;
}

/// Dims that a reshape keeps may be padded; of those that it splits or joins
/// the elements would move.
static ExtentsOrNone getReshapeInput(ArrayRef<ReassociationIndices> groups,
                                     Value input, Value output,
                                     ArrayRef<int64_t> shape, bool collapses) {
  ArrayRef<int64_t> real = getShape(output);
  Extents result(getShape(input));
  for (auto [joined, dims] : llvm::enumerate(groups)) {
    bool isKept = dims.size() == 1;
    int64_t in = collapses ? dims.front() : int64_t(joined),
            out = collapses ? int64_t(joined) : dims.front();
    if (isKept) {
      result[in] = shape[out];
      continue;
    }
    int64_t count = collapses ? 1 : dims.size();
    if (real.slice(out, count) != shape.slice(out, count))
      return std::nullopt;
  }
  return result;
}

/// Rows of a table keep their number and are as long as those of the result,
/// and the other way round.
static ExtentsOrNone getRowsInput(OpOperand &operand, Value indices,
                                  ArrayRef<int64_t> shape, bool gathers) {
  Extents result(getShape(operand.get()));
  if (operand.get() == indices && operand.getOperandNumber() == 1)
    return result;
  int64_t rank = getShape(indices).size();
  ArrayRef<int64_t> real = getShape(operand.getOwner()->getResult(0));
  if (gathers && real.take_front(rank) != shape.take_front(rank))
    return std::nullopt;
  ArrayRef<int64_t> row = shape.drop_front(gathers ? rank : 1);
  llvm::copy(row, result.end() - row.size());
  return result;
}

ExtentsOrNone vernier::amp::getPaddedOperandShape(OpOperand &operand,
                                                  ArrayRef<int64_t> shape) {
  Operation *op = operand.getOwner();
  ArrayRef<int64_t> real = getShape(op->getResult(0)),
                    own = getShape(operand.get());
  if (auto broadcast = dyn_cast<train::BroadcastOp>(op))
    return getBroadcastInput(broadcast, shape);
  if (auto reduce = dyn_cast<train::ReduceOp>(op))
    return getReduceInput(reduce, shape);
  if (auto transpose = dyn_cast<train::TransposeOp>(op))
    return getTransposeInput(transpose, shape);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return getReshapeInput(collapse.getReassociationIndices(), operand.get(),
                           collapse.getResult(), shape, /*collapses=*/true);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return getReshapeInput(expand.getReassociationIndices(), operand.get(),
                           expand.getResult(), shape, /*collapses=*/false);
  if (auto gather = dyn_cast<train::GatherOp>(op))
    return getRowsInput(operand, gather.getIndices(), shape, /*gathers=*/true);
  if (auto scatter = dyn_cast<train::ScatterAddOp>(op))
    return getRowsInput(operand, scatter.getIndices(), shape,
                        /*gathers=*/false);
  if (isa<train::OneHotOp>(op) && shape.front() != real.front())
    return std::nullopt;
  if (own.empty() || isa<train::OneHotOp>(op))
    return Extents(own);
  if (own != real)
    return std::nullopt;
  return Extents(shape);
}

void vernier::amp::setPaddedResultShape(Operation *op,
                                        ArrayRef<int64_t> shape) {
  for (Value value : op->getResults())
    value.setType(cast<RankedTensorType>(value.getType()).clone(shape));
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    expand.setStaticOutputShape(shape);
}
