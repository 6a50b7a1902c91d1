//===- Constants.cpp - Constants, and what 16 bits leave of them
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Digits are lost by every rounding. A meaning is lost where a bound becomes
// infinite, an epsilon 0 or so small that 1 absorbs it, 1 - epsilon 1, and
// where a term so large is added that it absorbs 1.
//
//===----------------------------------------------------------------------===//

#include "Constants.h"

#include "Decider.h"

#include "vernier/Interfaces/ContractionOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

namespace {

/// What an element of a constant becomes in a 16-bit type.
enum class Loss { None, Infinite, Zero, One, Subnormal };

} // namespace

static APFloat round(APFloat element, FloatType type) {
  bool losesInfo;
  element.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
  return element;
}

static Loss getLossOf(const APFloat &element, FloatType type) {
  if (!element.isFiniteNonZero())
    return Loss::None;
  APFloat rounded = round(element, type);
  if (!rounded.isFinite())
    return Loss::Infinite;
  if (rounded.isZero())
    return Loss::Zero;
  if (rounded.isDenormal() && !element.isDenormal())
    return Loss::Subnormal;
  auto isOne = [](const APFloat &number) {
    return abs(number).convertToDouble() == 1.0;
  };
  return isOne(rounded) && !isOne(element) ? Loss::One : Loss::None;
}

/// Which of `element` and 1 absorbs the other in a sum of `type`, or "". What
/// absorbs 1 in f32, too, is the bound of a mask: so it is meant.
static std::string describeTerm(const APFloat &element, FloatType type) {
  if (!element.isFiniteNonZero())
    return "";
  double size = abs(element).convertToDouble();
  // Of p bits: 2^p has neighbours 2 above it, and 2^p + 1 ties to even.
  double unit =
      std::ldexp(1.0, APFloat::semanticsPrecision(type.getFloatSemantics()));
  double unitOfF32 = 0x1p24;
  if ((size > 1 / unit && size < unit) || size >= unitOfF32)
    return "";
  StringRef what = size < 1 ? "an epsilon, {0}, that 1 absorbs in {1}"
                            : "a constant term, {0}, that absorbs 1 in {1}";
  return llvm::formatv(what.data(),
                       llvm::format("%g", element.convertToDouble()),
                       getTypeName(type));
}

static std::string describe(Loss loss, const APFloat &element, FloatType type) {
  std::string name = getTypeName(type);
  if (loss == Loss::Infinite)
    return "a constant operand overflows in " + name;
  double number = element.convertToDouble();
  StringRef becomes = loss == Loss::Zero  ? "0"
                      : loss == Loss::One ? (number > 0 ? "1" : "-1")
                                          : "subnormal";
  return llvm::formatv("a constant operand, {0}, is {1} in {2}",
                       llvm::format(loss == Loss::One ? "%.9g" : "%g", number),
                       becomes, name);
}

/// The elements of a constant; a splat has one.
static SmallVector<APFloat> getElements(Value constant) {
  DenseFPElementsAttr elements;
  if (!matchPattern(constant, m_Constant(&elements)))
    return {};
  if (elements.isSplat())
    return {elements.getSplatValue<APFloat>()};
  return llvm::to_vector(elements.getValues<APFloat>());
}

/// The weights of a contraction lose digits, small ones all of them: only an
/// overflow, or the loss of every element, makes others of them.
static std::optional<ConstantLoss> getLossOfWeights(ArrayRef<APFloat> elements,
                                                    FloatType type) {
  bool vanishes = false, remains = false;
  for (const APFloat &element : elements) {
    Loss loss = getLossOf(element, type);
    if (loss == Loss::Infinite)
      return ConstantLoss{describe(loss, element, type), /*isOverflow=*/true};
    bool isLost = loss == Loss::Zero || loss == Loss::Subnormal;
    vanishes |= isLost;
    remains |= !isLost && !element.isZero();
  }
  if (!vanishes || remains)
    return std::nullopt;
  return ConstantLoss{"a constant operand vanishes in " + getTypeName(type),
                      /*isOverflow=*/false};
}

/// The first loss in a constant that an elementwise op reads.
static std::optional<ConstantLoss>
getLossOfOperand(ArrayRef<APFloat> elements, FloatType type, bool isTerm) {
  for (const APFloat &element : elements)
    if (Loss loss = getLossOf(element, type); loss != Loss::None)
      return ConstantLoss{describe(loss, element, type),
                          loss == Loss::Infinite};
  if (!isTerm || elements.size() != 1)
    return std::nullopt;
  std::string loss = describeTerm(elements[0], type);
  if (loss.empty())
    return std::nullopt;
  return ConstantLoss{loss, /*isOverflow=*/false};
}

Value ConstantTracker::get(Value value) const {
  return matchPattern(value, m_Constant()) ? value : constants.lookup(value);
}

void ConstantTracker::track(const Subject &subject) {
  PrecisionOpInterface op = subject.op;
  if (!subject.isDecided() || op->getNumOperands() != 1 ||
      subject.policyClass != PrecisionClass::Follow)
    return;
  if (Value constant = get(op->getOperand(0)))
    for (Value result : op->getResults())
      constants[result] = constant;
}

std::optional<ConstantLoss> ConstantTracker::getLoss(PrecisionOpInterface op,
                                                     FloatType type) const {
  bool isContraction = isa<ContractionOpInterface>(op.getOperation());
  bool isTerm = isa<arith::AddFOp, arith::SubFOp>(op.getOperation());
  for (OpOperand *operand : op.getPrecisionOperands()) {
    Value constant = get(operand->get());
    if (!constant)
      continue;
    SmallVector<APFloat> elements = getElements(constant);
    if (auto loss = isContraction ? getLossOfWeights(elements, type)
                                  : getLossOfOperand(elements, type, isTerm))
      return loss;
  }
  return std::nullopt;
}
