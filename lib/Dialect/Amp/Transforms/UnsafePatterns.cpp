//===- UnsafePatterns.cpp - How unsafe formulas are written
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "UnsafePatterns.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

/// The constant that every element of `value` is.
static std::optional<double> getSplat(Value value) {
  if (auto broadcast = value.getDefiningOp<train::BroadcastOp>())
    return getSplat(broadcast.getInput());
  DenseFPElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)) || !elements.isSplat())
    return std::nullopt;
  return elements.getSplatValue<APFloat>().convertToDouble();
}

static bool isSplat(Value value, double number) {
  return getSplat(value) == number;
}

/// The other operand of the binary op that defines `value`, if one of its
/// operands satisfies `isRight`.
template <typename OpTy, typename Predicate>
static Value matchEither(Value value, Predicate isRight) {
  auto op = value.getDefiningOp<OpTy>();
  if (!op)
    return {};
  if (isRight(op.getLhs()))
    return op.getRhs();
  return isRight(op.getRhs()) ? op.getLhs() : Value();
}

static Value matchOnePlus(Value value) {
  return matchEither<arith::AddFOp>(
      value, [](Value operand) { return isSplat(operand, 1.0); });
}

static Value matchNegation(Value value) {
  if (auto negation = value.getDefiningOp<arith::NegFOp>())
    return negation.getOperand();
  if (auto difference = value.getDefiningOp<arith::SubFOp>())
    if (isSplat(difference.getLhs(), 0.0))
      return difference.getRhs();
  return matchEither<arith::MulFOp>(
      value, [](Value operand) { return isSplat(operand, -1.0); });
}

Value amp::matchExp(Value value) {
  auto exponential = value.getDefiningOp<math::ExpOp>();
  return exponential ? exponential.getOperand() : Value();
}

Value amp::matchOnePlusExp(Value value) {
  Value exponential = matchOnePlus(value);
  Value x = exponential ? matchExp(exponential) : Value();
  return x && !isNeverPositive(x) ? x : Value();
}

Value amp::matchOneMinus(Value value) {
  if (auto difference = value.getDefiningOp<arith::SubFOp>())
    return isSplat(difference.getLhs(), 1.0) ? difference.getRhs() : Value();
  Value negation = matchOnePlus(value);
  return negation ? matchNegation(negation) : Value();
}

namespace {
/// max(min(x, highest), lowest), where either may be missing.
struct Clip {
  Value x;
  std::optional<double> lowest, highest;
};
} // namespace

static Clip matchClip(Value value) {
  Clip clip{value, std::nullopt, std::nullopt};
  if (auto clamp = value.getDefiningOp<math::ClampFOp>())
    return {clamp.getValue(), getSplat(clamp.getMin()),
            getSplat(clamp.getMax())};
  for (int i = 0; i < 2; ++i) {
    std::optional<double> number;
    auto isNumber = [&](Value operand) {
      number = getSplat(operand);
      return number.has_value();
    };
    if (Value x = matchEither<arith::MaximumFOp>(clip.x, isNumber);
        x && !clip.lowest) {
      clip.x = x;
      clip.lowest = number;
    } else if (Value x = matchEither<arith::MinimumFOp>(clip.x, isNumber);
               x && !clip.highest) {
      clip.x = x;
      clip.highest = number;
    }
  }
  return clip;
}

/// The spacing of bf16 below 1: what is larger changes more than a rounding.
static bool isEpsilon(std::optional<double> number) {
  return number && *number > 0 && *number <= 1.0 / 256.0;
}

static bool isOneLessEpsilon(std::optional<double> number) {
  return number && isEpsilon(1.0 - *number);
}

std::optional<Guard> amp::matchGuard(Value value) {
  std::optional<double> number;
  auto matches = [&](Value operand) {
    number = getSplat(operand);
    return isEpsilon(number);
  };
  if (Value x = matchEither<arith::AddFOp>(value, matches))
    return Guard{x, *number, /*isAdded=*/true};
  // 1 + epsilon - x, the constants folded.
  if (auto difference = value.getDefiningOp<arith::SubFOp>())
    if (std::optional<double> one = getSplat(difference.getLhs());
        one && isEpsilon(*one - 1.0))
      return Guard{difference.getRhs(), *one - 1.0, /*isAdded=*/true,
                   /*isOfOneMinus=*/true};
  Clip clip = matchClip(value);
  bool isBoundedAbove = isOneLessEpsilon(clip.highest);
  if (isEpsilon(clip.lowest) && (isBoundedAbove || !clip.highest))
    return Guard{clip.x, *clip.lowest, /*isAdded=*/false,
                 /*isOfOneMinus=*/false, clip.highest};
  // 1 - clip(x) is 1 - x, clipped.
  Value clipped = matchOneMinus(value);
  if (!clipped)
    return std::nullopt;
  clip = matchClip(clipped);
  if (!isOneLessEpsilon(clip.highest) ||
      (clip.lowest && !isEpsilon(clip.lowest)))
    return std::nullopt;
  Guard guard{clip.x, 1.0 - *clip.highest, /*isAdded=*/false,
              /*isOfOneMinus=*/true};
  if (clip.lowest)
    guard.ceiling = 1.0 - *clip.lowest;
  return guard;
}

Value amp::matchWrittenOutSigmoid(Value value) {
  auto quotient = value.getDefiningOp<arith::DivFOp>();
  if (!quotient || !isSplat(quotient.getLhs(), 1.0))
    return {};
  Value exponential = matchOnePlus(quotient.getRhs());
  Value negation = exponential ? matchExp(exponential) : Value();
  return negation ? matchNegation(negation) : Value();
}

Value amp::matchSigmoid(Value value) {
  if (auto sigmoid = value.getDefiningOp<train::SigmoidOp>())
    return sigmoid.getInput();
  return matchWrittenOutSigmoid(value);
}

Value amp::matchSquare(Value value) {
  if (auto product = value.getDefiningOp<arith::MulFOp>())
    return product.getLhs() == product.getRhs() ? product.getLhs() : Value();
  auto power = value.getDefiningOp<math::PowFOp>();
  return power && isSplat(power.getRhs(), 2.0) ? power.getLhs() : Value();
}

train::ReduceOp amp::matchReduce(Value value, train::ReduceKind kind) {
  auto reduce = value.getDefiningOp<train::ReduceOp>();
  return reduce && reduce.getKind() == kind ? reduce : train::ReduceOp();
}

/// What `value` repeats, or chooses where that is finite.
static Value getRepeated(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto broadcast = dyn_cast<train::BroadcastOp>(op))
      value = broadcast.getInput();
    else if (auto select = dyn_cast<arith::SelectOp>(op))
      value = select.getTrueValue();
    else
      break;
  }
  return value;
}

bool amp::isShiftedByMaximum(Value x) {
  auto difference = x.getDefiningOp<arith::SubFOp>();
  if (!difference)
    return false;
  train::ReduceOp maximum =
      matchReduce(getRepeated(difference.getRhs()), train::ReduceKind::Max);
  return maximum && maximum.getInput() == difference.getLhs();
}

bool amp::isNeverPositive(Value x) {
  Value magnitude = matchNegation(x);
  return (magnitude && magnitude.getDefiningOp<math::AbsFOp>()) ||
         isShiftedByMaximum(x);
}

bool amp::isSumOfRowsOf(Value value, Value x) {
  train::ReduceOp sum = matchReduce(getRepeated(value), train::ReduceKind::Sum);
  int64_t rank = cast<RankedTensorType>(x.getType()).getRank();
  if (!sum || sum.getInput() != x || sum.getDims() != ArrayRef({rank - 1}))
    return false;
  // Repeated along the last dim, and not along another of the same extent.
  auto broadcast = value.getDefiningOp<train::BroadcastOp>();
  return broadcast && llvm::equal(broadcast.getDims().take_front(rank - 1),
                                  llvm::seq<int64_t>(0, rank - 1));
}

//===----------------------------------------------------------------------===//
// Binary cross entropy
//===----------------------------------------------------------------------===//

namespace {
/// weight * log(argument), or the logarithm of the argument with a guard.
struct WeightedLog {
  Value weight, argument;
  bool isGuarded;
  bool isOfOneMinus; ///< The logarithm is of 1 - argument.
};
} // namespace

static std::optional<WeightedLog> matchWeightedLog(Value value) {
  auto product = value.getDefiningOp<arith::MulFOp>();
  if (!product)
    return std::nullopt;
  for (auto [weight, factor] :
       {std::pair<Value, Value>(product.getLhs(), product.getRhs()),
        std::pair<Value, Value>(product.getRhs(), product.getLhs())})
    if (auto logarithm = factor.getDefiningOp<math::LogOp>()) {
      std::optional<Guard> guard = matchGuard(logarithm.getOperand());
      return WeightedLog{weight, guard ? guard->value : logarithm.getOperand(),
                         guard.has_value(), guard && guard->isOfOneMinus};
    }
  return std::nullopt;
}

/// p and t of t log p + (1 - t) log(1 - p), in this order.
static std::optional<CrossEntropy> matchTerms(Value first, Value second) {
  std::optional<WeightedLog> hit = matchWeightedLog(first),
                             miss = matchWeightedLog(second);
  if (!hit || !miss || matchOneMinus(miss->weight) != hit->weight ||
      hit->isOfOneMinus)
    return std::nullopt;
  Value other =
      miss->isOfOneMinus ? miss->argument : matchOneMinus(miss->argument);
  if (other != hit->argument)
    return std::nullopt;
  return CrossEntropy{hit->argument, hit->weight, train::Reduction::Mean,
                      hit->isGuarded || miss->isGuarded};
}

static std::optional<CrossEntropy> matchLikelihood(Value value) {
  auto sum = value.getDefiningOp<arith::AddFOp>();
  if (!sum)
    return std::nullopt;
  if (auto match = matchTerms(sum.getLhs(), sum.getRhs()))
    return match;
  return matchTerms(sum.getRhs(), sum.getLhs());
}

/// The negation may stand before or behind the reduction.
std::optional<CrossEntropy> amp::matchCrossEntropy(Value value) {
  Value reduced = matchNegation(value);
  auto reduce = (reduced ? reduced : value).getDefiningOp<train::ReduceOp>();
  if (!reduce || reduce.getKind() == train::ReduceKind::Max ||
      cast<RankedTensorType>(reduce.getType()).getRank() != 0)
    return std::nullopt;
  Value terms = reduce.getInput();
  Value likelihood = reduced ? terms : matchNegation(terms);
  std::optional<CrossEntropy> match =
      likelihood ? matchLikelihood(likelihood) : std::nullopt;
  if (match)
    match->reduction = reduce.getKind() == train::ReduceKind::Sum
                           ? train::Reduction::Sum
                           : train::Reduction::Mean;
  return match;
}
