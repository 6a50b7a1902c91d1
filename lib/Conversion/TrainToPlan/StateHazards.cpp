//===- StateHazards.cpp - Which stores can be done in place
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StateHazards.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace vernier;

/// Whether `fusion` may write its result `value` over its input `input`: each
/// element is read before the same element is written.
static bool canOverwrite(train::FusionOp fusion, Value value, Value input) {
  if (fusion.getSchedule() == train::FusionSchedule::Columns)
    return false;
  auto type = cast<RankedTensorType>(value.getType());
  auto inputType = cast<RankedTensorType>(input.getType());
  if (type.getElementType() != inputType.getElementType() ||
      type.getNumElements() != inputType.getNumElements())
    return false;
  // Anything but a full-size tensor is read at other points of the grid too.
  int64_t rows = fusion.getRows(), cols = fusion.getCols();
  if (type.getNumElements() == rows * cols)
    return true;
  // Padded rows that are written where padded rows of that length are read.
  bool isRows = fusion.getSchedule() == train::FusionSchedule::Rows;
  return isRows && type == inputType && type.getRank() > 0 &&
         type.getShape().back() > cols &&
         type.getNumElements() / type.getShape().back() == rows;
}

/// The value whose memory `value` is a view of.
static Value stripReshapes(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

StateHazards::StateHazards(func::FuncOp function) {
  llvm::MapVector<StringAttr, Loads> loads;
  SmallVector<ml_program::GlobalStoreOp> stores;
  int64_t position = 0;
  for (Operation &op : function.getBody().front()) {
    positions[&op] = position++;
    if (auto load = dyn_cast<ml_program::GlobalLoadOp>(op))
      loads[load.getGlobalAttr().getLeafReference()].push_back(load);
    if (auto store = dyn_cast<ml_program::GlobalStoreOp>(op))
      stores.push_back(store);
  }
  for (ml_program::GlobalStoreOp store : stores)
    decideStore(store, loads[store.getGlobalAttr().getLeafReference()]);
}

/// The position of the last op that reads `value`, through reshapes and slices
/// too, which may be no copies.
int64_t StateHazards::getLastRead(Value value) const {
  int64_t last = -1;
  for (Operation *user : value.getUsers()) {
    last = std::max(last, positions.lookup(user));
    if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp,
            tensor::ExtractSliceOp>(user))
      last = std::max(last, getLastRead(user->getResult(0)));
  }
  return last;
}

void StateHazards::decideStore(ml_program::GlobalStoreOp store,
                               const Loads &loads) {
  Value value = store.getValue();
  Operation *definition = value.getDefiningOp();
  int64_t storePosition = positions.lookup(store);
  auto fusion = dyn_cast_or_null<train::FusionOp>(definition);
  bool inPlace = fusion && !inPlaceValues.contains(value);
  int64_t writePosition =
      inPlace ? positions.lookup(definition) : storePosition;
  for (ml_program::GlobalLoadOp load : loads) {
    int64_t loadPosition = positions.lookup(load);
    // Reads of the old value after the write would see the new one.
    if (loadPosition < storePosition &&
        (loadPosition > writePosition || getLastRead(load) > writePosition))
      inPlace = false;
    if (!inPlace)
      continue;
    for (Value input : fusion.getInputs())
      if (stripReshapes(input) == load.getResult() &&
          !canOverwrite(fusion, value, input))
        inPlace = false;
  }
  if (inPlace) {
    inPlaceValues[value] =
        FlatSymbolRefAttr::get(store.getGlobalAttr().getLeafReference());
    inPlaceStores.insert(store);
    return;
  }
  for (ml_program::GlobalLoadOp load : loads)
    if (positions.lookup(load) < storePosition &&
        getLastRead(load) > storePosition)
      snapshots.insert(load);
}
