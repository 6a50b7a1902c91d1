//===- TrainLossExpansions.cpp - What losses mean
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/IR/ExpansionBuilder.h"

using namespace mlir;
using namespace vernier::train;

using Replacements = FailureOr<SmallVector<Value>>;

static ReduceKind getReduceKind(Reduction reduction) {
  return reduction == Reduction::Mean ? ReduceKind::Mean : ReduceKind::Sum;
}

/// With z = x - max(x) and lse = log(sum(exp(z))), -log p(c) = lse - z(c). The
/// loss of a row is lse - (1 - s) z(label) - s mean(z).
Replacements CrossEntropyOp::expand(OpBuilder &builder) {
  ExpansionBuilder b(builder, *this);
  Value x = b.widen(getLogits()); // (N, C)
  Value maximum = b.reduceRows(ReduceKind::Max, x);
  Value z = b.sub(x, b.broadcastRows(maximum, x));
  Value sums = b.reduceRows(ReduceKind::Sum, b.create<math::ExpOp>(z));
  Value lse = b.create<math::LogOp>(sums); // (N)

  // A select and not a product: a score of -inf must not become NaN.
  Value zero = b.splat(0.0, z.getType());
  Value oneHot = b.create<OneHotOp>(z.getType(), getLabels());
  Value isLabel =
      b.create<arith::CmpFOp>(arith::CmpFPredicate::OGT, oneHot, zero);
  Value picked = b.reduceRows(ReduceKind::Sum,
                              b.create<arith::SelectOp>(isLabel, z, zero));
  double smoothing = getLabelSmoothing().convertToDouble();
  Value rows;
  if (smoothing == 0.0) {
    rows = b.sub(lse, picked);
  } else {
    Value mean = b.reduceRows(ReduceKind::Mean, z);
    rows = b.sub(b.sub(lse, b.mul(picked, 1.0 - smoothing)),
                 b.mul(mean, smoothing));
  }
  Value loss = b.reduceAll(getReduceKind(getReduction()), rows);
  return SmallVector<Value>{b.roundTo(loss, getType())};
}

/// Reduces the losses of all pairs of elements.
template <typename OpTy, typename BuildElement>
static Replacements expandPairLoss(OpTy op, OpBuilder &builder,
                                   BuildElement buildElement) {
  ExpansionBuilder b(builder, op);
  Value input = b.widen(b.splitForReduction(op.getInput()));
  Value target = b.widen(b.splitForReduction(op.getTarget()));
  Value loss = b.reduceAll(getReduceKind(op.getReduction()),
                           buildElement(b, input, target));
  return SmallVector<Value>{b.roundTo(loss, op.getType())};
}

Replacements MseLossOp::expand(OpBuilder &builder) {
  return expandPairLoss(*this, builder,
                        [](ExpansionBuilder &b, Value x, Value t) {
                          Value difference = b.sub(x, t);
                          return b.mul(difference, difference);
                        });
}

/// max(x, 0) - x t + log1p(exp(-|x|)): the exponent is never positive.
Replacements BceWithLogitsLossOp::expand(OpBuilder &builder) {
  return expandPairLoss(
      *this, builder, [](ExpansionBuilder &b, Value x, Value t) {
        Value positive =
            b.create<arith::MaximumFOp>(x, b.splat(0.0, x.getType()));
        Value exponential = b.create<math::ExpOp>(
            b.create<arith::NegFOp>(b.create<math::AbsFOp>(x)));
        return b.add(b.sub(positive, b.mul(x, t)),
                     b.create<math::Log1pOp>(exponential));
      });
}
