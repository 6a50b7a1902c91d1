//===- RangeAnalysis.cpp - Bounds of every value of a function
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Transforms/RangeAnalysis.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Interfaces/RangeOpInterface.h"

#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

using ml_program::GlobalLoadOp;
using ml_program::GlobalOp;
using ml_program::GlobalStoreOp;

/// The longest chain that a diagnostic shows.
static constexpr unsigned kChainLength = 8;

//===----------------------------------------------------------------------===//
// Where bounds come from
//===----------------------------------------------------------------------===//

std::optional<Interval> amp::getDeclaredRange(Attribute attribute, Type type) {
  if (!attribute)
    return std::nullopt;
  auto get = [&](Attribute bound) {
    auto integer = dyn_cast<IntegerAttr>(bound);
    return integer ? double(integer.getInt())
                   : cast<FloatAttr>(bound).getValueAsDouble();
  };
  auto bounds = cast<ArrayAttr>(attribute);
  double low = get(bounds[0]), high = get(bounds[1]);
  return isa<IntegerType>(getElementTypeOrSelf(type))
             ? Interval::integers(low, high)
             : Interval::between(low, high);
}

/// A normal distribution ends where that of the runtime does: its draws are
/// sqrt(-2 ln u) cos(2 pi v) of a u of 32 bits, at most sqrt(64 ln 2).
static InitialDistribution makeNormal(double mean, double stddev) {
  constexpr double kLongestTail = 6.7;
  double bound = kLongestTail * stddev;
  Interval spread = Interval::between(-bound, bound).widened(kRelativeSlack);
  return {Interval::exactly(mean) + spread, mean, stddev, /*isNormal=*/true};
}

static InitialDistribution makeUniform(double low, double high) {
  return {Interval::between(low, high).widened(kRelativeSlack),
          (low + high) / 2, (high - low) / std::sqrt(12.0), /*isNormal=*/false,
          /*isUniform=*/true};
}

InitialDistribution amp::getInitialDistribution(Attribute initializer,
                                                RankedTensorType type) {
  double fanOut = type.getRank() ? double(type.getDimSize(0)) : 1;
  double fanIn = double(type.getNumElements()) / std::max(fanOut, 1.0);
  auto scaled = [&](double variance, bool isUniform) {
    double bound = std::sqrt(3 * variance);
    return isUniform ? makeUniform(-bound, bound)
                     : makeNormal(0, std::sqrt(variance));
  };
  if (auto constant = dyn_cast_or_null<train::ConstantAttr>(initializer))
    return {Interval::exactly(constant.getValue())};
  if (auto normal = dyn_cast_or_null<train::NormalAttr>(initializer))
    return makeNormal(normal.getMean(), normal.getStddev());
  if (auto uniform = dyn_cast_or_null<train::UniformAttr>(initializer))
    return makeUniform(uniform.getLow(), uniform.getHigh());
  if (auto kaiming = dyn_cast_or_null<train::KaimingAttr>(initializer))
    return scaled(2 / fanIn, kaiming.getUniform());
  if (auto xavier = dyn_cast_or_null<train::XavierAttr>(initializer))
    return scaled(2 / (fanIn + fanOut), xavier.getUniform());
  return {initializer ? getRangeOfConstant(initializer) : Interval::unknown()};
}

//===----------------------------------------------------------------------===//
// The walk
//===----------------------------------------------------------------------===//

/// What is known by bounds and was measured, too.
static Interval intersect(Interval range, const Interval &measured) {
  range.low = std::max(range.low, measured.low);
  range.high = std::min(range.high, measured.high);
  range.mayBeNaN = false;
  return range.low <= range.high ? range : measured;
}

void RangeAnalysis::add(Value value, Interval range) {
  auto measured = assumptions->values.find(value);
  if (measured != assumptions->values.end())
    range = intersect(range, measured->second.range);
  exact[value] = range;
  stored[value] = roundToType(range, value.getType());
}

void RangeAnalysis::addArguments(FunctionOpInterface function) {
  for (BlockArgument argument : function.getArguments()) {
    Attribute attribute =
        function.getArgAttr(argument.getArgNumber(), train::kRangeAttr);
    std::optional<Interval> declared =
        getDeclaredRange(attribute, argument.getType());
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                      train::kNameAttr);
    Interval range = getRangeOfType(argument.getType());
    if (declared)
      range = *declared;
    else if (name && assumptions->inputs.count(name.getValue()))
      range = assumptions->inputs.lookup(name.getValue()).range;
    add(argument, range);
  }
}

void RangeAnalysis::addLoad(GlobalLoadOp load) {
  StringAttr name = load.getGlobal().getLeafReference();
  auto written = globals.find(name);
  if (written != globals.end()) {
    add(load.getResult(), written->second);
    return;
  }
  auto module = load->getParentOfType<ModuleOp>();
  auto global = module.lookupSymbol<GlobalOp>(name);
  auto type = dyn_cast<RankedTensorType>(load.getType());
  if (!global || !type)
    return;
  std::optional<Interval> declared =
      getDeclaredRange(global->getAttr(train::kRangeAttr), type);
  Interval range = getRangeOfType(type);
  auto role = global->getAttrOfType<StringAttr>(train::kRoleAttr);
  bool isFixed =
      !global.getIsMutable() || (role && role.getValue() == train::kFrozenRole);
  if (declared)
    range = *declared;
  else if (assumptions->globals.count(name.getValue()))
    range = assumptions->globals.lookup(name.getValue()).range;
  else if (isFixed || assumptions->initialValues)
    range = getInitialDistribution(global.getValueAttr(), type).range;
  // Looked up once for a function.
  globals[name] = roundToType(range, type);
  add(load.getResult(), range);
}

void RangeAnalysis::addResults(Operation &op) {
  SmallVector<Interval> operands, results(op.getNumResults());
  for (Value operand : op.getOperands())
    operands.push_back(getRange(operand));
  if (auto ranged = dyn_cast<RangeOpInterface>(op))
    ranged.inferRanges(operands, results);
  else
    for (auto [range, type] : llvm::zip(results, op.getResultTypes()))
      range = getRangeOfType(type);
  for (auto [value, range] : llvm::zip(op.getResults(), results))
    add(value, range);
}

RangeAnalysis RangeAnalysis::run(FunctionOpInterface function,
                                 const RangeAssumptions &assumptions) {
  RangeAnalysis analysis;
  analysis.assumptions = &assumptions;
  analysis.addArguments(function);
  for (Operation &op : function.getFunctionBody().front()) {
    if (auto load = dyn_cast<GlobalLoadOp>(op)) {
      analysis.addLoad(load);
    } else if (auto store = dyn_cast<GlobalStoreOp>(op)) {
      analysis.globals[store.getGlobal().getLeafReference()] =
          analysis.getRange(store.getValue());
    } else {
      analysis.addResults(op);
    }
  }
  analysis.assumptions = nullptr;
  return analysis;
}

//===----------------------------------------------------------------------===//
// Answers
//===----------------------------------------------------------------------===//

Interval RangeAnalysis::getRange(Value value) const {
  auto found = stored.find(value);
  return found == stored.end() ? getRangeOfType(value.getType())
                               : found->second;
}

Interval RangeAnalysis::getExactRange(Value value) const {
  auto found = exact.find(value);
  return found == exact.end() ? getRangeOfType(value.getType()) : found->second;
}

SmallVector<Value> RangeAnalysis::getChain(Value value) const {
  SmallVector<Value> chain = {value};
  while (chain.size() < kChainLength) {
    Operation *op = chain.back().getDefiningOp();
    Value worst;
    for (Value operand : op ? op->getOperands() : ValueRange()) {
      auto tensor = dyn_cast<RankedTensorType>(operand.getType());
      if (!tensor || !isa<FloatType>(tensor.getElementType()))
        continue;
      // An infinity from here is worse than any number from there.
      if (!worst ||
          getRange(operand).getMagnitude() > getRange(worst).getMagnitude())
        worst = operand;
    }
    if (!worst)
      break;
    chain.push_back(worst);
  }
  return chain;
}
