//===- TrainPoolingOps.cpp - Pooling: verifiers, vjp, cost
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ShapeChecks.h"

#include "vernier/Dialect/Train/IR/Convolution.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

/// The places of the windows along dim `dim` (0 or 1), 0 if there is one
/// without a pixel of the image.
template <typename OpTy>
static int64_t countWindows(OpTy op, int64_t extent, int dim) {
  int64_t before = op.getPadding()[dim], after = op.getPadding()[dim + 2],
          stride = op.getStrides()[dim];
  int64_t places = countPlaces(extent, op.getWindow()[dim], stride,
                               /*dilation=*/1, before + after);
  return (places - 1) * stride - before < extent ? places : 0;
}

template <typename OpTy>
static LogicalResult verifyPooling(OpTy op, RankedTensorType image,
                                   RankedTensorType output) {
  if (image.getRank() != 4 || output.getRank() != 4 ||
      image.getElementType() != output.getElementType() ||
      image.getDimSize(0) != output.getDimSize(0) ||
      image.getDimSize(3) != output.getDimSize(3))
    return op.emitOpError("(Q1) expects tensors of rank 4, with equal first "
                          "and last extents and one element type, got image ")
           << image << " and output " << output;
  ArrayRef<int64_t> window = op.getWindow(), strides = op.getStrides(),
                    padding = op.getPadding();
  auto isPositive = [](int64_t value) {
    return value > 0 && value <= INT32_MAX;
  };
  bool isSane = window.size() == 2 && strides.size() == 2 &&
                padding.size() == 4 && llvm::all_of(window, isPositive) &&
                llvm::all_of(strides, isPositive);
  for (int i = 0; isSane && i < 4; ++i)
    isSane = padding[i] >= 0 && padding[i] < window[i % 2];
  if (!isSane)
    return op.emitOpError("(Q2) expects positive windows and strides, and "
                          "paddings of 0 or more below the window");
  if (op.getAdaptive()) {
    bool isBare = llvm::all_equal({window[0], window[1], strides[0], strides[1],
                                   int64_t(1)}) &&
                  llvm::all_of(padding, [](int64_t p) { return p == 0; });
    if (!isBare || output.getDimSize(1) > image.getDimSize(1) ||
        output.getDimSize(2) > image.getDimSize(2) ||
        output.getNumElements() == 0)
      return op.emitOpError("(Q4) expects adaptive windows without window, "
                            "strides and padding, and an output no larger than "
                            "the image, got image ")
             << image << " and output " << output;
    return success();
  }
  SmallVector<int64_t> expected(image.getShape());
  for (int dim : {0, 1})
    expected[dim + 1] = countWindows(op, image.getDimSize(dim + 1), dim);
  if (output.getShape() != ArrayRef(expected) || expected[1] < 1 ||
      expected[2] < 1)
    return op.emitOpError("(Q3) expects an output of shape ")
           << shapeText(expected) << ", got " << shapeText(output.getShape());
  return success();
}

LogicalResult Pool2dOp::verify() {
  return verifyPooling(*this, tensorType(getInput()), tensorType(getResult()));
}

LogicalResult Pool2dGradientOp::verify() {
  bool isMax = getKind() == PoolKind::Max;
  if (isMax != bool(getInput()) ||
      (isMax && getInput().getType() != getResult().getType()))
    return emitOpError("(Q5) expects an input of the result's type for max, "
                       "none for average");
  return verifyPooling(*this, tensorType(getResult()),
                       tensorType(getGradient()));
}

//===----------------------------------------------------------------------===//
// Cost and vjp
//===----------------------------------------------------------------------===//

/// One operation for each element of each window.
template <typename OpTy>
static int64_t countPoolingFlops(OpTy op, RankedTensorType image,
                                 RankedTensorType output) {
  if (op.getAdaptive())
    return image.getNumElements();
  return output.getNumElements() * op.getWindow()[0] * op.getWindow()[1];
}

int64_t Pool2dOp::getFlops() {
  return countPoolingFlops(*this, tensorType(getInput()),
                           tensorType(getResult()));
}
int64_t Pool2dGradientOp::getFlops() {
  return countPoolingFlops(*this, tensorType(getResult()),
                           tensorType(getGradient()));
}

LogicalResult Pool2dOp::buildVjp(OpBuilder &builder,
                                 ArrayRef<Value> resultGradients,
                                 ArrayRef<bool>,
                                 MutableArrayRef<Value> operandGradients) {
  Value image = getKind() == PoolKind::Max ? getInput() : Value();
  operandGradients[0] = Pool2dGradientOp::create(
      builder, getLoc(), getInput().getType(), getKind(),
      resultGradients.front(), image, getWindow(), getStrides(), getPadding(),
      getAdaptive());
  return success();
}
