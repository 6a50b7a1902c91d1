//===- TrainChannelOps.cpp - Normalisation of channels
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Statistics are computed again for the gradient: only the input is saved. All
// in f32 (f64 for f64), rounded once.
//
//===----------------------------------------------------------------------===//

#include "ShapeChecks.h"
#include "TrainExprs.h"
#include "TrainSettings.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

using Replacements = FailureOr<SmallVector<Value>>;

//===----------------------------------------------------------------------===//
// Verifiers, precision, cost
//===----------------------------------------------------------------------===//

static LogicalResult verifyChannels(Operation *op, ValueRange affine) {
  RankedTensorType input = tensorType(op->getOperand(0));
  if (input.getRank() < 2 || input.getNumElements() == 0)
    return op->emitOpError("(N1) expects an input of rank 2 or more with "
                           "elements, got ")
           << input;
  for (Value value : affine)
    if (failed(checkShape(op, "N1", "scale, bias and statistics",
                          {input.getShape().back()}, value)))
      return failure();
  return checkShape(op, "N2", "a result", input.getShape(), op->getResult(0));
}

LogicalResult BatchNormOp::verify() {
  if (getNewMean().getType() != getRunningMean().getType() ||
      getNewVar().getType() != getRunningVar().getType())
    return emitOpError("(N3) expects new statistics of the types of the old "
                       "ones, got ")
           << getNewMean().getType() << " and " << getNewVar().getType();
  double momentum = getMomentum().convertToDouble();
  if (!(momentum >= 0 && momentum <= 1))
    return emitOpError("(N6) expects 0 <= momentum <= 1, got ") << momentum;
  if (failed(verifyEpsilon(*this, getEpsilon())))
    return failure();
  return verifyChannels(*this, getOperands().drop_front());
}

LogicalResult BatchNormInferenceOp::verify() {
  if (failed(verifyEpsilon(*this, getEpsilon())))
    return failure();
  return verifyChannels(*this, getOperands().drop_front());
}

LogicalResult GroupNormOp::verify() {
  if (failed(verifyEpsilon(*this, getEpsilon())) ||
      failed(verifyChannels(*this, getOperands().drop_front())))
    return failure();
  int64_t channels = tensorType(getInput()).getShape().back();
  if (getGroups() < 1 || channels % getGroups())
    return emitOpError("(N4) expects groups that divide the ")
           << channels << " channels, got " << getGroups();
  return success();
}

/// Input, scale and bias.
static SmallVector<OpOperand *> getOperandsWithoutStatistics(Operation *op) {
  return llvm::filter_to_vector(
      vernier::detail::defaultPrecisionOperands(op),
      [](OpOperand *operand) { return operand->getOperandNumber() < 3; });
}
SmallVector<OpOperand *> BatchNormOp::getPrecisionOperands() {
  return getOperandsWithoutStatistics(*this);
}
SmallVector<OpOperand *> BatchNormInferenceOp::getPrecisionOperands() {
  return getOperandsWithoutStatistics(*this);
}

static int64_t countElements(Value value) {
  return tensorType(value).getNumElements();
}
int64_t BatchNormOp::getFlops() { return 7 * countElements(getInput()); }
int64_t BatchNormInferenceOp::getFlops() {
  return 2 * countElements(getInput());
}
int64_t GroupNormOp::getFlops() { return 7 * countElements(getInput()); }

//===----------------------------------------------------------------------===//
// Columns: one value for each channel
//===----------------------------------------------------------------------===//

static TensorExpr combineColumns(ReduceKind kind, TensorExpr x) {
  return reduce(kind, x, getLeadingDims(x));
}

/// 1 / sqrt(var + epsilon).
static TensorExpr invertDeviation(TensorExpr variance, double epsilon) {
  return 1.0 / sqrt(variance + epsilon);
}

/// What an op computes in: f64 if it is f64's.
static TensorExpr wide(OpBuilder &builder, Location loc, Value value) {
  return TensorExpr(builder, loc, value).widen();
}

static TensorExpr roundTo(TensorExpr x, Value like) {
  return x.castTo(getElementTypeOrSelf(like));
}

//===----------------------------------------------------------------------===//
// Batch norm
//===----------------------------------------------------------------------===//

Replacements BatchNormOp::expand(OpBuilder &builder) {
  Location loc = getLoc();
  TensorExpr x = wide(builder, loc, getInput());
  TensorExpr mean = combineColumns(ReduceKind::Mean, x);
  TensorExpr centred = x - overRows(mean, x);
  TensorExpr variance = combineColumns(ReduceKind::Mean, centred * centred);
  TensorExpr factor =
      invertDeviation(variance, getEpsilon().convertToDouble()) *
      wide(builder, loc, getScale());
  TensorExpr y = centred * overRows(factor, x) +
                 overRows(wide(builder, loc, getBias()), x);

  double rows = double(countElements(getInput())) / countElements(getScale());
  double unbiased = rows > 1 ? rows / (rows - 1) : 1.0;
  double momentum = getMomentum().convertToDouble();
  auto follow = [&](Value running, TensorExpr statistic, double correction) {
    TensorExpr next = (1.0 - momentum) * wide(builder, loc, running) +
                      (momentum * correction) * statistic;
    return Value(roundTo(next, running));
  };
  return SmallVector<Value>{roundTo(y, getResult()),
                            follow(getRunningMean(), mean, 1.0),
                            follow(getRunningVar(), variance, unbiased)};
}

/// With n = (x - mean) r, r = 1 / sqrt(var + eps), means over the rows:
/// dx = scale r (g - mean(g) - n mean(g n)), dscale = sum(g n), dbias = sum(g).
LogicalResult BatchNormOp::buildVjp(OpBuilder &builder,
                                    ArrayRef<Value> resultGradients,
                                    ArrayRef<bool> needed,
                                    MutableArrayRef<Value> operandGradients) {
  if (!resultGradients[0] || needed[3] || needed[4])
    return failure(); // the running statistics have no gradient
  TensorExpr g = wide(builder, getLoc(), resultGradients[0]);
  TensorExpr sumG = combineColumns(ReduceKind::Sum, g);
  if (needed[2])
    operandGradients[2] = roundTo(sumG, getBias());
  if (!needed[0] && !needed[1])
    return success();
  TensorExpr x = wide(builder, getLoc(), getInput());
  TensorExpr centred = x - overRows(combineColumns(ReduceKind::Mean, x), x);
  TensorExpr r =
      invertDeviation(combineColumns(ReduceKind::Mean, centred * centred),
                      getEpsilon().convertToDouble());
  TensorExpr n = centred * overRows(r, x);
  TensorExpr sumGn = combineColumns(ReduceKind::Sum, g * n);
  if (needed[1])
    operandGradients[1] = roundTo(sumGn, getScale());
  if (!needed[0])
    return success();
  double rows = double(countElements(getInput())) / countElements(getScale());
  TensorExpr dx =
      overRows(r * wide(builder, getLoc(), getScale()), x) *
      (g - overRows(sumG / rows, x) - n * overRows(sumGn / rows, x));
  operandGradients[0] = roundTo(dx, getInput());
  return success();
}

/// The statistics so far, which stay as they are.
SmallVector<Value> BatchNormOp::buildEvaluation(OpBuilder &builder) {
  auto inference = BatchNormInferenceOp::create(
      builder, getLoc(), getResult().getType(), getInput(), getScale(),
      getBias(), getRunningMean(), getRunningVar(), getEpsilonAttr());
  inference->setDiscardableAttrs(
      getOperation()->getDiscardableAttrDictionary());
  return {inference, getRunningMean(), getRunningVar()};
}

Replacements BatchNormInferenceOp::expand(OpBuilder &builder) {
  Location loc = getLoc();
  TensorExpr x = wide(builder, loc, getInput());
  TensorExpr factor = invertDeviation(wide(builder, loc, getVar()),
                                      getEpsilon().convertToDouble()) *
                      wide(builder, loc, getScale());
  TensorExpr centred = x - overRows(wide(builder, loc, getMean()), x);
  TensorExpr y = centred * overRows(factor, x) +
                 overRows(wide(builder, loc, getBias()), x);
  return SmallVector<Value>{roundTo(y, getResult())};
}

/// With n = (x - mean) r and r = 1 / sqrt(var + eps): dx = g scale r, dscale =
/// sum(g n), dbias = sum(g), dmean = -scale r sum(g), dvar = -scale r^2 / 2
/// sum(g n).
LogicalResult BatchNormInferenceOp::buildVjp(
    OpBuilder &builder, ArrayRef<Value> resultGradients, ArrayRef<bool> needed,
    MutableArrayRef<Value> operandGradients) {
  TensorExpr g = wide(builder, getLoc(), resultGradients[0]);
  TensorExpr x = wide(builder, getLoc(), getInput());
  TensorExpr r = invertDeviation(wide(builder, getLoc(), getVar()),
                                 getEpsilon().convertToDouble());
  TensorExpr factor = r * wide(builder, getLoc(), getScale());
  if (needed[0])
    operandGradients[0] = roundTo(g * overRows(factor, x), getInput());
  TensorExpr sumG = combineColumns(ReduceKind::Sum, g);
  if (needed[2])
    operandGradients[2] = roundTo(sumG, getBias());
  if (needed[3])
    operandGradients[3] = roundTo(-(factor * sumG), getMean());
  TensorExpr n =
      (x - overRows(wide(builder, getLoc(), getMean()), x)) * overRows(r, x);
  TensorExpr sumGn = combineColumns(ReduceKind::Sum, g * n);
  if (needed[1])
    operandGradients[1] = roundTo(sumGn, getScale());
  if (needed[4])
    operandGradients[4] = roundTo(-0.5 * (factor * r * sumGn), getVar());
  return success();
}

//===----------------------------------------------------------------------===//
// Group norm
//===----------------------------------------------------------------------===//

namespace {

/// Between (N, ..., C) and one row for each sample and group, (N G, S C / G).
struct GroupRows {
  GroupRows(RankedTensorType type, int64_t groups)
      : shape(type.getShape()), groups(groups) {}

  TensorExpr gather(TensorExpr x) const {
    TensorExpr split = reshape(x, {samples(), pixels(), groups, channels()});
    TensorExpr parts = transpose(split, {0, 2, 1, 3});
    return reshape(parts, {samples() * groups, pixels() * channels()});
  }
  TensorExpr scatter(TensorExpr rows) const {
    TensorExpr parts = reshape(rows, {samples(), groups, pixels(), channels()});
    return reshape(transpose(parts, {0, 2, 1, 3}), shape);
  }

private:
  int64_t samples() const { return shape.front(); }
  int64_t channels() const { return shape.back() / groups; }
  int64_t pixels() const {
    return ShapedType::getNumElements(shape) / shape.front() / shape.back();
  }
  ArrayRef<int64_t> shape;
  int64_t groups;
};

} // namespace

/// Each row's 1 / sqrt(var + epsilon), repeated along the row.
static TensorExpr invertRowDeviation(TensorExpr centred, double epsilon) {
  return 1.0 / sqrt(alongRow(ReduceKind::Mean, centred * centred) + epsilon);
}

Replacements GroupNormOp::expand(OpBuilder &builder) {
  Location loc = getLoc();
  GroupRows rows(tensorType(getInput()), getGroups());
  TensorExpr x = rows.gather({builder, loc, getInput()}).widen();
  TensorExpr centred = x - alongRow(ReduceKind::Mean, x);
  TensorExpr normal = rows.scatter(
      centred * invertRowDeviation(centred, getEpsilon().convertToDouble()));
  TensorExpr y = normal * overRows(wide(builder, loc, getScale()), normal) +
                 overRows(wide(builder, loc, getBias()), normal);
  return SmallVector<Value>{roundTo(y, getResult())};
}

/// With h = g scale and n = (x - mean) r over the elements of a group:
/// dx = r (h - mean(h) - n mean(h n)), dscale = sum(g n), dbias = sum(g).
LogicalResult GroupNormOp::buildVjp(OpBuilder &builder,
                                    ArrayRef<Value> resultGradients,
                                    ArrayRef<bool> needed,
                                    MutableArrayRef<Value> operandGradients) {
  TensorExpr g = wide(builder, getLoc(), resultGradients[0]);
  if (needed[2])
    operandGradients[2] =
        roundTo(combineColumns(ReduceKind::Sum, g), getBias());
  if (!needed[0] && !needed[1])
    return success();
  GroupRows rows(tensorType(getInput()), getGroups());
  TensorExpr x = rows.gather(g.with(getInput())).widen();
  TensorExpr centred = x - alongRow(ReduceKind::Mean, x);
  TensorExpr r = invertRowDeviation(centred, getEpsilon().convertToDouble());
  TensorExpr n = centred * r;
  if (needed[1])
    operandGradients[1] = roundTo(
        combineColumns(ReduceKind::Sum, g * rows.scatter(n)), getScale());
  if (!needed[0])
    return success();
  TensorExpr h =
      rows.gather(g * overRows(wide(builder, getLoc(), getScale()), g));
  TensorExpr dx = r * (h - alongRow(ReduceKind::Mean, h) -
                       n * alongRow(ReduceKind::Mean, h * n));
  operandGradients[0] = roundTo(rows.scatter(dx), getInput());
  return success();
}
