//===- TrainIndexOps.cpp - Indices, rows by index, dropout
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ShapeChecks.h"

#include "vernier/Dialect/Train/IR/ExpansionBuilder.h"
#include "vernier/Interfaces/TensorExpr.h"

#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

using Replacements = FailureOr<SmallVector<Value>>;

//===----------------------------------------------------------------------===//
// Argmax, accuracy
//===----------------------------------------------------------------------===//

LogicalResult ArgmaxOp::verify() {
  RankedTensorType input = tensorType(getInput());
  if (input.getRank() < 1 || input.getShape().back() < 1 ||
      input.getShape().back() >= int64_t(1) << 24)
    return emitOpError(
               "(A1) expects a last dim of 1 to 2^24 - 1 elements, got ")
           << input;
  return checkShape(*this, "A1", "a result", input.getShape().drop_back(),
                    getResult());
}

/// The largest of -index where the element is the row's maximum. NaN is no
/// maximum by comparison, so it is asked for itself.
Replacements ArgmaxOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  Value x = b.widen(getInput());
  RankedTensorType type = tensorType(x), result = tensorType(getResult());
  Value maximum = b.broadcastRows(b.reduceRows(ReduceKind::Max, x), x);
  Value isMaximum = b.create<arith::OrIOp>(
      b.create<arith::CmpFOp>(arith::CmpFPredicate::OEQ, x, maximum),
      b.create<arith::CmpFOp>(arith::CmpFPredicate::UNO, x, x));
  Value column = b.create<IotaOp>(
      RankedTensorType::get({type.getShape().back()}, builder.getI32Type()));
  Value index = b.fromInteger(b.broadcastColumns(column, x));
  Value candidate =
      b.create<arith::SelectOp>(isMaximum, b.create<arith::NegFOp>(index),
                                b.splat(-double(type.getShape().back()), type));
  Value first =
      b.create<arith::NegFOp>(b.reduceRows(ReduceKind::Max, candidate));
  return SmallVector<Value>{b.create<arith::FPToSIOp>(result, first)};
}

LogicalResult AccuracyOp::verify() {
  RankedTensorType logits = tensorType(getLogits());
  RankedTensorType labels = tensorType(getLabels());
  Type element = getElementTypeOrSelf(getResult());
  if (logits.getRank() != 2 || labels.getRank() != 1 ||
      logits.getDimSize(0) != labels.getDimSize(0) ||
      !(element.isF32() || element.isF64()))
    return emitOpError("(A2) expects logits (N, C), labels (N) and a result of "
                       "f32, got ")
           << logits << ", " << labels << " and " << getType();
  return success();
}

Replacements AccuracyOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  Value guess = b.create<ArgmaxOp>(tensorType(getLabels()), getLogits());
  Value isRight =
      b.create<arith::CmpIOp>(arith::CmpIPredicate::eq, guess, getLabels());
  RankedTensorType type = tensorType(guess).clone(b.getComputeType());
  Value score = b.create<arith::SelectOp>(isRight, b.splat(1.0, type),
                                          b.splat(0.0, type));
  return SmallVector<Value>{
      b.roundTo(b.reduceAll(ReduceKind::Mean, score), getType())};
}

//===----------------------------------------------------------------------===//
// Rows by index
//===----------------------------------------------------------------------===//

/// Whether `rows` is (shape of indices..., shape of a row of `table`...).
static LogicalResult verifyRows(Operation *op, Value table, Value indices,
                                Value rows, StringRef what) {
  if (tensorType(table).getRank() < 1)
    return op->emitOpError("(I1) expects a table of rank 1 or more, got ")
           << table.getType();
  SmallVector<int64_t> expected(tensorType(indices).getShape());
  llvm::append_range(expected, tensorType(table).getShape().drop_front());
  return checkShape(op, "I1", what, expected, rows);
}

LogicalResult GatherOp::verify() {
  if (getElementTypeOrSelf(getTable()) != getElementTypeOrSelf(getResult()))
    return emitOpError("(I2) expects one element type, got ")
           << getTable().getType() << " and " << getType();
  return verifyRows(*this, getTable(), getIndices(), getResult(), "a result");
}

LogicalResult ScatterAddOp::verify() {
  return verifyRows(*this, getResult(), getIndices(), getUpdates(), "updates");
}

int64_t ScatterAddOp::getFlops() {
  return tensorType(getUpdates()).getNumElements();
}

LogicalResult GatherOp::buildVjp(OpBuilder &builder,
                                 ArrayRef<Value> resultGradients,
                                 ArrayRef<bool>,
                                 MutableArrayRef<Value> operandGradients) {
  operandGradients[0] =
      ScatterAddOp::create(builder, getLoc(), getTable().getType(),
                           resultGradients.front(), getIndices());
  return success();
}

LogicalResult ScatterAddOp::buildVjp(OpBuilder &builder,
                                     ArrayRef<Value> resultGradients,
                                     ArrayRef<bool>,
                                     MutableArrayRef<Value> operandGradients) {
  ExpansionBuilder b(builder, *this);
  Value g = b.roundTo(resultGradients.front(), getUpdates().getType());
  operandGradients[0] =
      b.create<GatherOp>(getUpdates().getType(), g, getIndices());
  return success();
}

//===----------------------------------------------------------------------===//
// Dropout
//===----------------------------------------------------------------------===//

LogicalResult DropoutOp::verify() {
  double rate = getRate().convertToDouble();
  if (!(rate >= 0.0 && rate < 1.0) ||
      tensorType(getInput()).getNumElements() > INT32_MAX)
    return emitOpError("(D1) expects 0 <= rate < 1 and fewer than 2^31 "
                       "elements, got ")
           << rate << " for " << getInput().getType();
  return checkShape(*this, "D2", "a result", tensorType(getInput()).getShape(),
                    getResult());
}

/// The rounds of Philox and a product.
int64_t DropoutOp::getFlops() {
  return 40 * tensorType(getInput()).getNumElements();
}

/// The first word of Philox2x32-10 of counter (low, high), key `seed`, in the
/// low half of i64 elements: Salmon et al., Parallel Random Numbers: As Easy as
/// 1, 2, 3 (2011).
static Value buildPhilox(ExpansionBuilder &b, Value low, Value high,
                         uint32_t seed) {
  constexpr int64_t kMultiplier = 0xD256D193, kWeyl = 0x9E3779B9;
  Type type = low.getType();
  auto splat = [&](uint32_t value) { return b.splat(value, type); };
  Value mask = splat(0xffffffff), shift = splat(32),
        multiplier = splat(kMultiplier);
  uint32_t key = seed;
  for (int round = 0; round < 10; ++round, key += kWeyl) {
    Value product = b.create<arith::MulIOp>(low, multiplier);
    Value keyed = b.create<arith::XOrIOp>(
        b.create<arith::XOrIOp>(b.create<arith::ShRUIOp>(product, shift), high),
        splat(key));
    high = b.create<arith::AndIOp>(product, mask);
    low = keyed;
  }
  return low;
}

Replacements DropoutOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  double rate = getRate().convertToDouble();
  Value x = b.widen(getInput());
  RankedTensorType type = tensorType(x),
                   bits = type.clone(builder.getI64Type());
  Value step = b.create<arith::ExtUIOp>(
      RankedTensorType::get({}, builder.getI64Type()), getStep());
  Value word = buildPhilox(b, b.create<IotaOp>(bits),
                           b.broadcastScalar(step, x), uint32_t(getSeed()));
  Value threshold = b.splat(std::floor(rate * 4294967296.0), bits);
  Value isKept =
      b.create<arith::CmpIOp>(arith::CmpIPredicate::uge, word, threshold);
  Value scaled = b.div(x, b.splat(1.0 - rate, type));
  Value y = b.create<arith::SelectOp>(isKept, scaled, b.splat(0.0, type));
  return SmallVector<Value>{b.roundTo(y, getType())};
}

/// Nothing is dropped: at most a cast is left.
SmallVector<Value> DropoutOp::buildEvaluation(OpBuilder &builder) {
  if (getInput().getType() == getType())
    return {getInput()};
  Value cast = TensorExpr(builder, getLoc(), getInput())
                   .castTo(getElementTypeOrSelf(getType()));
  return {cast};
}

/// The same choice, made again.
LogicalResult DropoutOp::buildVjp(OpBuilder &builder,
                                  ArrayRef<Value> resultGradients,
                                  ArrayRef<bool>,
                                  MutableArrayRef<Value> operandGradients) {
  operandGradients[0] = DropoutOp::create(
      builder, getLoc(), getInput().getType(), resultGradients.front(),
      getStep(), getRateAttr(), getSeedAttr());
  return success();
}
