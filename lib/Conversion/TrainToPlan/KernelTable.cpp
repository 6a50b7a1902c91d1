//===- KernelTable.cpp - The distinct fusions of a module
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelTable.h"

#include "vernier/Codegen/Kernel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace vernier;

KernelTable::KernelTable(ModuleOp module) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  kernels = ModuleOp::create(builder, module.getLoc(), "kernels");
}

KernelTable::Key KernelTable::makeKey(train::FusionOp fusion) {
  Key key{fusion.getScheduleAttr().getAsOpaquePointer(),
          fusion.getRowsAttr().getAsOpaquePointer(),
          fusion.getColsAttr().getAsOpaquePointer()};
  llvm::DenseMap<Value, uintptr_t> numbers;
  auto define = [&](Value value) {
    numbers.insert({value, numbers.size()});
    key.push_back(value.getType().getAsOpaquePointer());
  };
  for (BlockArgument argument : fusion.getBody().getArguments())
    define(argument);
  for (Operation &op : fusion.getBody().front()) {
    key.push_back(op.getName().getAsOpaquePointer());
    NamedAttrList attributes(op.getAttrDictionary());
    attributes.erase(train::kBackwardAttr);
    key.push_back(
        attributes.getDictionary(op.getContext()).getAsOpaquePointer());
    for (Value operand : op.getOperands())
      key.push_back(reinterpret_cast<const void *>(numbers.lookup(operand)));
    for (Value result : op.getResults())
      define(result);
  }
  return key;
}

KernelTable::Kernel KernelTable::add(train::FusionOp fusion, StringRef entry,
                                     const TargetModel &target) {
  auto [it, isNew] = known.try_emplace(makeKey(fusion));
  if (!isNew)
    return it->second;
  KernelGrid grid = getKernelGrid(fusion, target);
  it->second = {(entry + "_" + Twine(known.size() - 1)).str(), grid.grid,
                grid.grain};

  OpBuilder builder = OpBuilder::atBlockEnd(kernels.getBody());
  auto function = func::FuncOp::create(
      builder, fusion.getLoc(), it->second.name,
      builder.getFunctionType(fusion.getInputs().getTypes(),
                              fusion.getResultTypes()));
  builder.setInsertionPointToStart(function.addEntryBlock());
  auto clone = cast<train::FusionOp>(builder.clone(*fusion));
  clone.getInputsMutable().assign(function.getArguments());
  func::ReturnOp::create(builder, fusion.getLoc(), clone.getResults());
  return it->second;
}
