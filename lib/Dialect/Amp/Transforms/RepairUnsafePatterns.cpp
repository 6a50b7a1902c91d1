//===- RepairUnsafePatterns.cpp - Formulas that 16 bits would break
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Replaces formulas whose intermediate values overflow, or round to 0 or 1,
// although their result is harmless, by equal ones that do not. Runs before
// autocast, on the types of the model; what a formula was made of stays where
// something else reads it.
//
//===----------------------------------------------------------------------===//

#include "UnsafePatterns.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Policies/Policy.h"
#include "vernier/Dialect/Amp/Transforms/Forward.h"
#include "vernier/Dialect/Amp/Transforms/Passes.h"
#include "vernier/Interfaces/TensorExpr.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <limits>

namespace vernier::amp {
#define GEN_PASS_DEF_AMPREPAIRUNSAFEPATTERNSPASS
#include "vernier/Dialect/Amp/Transforms/Passes.h.inc"
} // namespace vernier::amp

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

namespace {

/// What was repaired: the value instead, and words for the remark.
struct Repair {
  Value value;
  std::string name; ///< "log of sigmoid"
  StringRef unsafe; ///< Why the formula is.
  std::string form; ///< What it is now.
};

} // namespace

//===----------------------------------------------------------------------===//
// Stable forms
//===----------------------------------------------------------------------===//

/// log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)): the exponent is never
/// positive.
static TensorExpr softplus(TensorExpr x) {
  return maximum(x, x.splat(0.0)) + log1p(exp(-abs(x)));
}

/// log(exp(x) + epsilon) = max(x, e) + log(1 + exp(-|x - e|)), or
/// log(max(exp(x), epsilon)) = max(x, e), with e = log(epsilon), and no more
/// than the logarithm of the ceiling.
static TensorExpr guardedLog(TensorExpr x, const Guard &guard) {
  TensorExpr least = x.splat(std::log(guard.epsilon));
  TensorExpr larger = maximum(x, least);
  if (guard.isAdded)
    return larger + log1p(exp(-abs(x - least)));
  return guard.ceiling ? minimum(larger, x.splat(std::log(*guard.ceiling)))
                       : larger;
}

static TensorExpr reduce(train::ReduceKind kind, TensorExpr x,
                         ArrayRef<int64_t> dims, RankedTensorType type) {
  return x.with(
      train::ReduceOp::create(x.getBuilder(), x.getLoc(), type, kind, x, dims));
}

/// `reduced` repeated along `dims`, which a reduction of `x` has dropped.
static TensorExpr repeat(TensorExpr reduced, TensorExpr x,
                         ArrayRef<int64_t> dims) {
  SmallVector<int64_t> kept;
  for (int64_t dim = 0; dim < x.getType().getRank(); ++dim)
    if (!llvm::is_contained(dims, dim))
      kept.push_back(dim);
  return reduced.with(train::BroadcastOp::create(
      x.getBuilder(), x.getLoc(),
      x.getType().clone(reduced.getType().getElementType()), reduced, kept));
}

/// `x` where it is a finite number of the kind that can be subtracted or
/// divided by, else `other`.
static TensorExpr finiteOr(TensorExpr x, double other) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return select(isGreater(x.splat(infinity), abs(x)), x, x.splat(other));
}

/// log(sum(exp(x))) = m + log(sum(exp(x - m))) with the maximum m, or 0 where
/// that is infinite: a row of -inf has the logarithm -inf.
static TensorExpr logSumExp(TensorExpr x, train::ReduceOp sum) {
  RankedTensorType type = cast<RankedTensorType>(sum.getType());
  TensorExpr m =
      finiteOr(reduce(train::ReduceKind::Max, x, sum.getDims(), type), 0.0);
  TensorExpr shifted = exp(x - repeat(m, x, sum.getDims()));
  return m + log(reduce(train::ReduceKind::Sum, shifted, sum.getDims(), type));
}

/// sqrt(sum(x^2)) = s 2^k sqrt(sum((x / s / 2^k)^2)) with the largest magnitude
/// s, or 1 where that is 0 or infinite, and k such that a sum of n squares,
/// each at most 4^-k, stays below 2^15 and so in f16.
static TensorExpr scaledNorm(TensorExpr x, train::ReduceOp sum) {
  RankedTensorType type = cast<RankedTensorType>(sum.getType());
  int64_t terms = x.getType().getNumElements() / type.getNumElements();
  double scale = 1.0;
  while (terms > 32768 * scale * scale)
    scale *= 2.0;
  TensorExpr largest = finiteOr(
      reduce(train::ReduceKind::Max, abs(x), sum.getDims(), type), 1.0);
  TensorExpr s = select(isGreater(largest, 0.0), largest, largest.splat(1.0));
  TensorExpr ratio = x / repeat(s, x, sum.getDims());
  if (scale != 1.0)
    ratio = ratio * (1.0 / scale);
  TensorExpr root =
      sqrt(reduce(train::ReduceKind::Sum, ratio * ratio, sum.getDims(), type));
  return s * (scale == 1.0 ? root : root * scale);
}

//===----------------------------------------------------------------------===//
// Repairs of one op
//===----------------------------------------------------------------------===//

/// What to put in the place of log(1 - `p`) of a probability made of a score.
static std::optional<Repair> repairLogOfOneMinus(TensorExpr p) {
  Value x = matchSigmoid(p);
  if (!x)
    return std::nullopt;
  return Repair{-softplus(p.with(x)), "log of 1 - sigmoid",
                "a sigmoid that rounds to 1 leaves log(0), -inf",
                "-softplus(x)"};
}

/// What to put in the place of log(`y`) of a probability made of scores.
static std::optional<Repair> repairLogOfProbability(TensorExpr y) {
  if (Value x = matchSigmoid(y))
    return Repair{-softplus(-y.with(x)), "log of sigmoid",
                  "a sigmoid that rounds to 0 has the logarithm -inf",
                  "-softplus(-x)"};
  if (Value p = matchOneMinus(y))
    if (auto repair = repairLogOfOneMinus(y.with(p)))
      return repair;
  if (auto softmax = Value(y).getDefiningOp<train::SoftmaxOp>())
    return Repair{
        y.with(train::LogSoftmaxOp::create(y.getBuilder(), y.getLoc(),
                                           y.getType(), softmax.getInput())),
        "log of softmax",
        "a probability that rounds to 0 has the logarithm -inf",
        "train.log_softmax"};
  return std::nullopt;
}

/// The same with a guard, which is kept: both forms are equal for every x,
/// where a loss without it would not be.
static std::optional<Repair> repairGuardedLog(TensorExpr y) {
  std::optional<Guard> guard = matchGuard(y);
  if (!guard)
    return std::nullopt;
  TensorExpr kept = y.with(guard->value);
  std::optional<Repair> repair = guard->isOfOneMinus
                                     ? repairLogOfOneMinus(kept)
                                     : repairLogOfProbability(kept);
  if (!repair)
    return std::nullopt;
  StringRef kind = guard->isAdded   ? "logaddexp"
                   : guard->ceiling ? "clip"
                                    : "max";
  return Repair{guardedLog(y.with(repair->value), *guard),
                repair->name + " with epsilon",
                "a probability that rounds to 0 or 1 leaves log(epsilon) "
                "instead of its logarithm, and no gradient",
                (kind + "(" + repair->form + ", log(epsilon)" +
                 (guard->ceiling ? ", log(1 - epsilon))" : ")"))
                    .str()};
}

/// What to put in the place of log(`y`), or nothing.
static std::optional<Repair> repairLog(TensorExpr y) {
  if (auto repair = repairLogOfProbability(y))
    return repair;
  if (auto repair = repairGuardedLog(y))
    return repair;
  if (Value x = matchOnePlusExp(y))
    return Repair{softplus(y.with(x)), "softplus",
                  "exp(x) overflows f16 from x = 11.1 and f32 from x = 88.7",
                  "max(x, 0) + log1p(exp(-|x|))"};
  train::ReduceOp sum = matchReduce(y, train::ReduceKind::Sum);
  Value x = sum ? matchExp(sum.getInput()) : Value();
  if (x && !isShiftedByMaximum(x) &&
      getElementTypeOrSelf(x) == getElementTypeOrSelf(Value(y)))
    return Repair{logSumExp(y.with(x), sum), "log of sum of exp",
                  "exp(x) overflows f16 from x = 11.1 and f32 from x = 88.7",
                  "max + log(sum(exp(x - max)))"};
  return std::nullopt;
}

/// log1p(exp(x)), and log1p(-sigmoid(x)).
static std::optional<Repair> repairLog1p(TensorExpr y) {
  if (Value x = matchExp(y); x && !isNeverPositive(x))
    return Repair{softplus(y.with(x)), "softplus",
                  "exp(x) overflows f16 from x = 11.1 and f32 from x = 88.7",
                  "max(x, 0) + log1p(exp(-|x|))"};
  auto negation = Value(y).getDefiningOp<arith::NegFOp>();
  if (Value x = negation ? matchSigmoid(negation.getOperand()) : Value())
    return Repair{-softplus(y.with(x)), "log of 1 - sigmoid",
                  "a sigmoid that rounds to 1 leaves log(0), -inf",
                  "-softplus(x)"};
  return std::nullopt;
}

/// 1 / (1 + exp(-x)), and exp(x) / sum(exp(x)).
static std::optional<Repair> repairQuotient(arith::DivFOp quotient,
                                            TensorExpr y) {
  if (Value x = matchWrittenOutSigmoid(quotient))
    return Repair{y.with(train::SigmoidOp::create(y.getBuilder(), y.getLoc(),
                                                  y.getType(), x)),
                  "written-out sigmoid",
                  "exp(-x) overflows f16 below x = -11.1, and the gradient is "
                  "then inf / inf",
                  "train.sigmoid"};
  Value x = matchExp(quotient.getLhs());
  if (x && !isShiftedByMaximum(x) &&
      isSumOfRowsOf(quotient.getRhs(), quotient.getLhs()))
    return Repair{y.with(train::SoftmaxOp::create(y.getBuilder(), y.getLoc(),
                                                  y.getType(), x)),
                  "written-out softmax",
                  "exp(x) overflows f16 from x = 11.1 and f32 from x = 88.7",
                  "train.softmax"};
  return std::nullopt;
}

/// sqrt(sum(x^2)), of which f16 alone can hold too little: bf16 has the range
/// of f32.
static std::optional<Repair> repairRoot(TensorExpr y) {
  train::ReduceOp sum = matchReduce(y, train::ReduceKind::Sum);
  Value x = sum ? matchSquare(sum.getInput()) : Value();
  if (!x || !sum->hasOneUse() ||
      getElementTypeOrSelf(x) != getElementTypeOrSelf(sum.getType()))
    return std::nullopt;
  return Repair{scaledNorm(y.with(x), sum), "root of sum of squares",
                "x^2 overflows f16 from |x| = 256, and vanishes below 2.4e-4",
                "max|x| sqrt(sum((x / max|x|)^2))"};
}

/// -(t log p + (1 - t) log(1 - p)), summed or averaged, of a sigmoid p. With a
/// guard it is another loss: its logarithms are repaired one by one.
static std::optional<Repair>
repairBinaryCrossEntropy(const CrossEntropy &match, TensorExpr at, Type type) {
  Value x = matchSigmoid(match.probability);
  if (!x || match.isGuarded || x.getType() != match.target.getType() ||
      getElementTypeOrSelf(type).getIntOrFloatBitWidth() < 32)
    return std::nullopt;
  return Repair{at.with(train::BceWithLogitsLossOp::create(
                    at.getBuilder(), at.getLoc(), type, x, match.target,
                    match.reduction)),
                "sigmoid and binary cross entropy",
                "a sigmoid that rounds to 0 or 1 has the logarithm -inf, and "
                "its gradient 1 / p overflows",
                "train.bce_with_logits_loss"};
}

static std::optional<Repair> findRepair(Operation *op, OpBuilder &builder,
                                        bool computesF16) {
  auto argument = [&] {
    return TensorExpr(builder, op->getLoc(), op->getOperand(0));
  };
  if (op->getNumResults() != 1 || op->getNumOperands() == 0 ||
      !isa<RankedTensorType>(op->getResult(0).getType()))
    return std::nullopt;
  if (std::optional<CrossEntropy> match = matchCrossEntropy(op->getResult(0)))
    return repairBinaryCrossEntropy(*match, argument(),
                                    op->getResult(0).getType());
  if (isa<math::LogOp>(op))
    return repairLog(argument());
  if (isa<math::Log1pOp>(op))
    return repairLog1p(argument());
  bool isF16 = getElementTypeOrSelf(op->getResult(0)).isF16();
  if (isa<math::SqrtOp>(op) && (computesF16 || isF16))
    return repairRoot(argument());
  if (auto quotient = dyn_cast<arith::DivFOp>(op))
    return repairQuotient(quotient, argument());
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {

struct RepairUnsafePatternsPass
    : amp::impl::AmpRepairUnsafePatternsPassBase<RepairUnsafePatternsPass> {
  using AmpRepairUnsafePatternsPassBase::AmpRepairUnsafePatternsPassBase;

  void runOnOperation() override {
    FailureOr<Policy> loaded = Policy::load(policy, &getContext());
    if (failed(loaded))
      return signalPassFailure();
    for (FunctionOpInterface function : getForwardFunctions(getOperation())) {
      repair(function, loaded->getComputeType().isF16());
      if (failed(checkProbabilities(function, *loaded)))
        return signalPassFailure();
    }
  }

  /// From the last op to the first: a loss is seen whole before the logarithms
  /// in it are.
  void repair(FunctionOpInterface function, bool computesF16) {
    SmallVector<Operation *> ops;
    function.walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : llvm::reverse(ops)) {
      OpBuilder builder(op);
      // What an earlier repair no longer reads goes away, and needs none.
      if (isOpTriviallyDead(op)) {
        op->erase();
        continue;
      }
      std::optional<Repair> found = findRepair(op, builder, computesF16);
      if (!found)
        continue;
      remark::passed(op->getLoc(), remark::RemarkOpts::name(found->name)
                                       .category("amp-repair-unsafe-patterns")
                                       .function(function.getName()))
          << remark::add("{0} is now {1}", found->name, found->form)
          << remark::reason("{0}", found->unsafe);
      op->getResult(0).replaceAllUsesWith(found->value);
      op->erase();
    }
  }

  /// Binary cross entropy of a probability that no sigmoid of ours makes: its
  /// score is not known, and so there is nothing to repair it with. Where both
  /// logarithms would run on 16-bit values, that is worth a word, or an error
  /// in a policy that bans it. A guard keeps it finite, but not exact.
  LogicalResult checkProbabilities(FunctionOpInterface function,
                                   const Policy &loaded) {
    if (loaded.getComputeType().getWidth() != 16)
      return success();
    LogicalResult result = success();
    function.walk([&](Operation *op) {
      std::optional<CrossEntropy> match =
          op->getNumResults() == 1 ? matchCrossEntropy(op->getResult(0))
                                   : std::nullopt;
      if (!match)
        return;
      bool isBanned =
          !match->isGuarded && loaded.refuses(Refusal::UnrepairedCrossEntropy);
      InFlightDiagnostic diagnostic =
          isBanned ? op->emitError() : op->emitWarning();
      diagnostic
          << "binary cross entropy of a probability: "
          << (match->isGuarded
                  ? "in 16 bits it rounds to 0 or 1 long before epsilon is "
                    "reached, which leaves log(epsilon) and no gradient; "
                  : "near 0 and 1 its logarithms are -inf and its gradient "
                    "overflows in 16 bits; ")
          << "compute it from the scores with train.bce_with_logits_loss, or "
             "from train.sigmoid of them, which is repaired";
      if (isBanned) {
        diagnostic << "; policy '" << loaded.getName() << "' refuses it";
        result = failure();
      }
    });
    return result;
  }
};

} // namespace
