//===- GroupParameters.cpp - Gives parameters an optimizer of their own
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes train.optimizer on parameters by name; nothing else. What the settings
// mean is known to --train-attach-optimizer.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/Transforms/Passes.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/Regex.h"

namespace vernier::train {
#define GEN_PASS_DEF_TRAINGROUPPARAMETERSPASS
#include "vernier/Dialect/Train/Transforms/Passes.h.inc"
} // namespace vernier::train

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

using ml_program::GlobalOp;

/// "lr=0.1 nesterov=true" as attributes: numbers, true and false, words.
static DictionaryAttr parseSettings(Builder builder, StringRef group,
                                    StringRef text) {
  NamedAttrList settings;
  settings.set("group", builder.getStringAttr(group));
  SmallVector<StringRef> parts;
  text.split(parts, ' ', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    auto [key, value] = part.split('=');
    double number;
    Attribute attr = builder.getStringAttr(value);
    if (value == "true" || value == "false")
      attr = builder.getBoolAttr(value == "true");
    else if (!value.getAsDouble(number))
      attr = builder.getF64FloatAttr(number);
    settings.set(key, attr);
  }
  return settings.getDictionary(builder.getContext());
}

static bool isParameter(GlobalOp global) {
  auto role = global->getAttrOfType<StringAttr>(kRoleAttr);
  return role && role.getValue() == kParameterRole;
}

namespace {

struct GroupParametersPass
    : train::impl::TrainGroupParametersPassBase<GroupParametersPass> {
  using TrainGroupParametersPassBase::TrainGroupParametersPassBase;

  void runOnOperation() override {
    if (failed(assign()))
      signalPassFailure();
  }

  LogicalResult assign() {
    ModuleOp module = getOperation();
    std::string error;
    llvm::Regex regex("^(" + std::string(parameters) + ")$");
    if (group.empty() || parameters.empty())
      return module.emitError(
          "a group of parameters needs a name and a regular "
          "expression: options group and parameters");
    if (!regex.isValid(error))
      return module.emitError("parameters of group '")
             << group << "': '" << parameters
             << "' is not a regular expression: " << error;
    DictionaryAttr optimizer =
        parseSettings(Builder(&getContext()), group, settings);
    unsigned count = 0;
    for (GlobalOp global : module.getOps<GlobalOp>()) {
      if (!isParameter(global) || global->hasAttr(kOptimizerAttr) ||
          !regex.match(global.getSymName()))
        continue;
      global->setAttr(kOptimizerAttr, optimizer);
      ++count;
    }
    if (count == 0)
      return module.emitError("no parameter is left for group '")
             << group << "': '" << parameters
             << "' must match the whole name of one that no other group has";
    remark::passed(module.getLoc(), remark::RemarkOpts::name("group").category(
                                        "train-group-parameters"))
        << remark::add("{0} parameters form the group '{1}'", count,
                       std::string(group));
    return success();
  }
};

} // namespace
