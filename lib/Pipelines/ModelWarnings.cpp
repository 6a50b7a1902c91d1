//===- ModelWarnings.cpp - What compiles, though it is hardly meant
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelWarnings.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Interfaces/EvaluationOpInterface.h"
#include "vernier/Interfaces/StatisticsOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace vernier;

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

namespace {

/// The globals that ops of a module name, by one walk over all of them.
struct Uses {
  llvm::DenseSet<StringAttr> named, loaded, stored;
};

} // namespace

static Uses collectUses(ModuleOp module) {
  Uses uses;
  // Nothing where an unregistered op may hide a symbol; models have none.
  if (auto all = SymbolTable::getSymbolUses(&module.getBodyRegion()))
    for (SymbolTable::SymbolUse use : *all) {
      StringAttr name = use.getSymbolRef().getRootReference();
      uses.named.insert(name);
      if (isa<ml_program::GlobalLoadOp>(use.getUser()))
        uses.loaded.insert(name);
      else if (isa<ml_program::GlobalStoreOp>(use.getUser()))
        uses.stored.insert(name);
    }
  return uses;
}

std::vector<NamedLocation> vernier::warnOfStates(ModuleOp module) {
  Uses uses = collectUses(module);
  std::vector<NamedLocation> parameters;
  for (auto global : module.getOps<ml_program::GlobalOp>()) {
    StringAttr name = global.getSymNameAttr();
    auto role = global->getAttrOfType<StringAttr>(train::kRoleAttr);
    if (!role && global.getIsMutable() && uses.loaded.contains(name) &&
        !uses.stored.contains(name))
      global.emitWarning("'@")
          << name.getValue()
          << "' is mutable, but nothing changes it: give it train.role = "
             "\"parameter\" to train it, or \"frozen\" to keep it as it is";
    if (!role || role.getValue() != train::kParameterRole)
      continue;
    if (!uses.named.contains(name))
      global.emitWarning("no function reads parameter '@")
          << name.getValue() << "': it is left out";
    else
      parameters.emplace_back(name.str(), global.getLoc());
  }
  return parameters;
}

LogicalResult
vernier::checkParameters(ModuleOp module,
                         const std::vector<NamedLocation> &parameters) {
  SymbolTable symbols(module);
  auto isLeftOut = [&](const NamedLocation &parameter) {
    return !symbols.lookup(parameter.first);
  };
  bool isTrained = module.lookupSymbol("loss") && !module.lookupSymbol("step");
  if (isTrained && !parameters.empty() && llvm::all_of(parameters, isLeftOut)) {
    const auto &[name, loc] = parameters.front();
    return emitError(loc, "no parameter to train: no result of a function "
                          "depends on '@")
           << name << "'";
  }
  for (const auto &[name, loc] : llvm::make_filter_range(parameters, isLeftOut))
    emitWarning(loc, "no result of a function depends on parameter '@")
        << name << "': it is left out";
  return success();
}

//===----------------------------------------------------------------------===//
// Statistics
//===----------------------------------------------------------------------===//

/// Whether `reduce` is the mean of single elements that is subtracted from
/// them: a norm that is written by hand.
static bool isMeanOfOne(train::ReduceOp reduce) {
  auto input = cast<RankedTensorType>(reduce.getInput().getType());
  auto result = cast<RankedTensorType>(reduce.getType());
  if (reduce.getKind() != train::ReduceKind::Mean ||
      input.getNumElements() != result.getNumElements())
    return false;
  auto isDifference = [&](Operation *user) {
    auto difference = dyn_cast<arith::SubFOp>(user);
    return difference && difference.getLhs() == reduce.getInput();
  };
  return llvm::any_of(reduce->getUsers(), [&](Operation *user) {
    return isDifference(user) || (isa<train::BroadcastOp>(user) &&
                                  llvm::any_of(user->getUsers(), isDifference));
  });
}

void vernier::warnOfStatistics(ModuleOp module) {
  bool isTrained = bool(module.lookupSymbol<func::FuncOp>("loss"));
  module.walk([&](Operation *op) {
    auto statistics = dyn_cast<StatisticsOpInterface>(op);
    bool isOfOne = statistics && statistics.getStatisticsCount() == 1;
    // Outside of training it has other statistics.
    if (isa<EvaluationOpInterface>(op) && !isTrained)
      return;
    auto reduce = dyn_cast<train::ReduceOp>(op);
    if (isOfOne || (reduce && isMeanOfOne(reduce)))
      op->emitWarning("'")
          << op->getName()
          << "' takes each of its statistics of one value: its result says "
             "nothing about its input, which gets no gradient; give it more "
             "rows or more elements";
  });
}
