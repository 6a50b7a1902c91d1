//===- RelaxCasts.cpp - Kernels that skip roundings to 16 bits
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Inside one kernel a value that was rounded to 16 bits and widened again is
// still there unrounded. Using it saves two casts and changes the numbers,
// which is why this is a pass of its own that says what it did. A value that
// leaves the kernel keeps its type: memory holds what the IR says.
//
// Two kinds of comparison do not bear it. Equality, by which the gradient of a
// maximum finds the element that was it, needs both sides rounded alike,
// whichever kernels compute them. And a check for infinity must see the value
// that is stored, which the rounding may have made infinite.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Transforms/Passes.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Interfaces/FusionOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Support/DebugStringHelper.h"

namespace vernier::amp {
#define GEN_PASS_DEF_AMPRELAXCASTSPASS
#include "vernier/Dialect/Amp/Transforms/Passes.h.inc"
} // namespace vernier::amp

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

using StrictSet = llvm::DenseSet<Operation *>;

/// The rounding that `op` widens again; null if it is no such pair.
static arith::TruncFOp getRounding(Operation *op) {
  auto widening = dyn_cast<arith::ExtFOp>(op);
  if (!widening)
    return {};
  auto rounding = widening.getIn().getDefiningOp<arith::TruncFOp>();
  bool isPair = rounding && rounding.getIn().getType() == widening.getType();
  return isPair ? rounding : arith::TruncFOp();
}

/// What `value` is computed of, into and out of kernels; nothing at library
/// calls, whose operands come from memory.
static SmallVector<Value> getSources(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto fusion = dyn_cast<train::FusionOp>(argument.getOwner()->getParentOp());
    if (!fusion)
      return {};
    return {fusion.getInputs()[argument.getArgNumber()]};
  }
  Operation *op = value.getDefiningOp();
  if (auto fusion = dyn_cast<train::FusionOp>(op)) {
    Operation *yield = fusion.getBody().front().getTerminator();
    return {yield->getOperand(cast<OpResult>(value).getResultNumber())};
  }
  auto fusible = dyn_cast<FusionOpInterface>(op);
  if (fusible && (fusible.getFusionKind() == FusionKind::Contraction ||
                  fusible.getFusionKind() == FusionKind::Call))
    return {};
  return SmallVector<Value>(op->getOperands());
}

static bool isEquality(arith::CmpFOp compare) {
  using Predicate = arith::CmpFPredicate;
  return llvm::is_contained(
      {Predicate::OEQ, Predicate::UEQ, Predicate::ONE, Predicate::UNE},
      compare.getPredicate());
}

static bool isInfinity(Value value) {
  return matchPattern(value, m_PosInfFloat()) ||
         matchPattern(value, m_NegInfFloat());
}

static bool isWithInfinity(arith::CmpFOp compare) {
  return isInfinity(compare.getLhs()) || isInfinity(compare.getRhs());
}

/// Add the widenings whose roundings `compare` needs: for equality all that its
/// operands are computed of, for infinity the nearest.
static void collectStrict(arith::CmpFOp compare, StrictSet &strict) {
  if (!isEquality(compare) && !isWithInfinity(compare))
    return;
  SmallVector<Value> worklist(compare->getOperands());
  llvm::DenseSet<Value> seen(worklist.begin(), worklist.end());
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (op && getRounding(op)) {
      strict.insert(op);
      if (!isEquality(compare))
        continue;
    }
    for (Value source : getSources(value))
      if (seen.insert(source).second)
        worklist.push_back(source);
  }
}

/// Read the value before its rounding instead of widening it behind.
static void skipRounding(arith::ExtFOp widening) {
  arith::TruncFOp rounding = getRounding(widening);
  remark::passed(
      widening.getLoc(),
      remark::RemarkOpts::name("relaxed cast").category("amp-relax-casts"))
      << remark::add("{0} is not rounded to {1} for '{2}'",
                     debugString(widening.getType()),
                     debugString(getElementTypeOrSelf(rounding.getType())),
                     widening->use_empty()
                         ? StringRef("nothing")
                         : (*widening->user_begin())->getName().getStringRef());
  widening.getResult().replaceAllUsesWith(rounding.getIn());
  widening.erase();
  if (rounding->use_empty())
    rounding.erase();
}

namespace {

struct RelaxCastsPass : amp::impl::AmpRelaxCastsPassBase<RelaxCastsPass> {
  void runOnOperation() override {
    StrictSet strict;
    getOperation().walk(
        [&](arith::CmpFOp compare) { collectStrict(compare, strict); });
    SmallVector<arith::ExtFOp> skipped;
    getOperation().walk([&](arith::ExtFOp op) {
      if (op->getParentOfType<train::FusionOp>() && getRounding(op) &&
          !strict.contains(op))
        skipped.push_back(op);
    });
    llvm::for_each(skipped, skipRounding);
    Builder builder(&getContext());
    getOperation()->setAttr(kSkippedRoundingsAttr,
                            builder.getI64IntegerAttr(skipped.size()));
  }
};

} // namespace
