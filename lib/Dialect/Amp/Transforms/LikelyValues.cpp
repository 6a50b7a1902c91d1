//===- LikelyValues.cpp - What the elements of a value are probably like
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LikelyValues.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Interfaces/ContractionOpInterface.h"
#include "vernier/Interfaces/FusionOpInterface.h"
#include "vernier/Interfaces/RangeOpInterface.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

static constexpr unsigned kBody = LikelySample::kBody,
                          kSize = LikelySample::kSize;
static constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

//===----------------------------------------------------------------------===//
// Samples
//===----------------------------------------------------------------------===//

double LikelySample::getMean() const {
  double sum = 0;
  unsigned count = 0;
  for (double element : ArrayRef(elements).take_front(kBody))
    if (!std::isnan(element)) {
      sum += element;
      ++count;
    }
  return count ? sum / count : 0;
}

double LikelySample::getVariance() const {
  double mean = getMean(), sum = 0;
  unsigned count = 0;
  for (double element : ArrayRef(elements).take_front(kBody))
    if (!std::isnan(element)) {
      sum += (element - mean) * (element - mean);
      ++count;
    }
  return count ? sum / count : 0;
}

double LikelySample::getLargest() const {
  double largest = 0;
  for (double element : elements)
    if (!std::isnan(element))
      largest = std::max(largest, std::fabs(element));
  return largest;
}

/// The z with P(Z < z) = `probability`, by bisection.
static double getNormalQuantile(double probability) {
  double low = -8, high = 8;
  for (int i = 0; i < 60; ++i) {
    double middle = (low + high) / 2;
    bool isBelow = std::erfc(-middle / std::sqrt(2.0)) / 2 < probability;
    (isBelow ? low : high) = middle;
  }
  return (low + high) / 2;
}

/// Standard normal quantiles, then magnitudes that one in a thousand to one in
/// two million elements exceeds.
static const LikelySample &getNormalTable() {
  static const LikelySample table = [] {
    LikelySample sample;
    for (unsigned i = 0; i < kBody; ++i)
      sample.elements[i] = getNormalQuantile((i + 0.5) / kBody);
    for (unsigned i = kBody; i < kSize; ++i)
      sample.elements[i] = 3.25 + 0.25 * (i - kBody);
    return sample;
  }();
  return table;
}

//===----------------------------------------------------------------------===//
// The walk
//===----------------------------------------------------------------------===//

namespace vernier::amp {

class LikelyValueWalk {
public:
  LikelyValueWalk(const RangeAssumptions &assumptions,
                  const RangeAnalysis &bounds)
      : assumptions(assumptions), bounds(bounds) {}

  LikelyValues run(FunctionOpInterface function);

private:
  LikelySample drawNormal(double mean, double stddev);
  LikelySample drawUniform(double low, double high);
  LikelySample drawAny(const Interval &range, Type type);
  LikelySample drawMeasured(const MeasuredRange &measured);
  LikelySample drawConstant(DenseElementsAttr value);
  LikelySample drawInitial(Attribute initializer, RankedTensorType type);
  LikelySample drawArgument(FunctionOpInterface function, unsigned index);
  LikelySample drawLoad(ml_program::GlobalLoadOp load);
  LikelySample contract(ContractionOpInterface op);
  LikelySample reduce(train::ReduceOp op);
  LikelySample softmax(train::SoftmaxOp op);
  bool addElementwise(Operation *op);
  void addResults(Operation *op);
  void add(Value value, LikelySample sample);
  void shuffle(LikelySample &sample);
  void fit(LikelySample &sample, const MeasuredRange &measured);

  const RangeAssumptions &assumptions;
  const RangeAnalysis &bounds;
  LikelyValues values;
  /// What the function has written to a global so far.
  DenseMap<StringAttr, Value> stored;
  std::minstd_rand random;
};

} // namespace vernier::amp

/// Quantiles among themselves, and the tail: two samples are independent.
void LikelyValueWalk::shuffle(LikelySample &sample) {
  auto &elements = sample.elements;
  for (unsigned i = kBody - 1; i > 0; --i)
    std::swap(elements[i], elements[random() % (i + 1)]);
  for (unsigned i = kSize - 1; i > kBody; --i)
    std::swap(elements[i], elements[kBody + random() % (i + 1 - kBody)]);
}

LikelySample LikelyValueWalk::drawNormal(double mean, double stddev) {
  LikelySample sample = getNormalTable();
  shuffle(sample);
  for (unsigned i = 0; i < kSize; ++i) {
    bool isFlipped = i >= kBody && random() % 2;
    double deviation = sample.elements[i] * stddev;
    sample.elements[i] = mean + (isFlipped ? -deviation : deviation);
  }
  return sample;
}

LikelySample LikelyValueWalk::drawUniform(double low, double high) {
  LikelySample sample;
  for (unsigned i = 0; i < kBody; ++i)
    sample.elements[i] = low + (high - low) * (i + 0.5) / kBody;
  for (unsigned i = kBody; i < kSize; ++i)
    sample.elements[i] = i % 2 ? low : high;
  shuffle(sample);
  return sample;
}

/// Of mean 0 and variance 1, as far as the bounds allow; integers are 0 or 1.
LikelySample LikelyValueWalk::drawAny(const Interval &range, Type type) {
  if (!isa<FloatType>(getElementTypeOrSelf(type))) {
    LikelySample sample;
    for (unsigned i = 0; i < kSize; ++i)
      sample.elements[i] = std::clamp(double(i % 2), range.low, range.high);
    return sample;
  }
  return drawNormal(0, 1);
}

LikelySample LikelyValueWalk::drawMeasured(const MeasuredRange &measured) {
  LikelySample sample = drawNormal(0, measured.rms);
  fit(sample, measured);
  return sample;
}

/// The sample with the root mean square and the largest magnitude that were
/// measured.
void LikelyValueWalk::fit(LikelySample &sample, const MeasuredRange &measured) {
  double mean = sample.getMean();
  double rms = std::sqrt(sample.getVariance() + mean * mean);
  if (!(rms > 0)) { // zero before the first step
    sample = drawNormal(0, measured.rms);
    rms = measured.rms;
  }
  double factor = rms > 0 ? measured.rms / rms : 0;
  double limit = measured.range.getMagnitude();
  for (unsigned i = 0; i < kBody; ++i)
    sample.elements[i] = std::clamp(sample.elements[i] * factor, -limit, limit);
  for (unsigned i = kBody; i < kSize; ++i)
    sample.elements[i] = std::copysign(limit, sample.elements[i]);
}

/// Some elements in even distances, the extremes for the tail.
LikelySample LikelyValueWalk::drawConstant(DenseElementsAttr value) {
  LikelySample sample;
  Interval range = getRangeOfConstant(value);
  int64_t count = value.getNumElements();
  auto floats = dyn_cast<DenseFPElementsAttr>(value);
  for (unsigned i = 0; i < kSize; ++i) {
    sample.elements[i] = i % 2 ? range.low : range.high;
    if (floats && !value.isSplat() && i < kBody && count > 0)
      sample.elements[i] =
          getRangeOfConstant(
              FloatAttr::get(value.getElementType(),
                             floats.getValues<APFloat>()[i * count / kBody]))
              .low;
  }
  shuffle(sample);
  return sample;
}

LikelySample LikelyValueWalk::drawInitial(Attribute initializer,
                                          RankedTensorType type) {
  InitialDistribution initial = getInitialDistribution(initializer, type);
  if (initial.isNormal)
    return drawNormal(initial.mean, initial.stddev);
  if (initial.isUniform)
    return drawUniform(initial.range.low, initial.range.high);
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(initializer))
    return drawConstant(dense);
  if (initial.range.isBounded() && initial.range.low == initial.range.high)
    return drawUniform(initial.range.low, initial.range.high);
  return drawAny(initial.range, type);
}

LikelySample LikelyValueWalk::drawArgument(FunctionOpInterface function,
                                           unsigned index) {
  Type type = function.getArgument(index).getType();
  Attribute attribute = function.getArgAttr(index, train::kRangeAttr);
  if (auto declared = getDeclaredRange(attribute, type))
    return drawUniform(declared->low, declared->high);
  auto name = function.getArgAttrOfType<StringAttr>(index, train::kNameAttr);
  auto measured = assumptions.inputs.find(name ? name.getValue() : "");
  if (measured != assumptions.inputs.end())
    return drawMeasured(measured->second);
  return drawAny(getRangeOfType(type), type);
}

LikelySample LikelyValueWalk::drawLoad(ml_program::GlobalLoadOp load) {
  StringAttr name = load.getGlobal().getLeafReference();
  if (Value value = stored.lookup(name))
    return values.get(value);
  auto module = load->getParentOfType<ModuleOp>();
  auto global = module.lookupSymbol<ml_program::GlobalOp>(name);
  auto type = dyn_cast<RankedTensorType>(load.getType());
  if (!global || !type)
    return drawNormal(0, 1);
  if (auto declared =
          getDeclaredRange(global->getAttr(train::kRangeAttr), type))
    return drawUniform(declared->low, declared->high);
  auto measured = assumptions.globals.find(name.getValue());
  if (measured != assumptions.globals.end())
    return drawMeasured(measured->second);
  return drawInitial(global.getValueAttr(), type);
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

LikelySample LikelyValueWalk::contract(ContractionOpInterface op) {
  Value lhs = op.getLhsOperand().get(), rhs = op.getRhsOperand().get();
  const LikelySample x = values.get(lhs), y = values.get(rhs);
  double k = double(op.getContractionDims().k);
  double xMean = x.getMean(), yMean = y.getMean();
  double xSquare = x.getVariance() + xMean * xMean;
  double ySquare = y.getVariance() + yMean * yMean;
  double mean = k * xMean * yMean;
  double variance =
      k * std::max(0.0, xSquare * ySquare - xMean * xMean * yMean * yMean);
  LikelySample sample = drawNormal(mean, std::sqrt(variance));
  // On the diagonal of x x^T stand sums of squares.
  for (unsigned i = kBody; lhs == rhs && i < kSize; ++i)
    sample.elements[i] += k * xSquare;
  if (Value bias = op.getContractionBias())
    for (auto [element, added] :
         llvm::zip(sample.elements, values.get(bias).elements))
      element += added;
  return sample;
}

LikelySample LikelyValueWalk::reduce(train::ReduceOp op) {
  const LikelySample input = values.get(op.getInput());
  double mean = input.getMean(), variance = input.getVariance();
  if (op.getKind() == train::ReduceKind::Max) {
    LikelySample sample = input;
    for (double &element : sample.elements)
      element = std::max(element, mean + 2 * std::sqrt(variance));
    return sample;
  }
  auto type = cast<RankedTensorType>(op.getInput().getType());
  double count = 1;
  for (int64_t dim : op.getDims())
    count *= double(type.getDimSize(dim));
  double factor = op.getKind() == train::ReduceKind::Mean ? 1 / count : 1;
  return drawNormal(factor * count * mean,
                    factor * std::sqrt(count * variance));
}

/// The average is one in as many as there are columns.
LikelySample LikelyValueWalk::softmax(train::SoftmaxOp op) {
  LikelySample sample = values.get(op.getInput());
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (double element : sample.elements)
    if (!std::isnan(element))
      largest = std::max(largest, element);
  for (double &element : sample.elements)
    element = std::exp(element - largest);
  for (double element : ArrayRef(sample.elements).take_front(kBody))
    sum += std::isnan(element) ? 0 : element;
  auto type = cast<RankedTensorType>(op.getInput().getType());
  double columns = double(type.getShape().back());
  for (double &element : sample.elements)
    element =
        std::min(1.0, element / (columns * std::max(sum, 1e-300) / kBody));
  return sample;
}

//===----------------------------------------------------------------------===//
// Elements one by one
//===----------------------------------------------------------------------===//

/// Whether bounds are so close that they are one number, rounded.
static bool isPoint(const Interval &x) {
  double width = x.high - x.low;
  return width <= 1e-3 * x.getMagnitude() || width <= 2e-5;
}

/// The result of an op on single elements, as the middle of its bounds. False
/// where that is not what the op does.
bool LikelyValueWalk::addElementwise(Operation *op) {
  auto ranged = dyn_cast<RangeOpInterface>(op);
  if (!ranged)
    return false;
  auto fusible = dyn_cast<FusionOpInterface>(op);
  bool isComposite =
      fusible && fusible.getFusionKind() == FusionKind::Composite;
  SmallVector<LikelySample> samples(op->getNumResults());
  SmallVector<Interval> operands(op->getNumOperands());
  for (unsigned i = 0; i < kSize; ++i) {
    bool isKnown = true;
    for (auto [range, operand] : llvm::zip(operands, op->getOperands())) {
      double element = values.get(operand).elements[i];
      isKnown &= !std::isnan(element);
      range = Interval::exactly(element);
    }
    SmallVector<Interval> results(op->getNumResults());
    if (isKnown)
      ranged.inferRanges(operands, results);
    for (auto [sample, x] : llvm::zip(samples, results)) {
      if (isKnown && x.isBounded() && isComposite && !isPoint(x))
        return false; // a whole row decides
      // A select, or a mask that drops elements, has one of two values.
      sample.elements[i] = !isKnown || !x.isBounded() ? kNaN
                           : isPoint(x)               ? (x.low + x.high) / 2
                           : i % 2                    ? x.low
                                                      : x.high;
    }
  }
  for (auto [value, sample] : llvm::zip(op->getResults(), samples))
    add(value, sample);
  return true;
}

/// `sample` within what is known for certain. What f32 does not hold either
/// says nothing.
void LikelyValueWalk::add(Value value, LikelySample sample) {
  auto measured = assumptions.values.find(value);
  if (measured != assumptions.values.end())
    fit(sample, measured->second);
  Interval range = bounds.getExactRange(value);
  for (double &element : sample.elements) {
    if (!range.mayBeNaN && !std::isnan(element))
      element = std::clamp(element, range.low, range.high);
    if (!(std::fabs(element) <= kRangeF32.getMaximum()))
      element = kNaN;
  }
  values.samples[value] = sample;
}

void LikelyValueWalk::addResults(Operation *op) {
  DenseElementsAttr constant;
  if (auto load = dyn_cast<ml_program::GlobalLoadOp>(op))
    return add(load.getResult(), drawLoad(load));
  if (matchPattern(op, m_Constant(&constant)))
    return add(op->getResult(0), drawConstant(constant));
  if (auto contraction = dyn_cast<ContractionOpInterface>(op))
    return add(op->getResult(0), contract(contraction));
  if (auto reduction = dyn_cast<train::ReduceOp>(op))
    return add(op->getResult(0), reduce(reduction));
  if (auto weights = dyn_cast<train::SoftmaxOp>(op))
    return add(op->getResult(0), softmax(weights));
  if (addElementwise(op))
    return;
  for (Value result : op->getResults())
    add(result, drawAny(bounds.getExactRange(result), result.getType()));
}

LikelyValues LikelyValueWalk::run(FunctionOpInterface function) {
  for (BlockArgument argument : function.getArguments())
    add(argument, drawArgument(function, argument.getArgNumber()));
  for (Operation &op : function.getFunctionBody().front()) {
    if (auto store = dyn_cast<ml_program::GlobalStoreOp>(op))
      stored[store.getGlobal().getLeafReference()] = store.getValue();
    else
      addResults(&op);
  }
  return std::move(values);
}

LikelyValues LikelyValues::run(FunctionOpInterface function,
                               const RangeAssumptions &assumptions,
                               const RangeAnalysis &bounds) {
  return LikelyValueWalk(assumptions, bounds).run(function);
}

const LikelySample &LikelyValues::get(Value value) const {
  static const LikelySample unknown = [] {
    LikelySample sample;
    sample.elements.fill(kNaN);
    return sample;
  }();
  auto found = samples.find(value);
  return found == samples.end() ? unknown : found->second;
}
