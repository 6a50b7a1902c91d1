//===- TrainConvolutionOps.cpp - Convolutions: verifiers, vjp, cost
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ShapeChecks.h"
#include "TrainExprs.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

//===----------------------------------------------------------------------===//
// Extents
//===----------------------------------------------------------------------===//

template <typename OpTy>
static Convolution makeConvolution(OpTy op, Value image, Value weight,
                                   Value output) {
  return {tensorType(image),      tensorType(weight), tensorType(output),
          op.getStrides(),        op.getPadding(),    op.getDilation(),
          int64_t(op.getGroups())};
}

Convolution Conv2dOp::getConvolution() {
  return makeConvolution(*this, getInput(), getWeight(), getResult());
}
Convolution Conv2dInputGradientOp::getConvolution() {
  return makeConvolution(*this, getResult(), getWeight(), getGradient());
}
Convolution Conv2dWeightGradientOp::getConvolution() {
  return makeConvolution(*this, getInput(), getResult(), getGradient());
}

/// For each group one product: (rows, depth) . (depth, columns).
static ContractionDims makeDims(const Convolution &c, int64_t rows,
                                int64_t columns, int64_t depth) {
  ContractionDims dims;
  dims.batch = c.groups;
  dims.m = rows;
  dims.n = columns;
  dims.k = depth;
  return dims;
}

static int64_t countPixels(RankedTensorType type) {
  return type.getNumElements() / type.getShape().back();
}
/// KH KW C / groups.
static int64_t countTaps(const Convolution &c) {
  return c.weight.getNumElements() / c.weight.getDimSize(0);
}

ContractionDims Conv2dOp::getContractionDims() {
  Convolution c = getConvolution();
  return makeDims(c, countPixels(c.output), c.weight.getDimSize(0) / c.groups,
                  countTaps(c));
}
ContractionDims Conv2dInputGradientOp::getContractionDims() {
  Convolution c = getConvolution();
  return makeDims(c, countPixels(c.output), countTaps(c),
                  c.weight.getDimSize(0) / c.groups);
}
ContractionDims Conv2dWeightGradientOp::getContractionDims() {
  Convolution c = getConvolution();
  return makeDims(c, c.weight.getDimSize(0) / c.groups, countTaps(c),
                  countPixels(c.output));
}

#define VERNIER_CONVOLUTION(Op)                                                \
  OpOperand &Op::getLhsOperand() { return getOperation()->getOpOperand(0); }   \
  OpOperand &Op::getRhsOperand() { return getOperation()->getOpOperand(1); }   \
  Value Op::getContractionBias() { return {}; }                                \
  bool Op::isMatrixProduct() { return false; }                                 \
  int64_t Op::getFlops() { return 2 * getConvolution().countProducts(); }      \
  LogicalResult Op::verify() { return verifyConvolution(*this); }

//===----------------------------------------------------------------------===//
// Verifier
//===----------------------------------------------------------------------===//

static bool areAtLeast(ArrayRef<int64_t> values, size_t count, int64_t least) {
  return values.size() == count && llvm::all_of(values, [&](int64_t value) {
           return value >= least && value <= INT32_MAX;
         });
}

template <typename OpTy> static LogicalResult verifyConvolution(OpTy op) {
  Convolution c = op.getConvolution();
  auto operandType = [&](unsigned i) {
    return tensorType(op->getOperand(i)).getElementType();
  };
  if (c.image.getRank() != 4 || c.weight.getRank() != 4 ||
      c.output.getRank() != 4 || operandType(0) != operandType(1))
    return op.emitOpError("(V1) expects tensors of rank 4 and operands of one "
                          "element type, got image ")
           << c.image << ", weight " << c.weight << " and output " << c.output;
  if (!areAtLeast(c.strides, 2, 1) || !areAtLeast(c.dilation, 2, 1) ||
      !areAtLeast(c.padding, 4, 0) || c.groups < 1)
    return op.emitOpError("(V2) expects two positive strides and dilations, "
                          "four paddings of 0 or more and positive groups");
  int64_t channels = c.image.getDimSize(3), outputs = c.weight.getDimSize(0);
  if (channels % c.groups || outputs % c.groups ||
      c.weight.getDimSize(3) != channels / c.groups)
    return op.emitOpError("(V3) expects groups that divide the channels, and a "
                          "weight of C / groups channels, got image ")
           << c.image << ", weight " << c.weight << " and " << c.groups
           << " groups";
  SmallVector<int64_t> expected{c.image.getDimSize(0)};
  for (int dim : {0, 1})
    expected.push_back(countPlaces(
        c.image.getDimSize(dim + 1), c.weight.getDimSize(dim + 1),
        c.strides[dim], c.dilation[dim], c.padding[dim] + c.padding[dim + 2]));
  expected.push_back(outputs);
  if (c.output.getShape() != ArrayRef(expected) || expected[1] < 1 ||
      expected[2] < 1)
    return op.emitOpError("(V4) expects an output of shape ")
           << shapeText(expected) << ", got " << shapeText(c.output.getShape());
  if (op.getTf32() && !operandType(0).isF32())
    return op.emitOpError("(V5) expects f32 operands with tf32, got ")
           << op->getOperand(0).getType();
  return success();
}

VERNIER_CONVOLUTION(Conv2dOp)
VERNIER_CONVOLUTION(Conv2dInputGradientOp)
VERNIER_CONVOLUTION(Conv2dWeightGradientOp)

//===----------------------------------------------------------------------===//
// Vjp
//===----------------------------------------------------------------------===//

/// The gradient of one operand: a sum of products like the forward op's, in the
/// types that are asked for.
template <typename OpTy>
static Value buildGradient(Conv2dOp op, Value operand,
                           const GradientTypes &types, TensorExpr lhs,
                           TensorExpr rhs) {
  RankedTensorType type = tensorType(operand);
  return OpTy::create(lhs.getBuilder(), op.getLoc(), type.clone(types.result),
                      lhs.castTo(types.operand), rhs.castTo(types.operand),
                      op.getStrides(), op.getPadding(), op.getDilation(),
                      op.getGroups(), op.getAccumulateTypeAttr(), types.isTf32);
}

LogicalResult Conv2dOp::buildVjp(OpBuilder &builder,
                                 ArrayRef<Value> resultGradients,
                                 ArrayRef<bool> needed,
                                 MutableArrayRef<Value> operandGradients) {
  TensorExpr g(builder, getLoc(), resultGradients.front());
  GradientTypes toInput = getGradientTypes(*this, 0, getTf32()),
                toWeight = getGradientTypes(*this, 1, getTf32());
  auto [gForInput, gForWeight] = castForOperands(g, toInput, toWeight);
  if (needed[0])
    operandGradients[0] = buildGradient<Conv2dInputGradientOp>(
        *this, getInput(), toInput, gForInput, g.with(getWeight()));
  if (needed[1])
    operandGradients[1] = buildGradient<Conv2dWeightGradientOp>(
        *this, getWeight(), toWeight, g.with(getInput()), gForWeight);
  return success();
}

bool Conv2dOp::takesAnyGradientType() { return true; }
