//===- PaddingPropagation.cpp - Padded values from producer to consumer
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Works backwards from each tensor.pad: what it reads is a slice of the wanted
// shape already, or a load of a global that can be stored padded, or an op that
// can compute the padded shape from padded operands (PaddedValues.cpp). Zeros
// are kept zero: where the lanes of the result are not proven to be, a mask
// makes them so. A pad that remains is for the kernels of its producer or
// consumer, or a copy.
//
//===----------------------------------------------------------------------===//

#include "PaddingPropagation.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/Utils/Utils.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;
using ml_program::GlobalLoadOp;
using ml_program::GlobalOp;
using ml_program::GlobalStoreOp;

static RankedTensorType getType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static ArrayRef<int64_t> getShape(Value value) {
  return getType(value).getShape();
}

PaddingPropagation::PaddingPropagation(ModuleOp module)
    : module(module), symbols(module) {
  module.walk([&](Operation *op) {
    if (auto load = dyn_cast<GlobalLoadOp>(op))
      users[load.getGlobal().getLeafReference()].push_back(op);
    else if (auto store = dyn_cast<GlobalStoreOp>(op))
      users[store.getGlobal().getLeafReference()].push_back(op);
  });
}

Value PaddingPropagation::createPad(Value value, ArrayRef<int64_t> shape) {
  RankedTensorType type = getType(value);
  if (type.getShape() == shape)
    return value;
  RankedTensorType padded = type.clone(shape);
  Value &result = pads[{value, padded}];
  if (result)
    return result;
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  Value zero = arith::ConstantOp::create(
      builder, value.getLoc(),
      builder.getFloatAttr(type.getElementType(), 0.0));
  result = tensor::createPadHighOp(padded, value, zero, /*nofold=*/false,
                                   value.getLoc(), builder);
  worklist.push_back(result.getDefiningOp());
  return result;
}

Value PaddingPropagation::createSlice(Value padded, RankedTensorType type,
                                      PaddedLanes lanes) {
  OpBuilder builder(padded.getContext());
  builder.setInsertionPointAfterValue(padded);
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes;
  for (int64_t extent : type.getShape())
    sizes.push_back(builder.getIndexAttr(extent));
  auto slice = tensor::ExtractSliceOp::create(builder, padded.getLoc(), type,
                                              padded, offsets, sizes, strides);
  slices[slice] = lanes;
  return slice;
}

//===----------------------------------------------------------------------===//
// Globals
//===----------------------------------------------------------------------===//

/// Whether `global` is a parameter or moment that `shape` can hold.
bool PaddingPropagation::canStore(GlobalOp global, Shape shape) {
  auto role = global ? global->getAttrOfType<StringAttr>(train::kRoleAttr)
                     : StringAttr();
  return role &&
         llvm::is_contained(
             {train::kParameterRole, train::kFrozenRole, train::kMomentRole},
             role.getValue()) &&
         holds(shape, cast<RankedTensorType>(global.getType()).getShape());
}

/// Give a parameter or moment the padded shape, its loads and stores too; it
/// may have been padded less before.
void PaddingPropagation::storePadded(GlobalOp global, Shape shape) {
  auto type = cast<RankedTensorType>(global.getType());
  RankedTensorType padded = type.clone(shape);
  global.setType(padded);
  if (!global->hasAttr(train::kLogicalShapeAttr))
    global->setAttr(
        train::kLogicalShapeAttr,
        DenseI64ArrayAttr::get(global.getContext(), type.getShape()));
  for (Operation *&user : users[global.getSymNameAttr()]) {
    if (auto store = dyn_cast<GlobalStoreOp>(user)) {
      store.getValueMutable().assign(createPad(store.getValue(), shape));
      continue;
    }
    OpBuilder builder(user);
    Value load = GlobalLoadOp::create(builder, user->getLoc(), padded,
                                      cast<GlobalLoadOp>(user).getGlobal());
    user->getResult(0).replaceAllUsesWith(
        createSlice(load, type, PaddedLanes::zero(type.getElementType())));
    user = load.getDefiningOp();
  }
}

GlobalOp PaddingPropagation::getGlobal(GlobalLoadOp load) {
  return symbols.lookup<GlobalOp>(load.getGlobal().getLeafReference());
}

//===----------------------------------------------------------------------===//
// Pads
//===----------------------------------------------------------------------===//

/// Whether one dim is padded: a mask of two would be a tensor to read.
static bool canMask(RankedTensorType type, RankedTensorType real) {
  return llvm::count_if(llvm::zip(type.getShape(), real.getShape()),
                        [](auto extents) {
                          return std::get<0>(extents) != std::get<1>(extents);
                        }) == 1;
}

/// Zeros in the lanes, by a select that the producing kernel makes.
Value PaddingPropagation::mask(Value value, RankedTensorType real) {
  RankedTensorType type = getType(value);
  int64_t dim = 0;
  while (type.getDimSize(dim) == real.getDimSize(dim))
    ++dim;
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  Location loc = value.getLoc();
  SmallVector<bool> isReal(type.getDimSize(dim), false);
  std::fill_n(isReal.begin(), real.getDimSize(dim), true);
  auto vector =
      RankedTensorType::get({type.getDimSize(dim)}, builder.getI1Type());
  Value lanes = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(vector, isReal));
  Value condition = train::BroadcastOp::create(
      builder, loc, type.clone(builder.getI1Type()), lanes, dim);
  Value zero = arith::ConstantOp::create(
      builder, loc, cast<TypedAttr>(builder.getZeroAttr(type)));
  return arith::SelectOp::create(builder, loc, condition, value, zero);
}

/// Whether nothing is left of `pad`.
bool PaddingPropagation::resolve(tensor::PadOp pad) {
  RankedTensorType type = pad.getResultType();
  RankedTensorType real = pad.getSourceType();
  // Zeros behind what was cut off zeros: one copy, not two.
  auto slice = slices.find(pad.getSource().getDefiningOp());
  if (slice != slices.end() && slice->second.isZero()) {
    Value padded = slice->first->getOperand(0);
    if (padded.getType() != type && holds(type.getShape(), getShape(padded))) {
      pad.getResult().replaceAllUsesWith(createPad(padded, type.getShape()));
      return true;
    }
  }
  inferred.clear();
  std::optional<PaddedLanes> lanes =
      infer(pad.getSource(), type.getShape(), /*depth=*/0);
  if (!lanes || (!lanes->isZero() && !canMask(type, real)))
    return false;
  Value value = materialize(pad.getSource(), type.getShape());
  if (!lanes->isZero())
    value = mask(value, real);
  pad.getResult().replaceAllUsesWith(value);
  return true;
}

void PaddingPropagation::eraseDead() {
  module.walk([](func::FuncOp function) {
    for (Block &block : llvm::reverse(function.getBody()))
      for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
        if (isOpTriviallyDead(&op) || (isa<GlobalLoadOp>(op) && op.use_empty()))
          op.erase();
  });
}

void PaddingPropagation::run() {
  bool changed = true;
  while (changed) {
    changed = false;
    failures.clear();
    // Stores of globals that become padded add to the worklist.
    SmallVector<Operation *> remaining;
    for (unsigned i = 0; i < worklist.size(); ++i) {
      bool isResolved =
          worklist[i]->use_empty() || resolve(cast<tensor::PadOp>(worklist[i]));
      if (!isResolved)
        remaining.push_back(worklist[i]);
      changed |= isResolved;
    }
    worklist = std::move(remaining);
    SmallVector<Operation *> ops;
    module.walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : ops) {
      auto gather = dyn_cast<train::GatherOp>(op);
      changed |= gather ? widenGather(gather) : widenReductions(op);
    }
  }
  eraseDead();
}
