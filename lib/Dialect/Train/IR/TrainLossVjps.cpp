//===- TrainLossVjps.cpp - The vjps of the losses
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In f32 (f64 for f64), rounded once to the type of the scores. g is the
// gradient of the loss, a scalar; a mean divides it by the number of its terms.
//
//===----------------------------------------------------------------------===//

#include "TrainExprs.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

/// The gradient of each of the `terms` terms that the loss combines, ().
static TensorExpr forEachTerm(TensorExpr g, Reduction reduction,
                              int64_t terms) {
  return reduction == Reduction::Mean ? g / double(terms) : g;
}

/// dz = g (softmax(z) - target), with target = 1 - s + s / C at the label and
/// s / C elsewhere: (N, C).
LogicalResult
CrossEntropyOp::buildVjp(OpBuilder &builder, ArrayRef<Value> resultGradients,
                         ArrayRef<bool>,
                         MutableArrayRef<Value> operandGradients) {
  TensorExpr loss(builder, getLoc(), resultGradients.front());
  TensorExpr z = loss.with(getLogits()).castTo(loss.getType().getElementType());
  ArrayRef<int64_t> shape = z.getType().getShape();
  TensorExpr g = forEachTerm(loss, getReduction(), shape[0]);

  TensorExpr shifted = exp(z - alongRow(ReduceKind::Max, z));
  TensorExpr probability = shifted / alongRow(ReduceKind::Sum, shifted);
  TensorExpr target =
      z.with(OneHotOp::create(builder, getLoc(), z.getType(), getLabels()));
  double smoothing = getLabelSmoothing().convertToDouble();
  if (smoothing != 0.0)
    target = target * (1.0 - smoothing) + smoothing / double(shape[1]);
  TensorExpr dz = everywhere(g, z) * (probability - target);
  operandGradients[0] = dz.castTo(getElementTypeOrSelf(getLogits()));
  return success();
}

/// d input = 2 g (input - target) = -d target.
LogicalResult MseLossOp::buildVjp(OpBuilder &builder,
                                  ArrayRef<Value> resultGradients,
                                  ArrayRef<bool> needed,
                                  MutableArrayRef<Value> operandGradients) {
  TensorExpr loss(builder, getLoc(), resultGradients.front());
  Type element = loss.getType().getElementType();
  TensorExpr x = loss.with(getInput()).castTo(element);
  TensorExpr t = loss.with(getTarget()).castTo(element);
  TensorExpr g =
      2.0 * forEachTerm(loss, getReduction(), x.getType().getNumElements());
  TensorExpr dx = everywhere(g, x) * (x - t);
  if (needed[0])
    operandGradients[0] = dx.castTo(getElementTypeOrSelf(getInput()));
  if (needed[1])
    operandGradients[1] = (-dx).castTo(getElementTypeOrSelf(getTarget()));
  return success();
}

/// d input = g (sigmoid(input) - target), d target = -g input.
LogicalResult BceWithLogitsLossOp::buildVjp(
    OpBuilder &builder, ArrayRef<Value> resultGradients, ArrayRef<bool> needed,
    MutableArrayRef<Value> operandGradients) {
  TensorExpr loss(builder, getLoc(), resultGradients.front());
  Type element = loss.getType().getElementType();
  TensorExpr x = loss.with(getInput()).castTo(element);
  TensorExpr t = loss.with(getTarget()).castTo(element);
  TensorExpr g = everywhere(
      forEachTerm(loss, getReduction(), x.getType().getNumElements()), x);
  if (needed[0])
    operandGradients[0] =
        (g * (sigmoid(x) - t)).castTo(getElementTypeOrSelf(getInput()));
  if (needed[1])
    operandGradients[1] = (-(g * x)).castTo(getElementTypeOrSelf(getTarget()));
  return success();
}
