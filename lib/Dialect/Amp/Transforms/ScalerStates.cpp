//===- ScalerStates.cpp - The states that loss scaling adds to a module
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScalerStates.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

using ml_program::GlobalLoadOp;
using ml_program::GlobalOp;
using ml_program::GlobalStoreOp;

GlobalOp ScalerStates::create(StringRef name, RankedTensorType type,
                              Attribute initial, StringRef role) {
  if (Operation *other = symbols.lookup(name)) {
    if (valid)
      other->emitError("'@")
          << name
          << "' is a state of the loss scaler: the step has one already, "
          << "or this is to be renamed";
    valid = false;
    return {};
  }
  builder.setInsertionPoint(step);
  auto global =
      GlobalOp::create(builder, step.getLoc(), name, type, /*is_mutable=*/true,
                       initial, builder.getStringAttr("private"));
  global->setAttr(train::kRoleAttr, builder.getStringAttr(role));
  symbols.insert(global);
  return global;
}

GlobalOp ScalerStates::report(GlobalOp global, StringRef why) {
  valid = false;
  global.emitError("loss scaling: '@") << global.getSymName() << "' " << why;
  return {};
}

GlobalOp ScalerStates::createCounter(StringRef name, int64_t initial,
                                     StringRef role) {
  auto type = RankedTensorType::get({}, builder.getI32Type());
  auto value = DenseElementsAttr::get(
      type, builder.getI32IntegerAttr(initial).getValue());
  return create(name, type, value, role);
}

Value vernier::amp::createLoad(OpBuilder &builder, Location loc,
                               GlobalOp global) {
  return GlobalLoadOp::create(builder, loc, global.getType(),
                              FlatSymbolRefAttr::get(global));
}

void vernier::amp::createStore(OpBuilder &builder, Location loc,
                               GlobalOp global, Value value) {
  GlobalStoreOp::create(builder, loc, FlatSymbolRefAttr::get(global), value);
}

LogicalResult vernier::amp::addResult(func::FuncOp step, StringRef name,
                                      Value value) {
  Builder builder(step.getContext());
  unsigned index = step.getNumResults();
  for (unsigned i = 0; i < index; ++i)
    if (step.getResultAttr(i, train::kNameAttr) == builder.getStringAttr(name))
      return step.emitError("result ")
             << i << " has the name \"" << name
             << "\", which a result of loss scaling has; rename this";
  (void)step.insertResult(index, value.getType(),
                          builder.getDictionaryAttr(builder.getNamedAttr(
                              train::kNameAttr, builder.getStringAttr(name))));
  step.front().getTerminator()->insertOperands(index, value);
  return success();
}
