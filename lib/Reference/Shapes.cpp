//===- Shapes.cpp - Broadcast, transpose, one-hot, tensor ops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace vernier::reference {

/// Elements between neighbours along each dim of a row-major tensor.
static SmallVector<int64_t> getStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t dim = int64_t(shape.size()) - 2; dim >= 0; --dim)
    strides[dim] = strides[dim + 1] * shape[dim + 1];
  return strides;
}

/// Call `visit(i, position)` for each element i of a row-major tensor, where
/// position is start + the sum of its indices times `strides`.
template <typename Visit>
static void forEachElement(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides,
                           int64_t start, Visit visit) {
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  int64_t position = start;
  for (int64_t i = 0; i < count; ++i) {
    visit(i, position);
    for (int64_t dim = int64_t(shape.size()) - 1; dim >= 0; --dim) {
      position += strides[dim];
      if (++index[dim] < shape[dim])
        break;
      position -= strides[dim] * shape[dim];
      index[dim] = 0;
    }
  }
}

/// The result reads the operand at the position that `strides` gives.
static void gather(Invocation &in, ArrayRef<int64_t> strides,
                   int64_t start = 0) {
  Tensor &result = in.result();
  const std::vector<double> &source = in.operand(0).elements;
  forEachElement(result.shape, strides, start,
                 [&](int64_t i, int64_t position) {
                   result.elements[i] = source[position];
                 });
}

static void evaluateBroadcast(train::BroadcastOp op, Invocation &in) {
  const Tensor &input = in.operand(0);
  SmallVector<int64_t> inputStrides = getStrides(input.shape);
  SmallVector<int64_t> strides(in.result().rank(), 0);
  for (auto [inputDim, resultDim] : llvm::enumerate(op.getDims()))
    if (input.shape[inputDim] != 1)
      strides[resultDim] = inputStrides[inputDim];
  gather(in, strides);
}

static void evaluateTranspose(train::TransposeOp op, Invocation &in) {
  SmallVector<int64_t> inputStrides = getStrides(in.operand(0).shape);
  SmallVector<int64_t> strides;
  for (int64_t dim : op.getPermutation())
    strides.push_back(inputStrides[dim]);
  gather(in, strides);
}

static void evaluateOneHot(train::OneHotOp, Invocation &in) {
  int64_t columns = in.result().columns();
  for (auto [row, label] : llvm::enumerate(in.operand(0).elements))
    if (label >= 0 && label < columns)
      in.result().elements[row * columns + int64_t(label)] = 1.0;
}

static void copyElements(Invocation &in) {
  in.result().elements = in.operand(0).elements;
}

static void evaluateSplat(tensor::SplatOp, Invocation &in) {
  in.result().elements.assign(in.result().size(), in.operand(0).elements[0]);
}

static void evaluateFromElements(tensor::FromElementsOp, Invocation &in) {
  for (auto [index, operand] : llvm::enumerate(in.operands))
    in.result().elements[index] = operand->elements[0];
}

//===----------------------------------------------------------------------===//
// Pad and slice
//===----------------------------------------------------------------------===//

/// Whether offsets, sizes and strides are all known now.
template <typename OpTy> static bool isStatic(OpTy op) {
  return op.getOffsets().empty() && op.getSizes().empty() &&
         op.getStrides().empty();
}

/// Where a slice lies in the larger tensor of `shape`: the first element and
/// the distance between neighbours.
static std::pair<int64_t, SmallVector<int64_t>>
locate(ArrayRef<int64_t> shape, ArrayRef<int64_t> offsets,
       ArrayRef<int64_t> steps) {
  SmallVector<int64_t> strides = getStrides(shape);
  int64_t start = 0;
  for (size_t dim = 0; dim < shape.size(); ++dim) {
    start += offsets[dim] * strides[dim];
    strides[dim] *= steps[dim];
  }
  return {start, strides};
}

static LogicalResult evaluateExtractSlice(tensor::ExtractSliceOp op,
                                          Invocation &in) {
  if (!isStatic(op))
    return op.emitOpError("cannot be evaluated with dynamic offsets, sizes or "
                          "strides; make them static");
  auto [start, strides] =
      locate(in.operand(0).shape, op.getStaticOffsets(), op.getStaticStrides());
  const std::vector<double> &source = in.operand(0).elements;
  Tensor &result = in.result();
  // The slice's own shape may have unit dims that the result drops.
  forEachElement(op.getStaticSizes(), strides, start,
                 [&](int64_t i, int64_t position) {
                   result.elements[i] = source[position];
                 });
  return success();
}

static LogicalResult evaluateInsertSlice(tensor::InsertSliceOp op,
                                         Invocation &in) {
  if (!isStatic(op))
    return op.emitOpError("cannot be evaluated with dynamic offsets, sizes or "
                          "strides; make them static");
  Tensor &result = in.result();
  result.elements = in.operand(1).elements;
  auto [start, strides] =
      locate(result.shape, op.getStaticOffsets(), op.getStaticStrides());
  forEachElement(op.getStaticSizes(), strides, start,
                 [&](int64_t i, int64_t position) {
                   result.elements[position] = in.operand(0).elements[i];
                 });
  return success();
}

static LogicalResult evaluatePad(tensor::PadOp op, Invocation &in) {
  Value padding = op.getConstantPaddingValue();
  Attribute attribute;
  if (!op.getLow().empty() || !op.getHigh().empty() || !padding ||
      !matchPattern(padding, m_Constant(&attribute)))
    return op.emitOpError("can only be evaluated with static extents and a "
                          "constant padding value");
  Tensor &result = in.result();
  result.elements.assign(result.size(),
                         toTensor(attribute, padding.getType())->elements[0]);
  SmallVector<int64_t> steps(result.rank(), 1);
  auto [start, strides] = locate(result.shape, op.getStaticLow(), steps);
  forEachElement(in.operand(0).shape, strides, start,
                 [&](int64_t i, int64_t position) {
                   result.elements[position] = in.operand(0).elements[i];
                 });
  return success();
}

/// Rows of `inner` elements behind each other, for each index of the dims
/// before the one that is joined.
static void evaluateConcat(tensor::ConcatOp op, Invocation &in) {
  Tensor &result = in.result();
  int64_t dim = op.getDim(), outer = 1;
  for (int64_t before = 0; before < dim; ++before)
    outer *= result.shape[before];
  int64_t position = 0;
  for (int64_t index = 0; index < outer; ++index)
    for (const Tensor *operand : in.operands) {
      int64_t inner = operand->size() / outer;
      for (int64_t i = 0; i < inner; ++i)
        result.elements[position++] = operand->elements[index * inner + i];
    }
}

void addShapes(OpTable &table) {
  table.add<train::BroadcastOp>(evaluateBroadcast);
  table.add<train::TransposeOp>(evaluateTranspose);
  table.add<train::OneHotOp>(evaluateOneHot);
  table.add<tensor::ConcatOp>(evaluateConcat);
  auto copy = [](auto, Invocation &in) { copyElements(in); };
  table.add<tensor::CollapseShapeOp>(copy);
  table.add<tensor::ExpandShapeOp>(copy);
  table.add<tensor::CastOp>(copy);
  table.add<tensor::ReshapeOp>(copy);
  table.add<tensor::SplatOp>(evaluateSplat);
  table.add<tensor::FromElementsOp>(evaluateFromElements);
  table.add<tensor::ExtractSliceOp>(evaluateExtractSlice);
  table.add<tensor::InsertSliceOp>(evaluateInsertSlice);
  table.add<tensor::PadOp>(evaluatePad);
}

} // namespace vernier::reference
