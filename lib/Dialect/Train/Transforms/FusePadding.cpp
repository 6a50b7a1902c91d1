//===- FusePadding.cpp - Kernels read and write padded rows
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A slice that a fusion reads and a pad of what a fusion writes would each be a
// copy of the whole tensor. Inside of the fusion they are strides: the kernel
// walks over the real columns of padded rows, and writes zeros behind the rows
// that it stores. Its sums are those over real columns, in their order.
// Precondition: fusions are formed.
//
//===----------------------------------------------------------------------===//

#include "FusionPlanner.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Dialect/Train/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Utils/Utils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/SetVector.h"

namespace vernier::train {
#define GEN_PASS_DEF_TRAINFUSEPADDINGPASS
#include "vernier/Dialect/Train/Transforms/Passes.h.inc"
} // namespace vernier::train

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

/// Whether the types differ in their last dim alone.
static bool differInLastDim(RankedTensorType a, RankedTensorType b) {
  return a.getRank() > 0 && a.getRank() == b.getRank() &&
         a.getShape().drop_back() == b.getShape().drop_back();
}

/// The slice of the first columns that defines `value`, or null.
static tensor::ExtractSliceOp getColumnSlice(Value value) {
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  if (slice && slice.hasZeroOffset() && slice.hasUnitStride() &&
      differInLastDim(slice.getSourceType(), slice.getType()))
    return slice;
  return {};
}

/// Whether `pad` puts zeros behind the columns of its source.
static bool isColumnPad(tensor::PadOp pad) {
  Value padding = pad.getConstantPaddingValue();
  return pad.hasZeroLowPad() && padding &&
         padding.getParentBlock() == pad->getBlock() &&
         matchPattern(padding, m_AnyZeroFloat()) &&
         differInLastDim(pad.getSourceType(), pad.getResultType());
}

namespace {

/// One fusion, the slices that it reads and the pads of what it writes.
class PaddedFusion {
public:
  explicit PaddedFusion(FusionOp fusion) : fusion(fusion) {}

  /// Find what can be fused; none if that is nothing.
  bool match();
  void rewrite();

private:
  bool fits(RankedTensorType real);
  void emitRemark(FusionOp padded);

  FusionOp fusion;
  /// Of the kernel's rows; 0 while that is open, in a flat fusion.
  int64_t columns = 0;
  SmallVector<std::pair<unsigned, tensor::ExtractSliceOp>> slices;
  SmallVector<std::pair<unsigned, tensor::PadOp>> pads;
  /// What the copies would read and write.
  int64_t copiedBytes = 0;
};

} // namespace

/// Whether rows of `real` are the rows that the kernel walks along. A flat
/// fusion can walk along any rows: the first candidate chooses.
bool PaddedFusion::fits(RankedTensorType real) {
  int64_t count = fusion.getRows() * fusion.getCols();
  int64_t last = real.getRank() > 0 ? real.getShape().back() : 0;
  if (last == 0 || real.getNumElements() != count ||
      (columns > 0 && last != columns))
    return false;
  columns = last;
  return true;
}

bool PaddedFusion::match() {
  if (fusion.getSchedule() != FusionSchedule::Flat)
    columns = fusion.getCols();
  for (OpOperand &input : fusion->getOpOperands()) {
    tensor::ExtractSliceOp slice = getColumnSlice(input.get());
    if (!slice || !fits(slice.getType()))
      continue;
    slices.push_back({input.getOperandNumber(), slice});
    copiedBytes += 2 * getTensorBytes(slice.getResult());
  }
  // The loop inside of a columns fusion runs down the columns: it has no end of
  // a row.
  bool writesRows = fusion.getSchedule() != FusionSchedule::Columns;
  for (OpResult result : fusion->getResults())
    for (Operation *user : result.getUsers()) {
      auto pad = dyn_cast<tensor::PadOp>(user);
      if (!writesRows || !pad || !isColumnPad(pad) ||
          !fits(pad.getSourceType()))
        continue;
      pads.push_back({result.getResultNumber(), pad});
      copiedBytes += getTensorBytes(result) + getTensorBytes(pad.getResult());
    }
  return !slices.empty() || !pads.empty();
}

/// Build the fusion anew: slices behind the arguments, pads ahead of the yield,
/// whose results follow those that are still read.
void PaddedFusion::rewrite() {
  auto yield = cast<YieldOp>(fusion.getBody().front().getTerminator());
  OpBuilder builder(yield);
  SmallVector<Value> yielded, replaced;
  llvm::SmallSetVector<Operation *, 2> paddings;
  for (auto [index, pad] : pads) {
    Value zero = arith::ConstantOp::create(
        builder, pad.getLoc(),
        cast<TypedAttr>(builder.getZeroAttr(pad.getType().getElementType())));
    yielded.push_back(
        tensor::createPadHighOp(pad.getResultType(), yield.getValues()[index],
                                zero, /*nofold=*/false, pad.getLoc(), builder));
    replaced.push_back(pad.getResult());
    paddings.insert(pad.getConstantPaddingValue().getDefiningOp());
    pad->dropAllReferences();
  }
  for (auto [result, value] :
       llvm::zip(fusion->getResults(), yield.getValues())) {
    if (result.use_empty())
      continue;
    yielded.push_back(value);
    replaced.push_back(result);
  }
  yield.getValuesMutable().assign(yielded);

  builder.setInsertionPointToStart(&fusion.getBody().front());
  for (auto [index, slice] : slices) {
    BlockArgument argument = fusion.getBody().getArgument(index);
    fusion->setOperand(index, slice.getSource());
    argument.setType(slice.getSourceType());
    auto inner = cast<tensor::ExtractSliceOp>(builder.clone(*slice));
    inner->setDiscardableAttrs(ArrayRef<NamedAttribute>());
    argument.replaceAllUsesWith(inner.getResult());
    inner.getSourceMutable().assign(argument);
  }

  bool isFlat = fusion.getSchedule() == FusionSchedule::Flat;
  int64_t count = fusion.getRows() * fusion.getCols();
  builder.setInsertionPoint(fusion);
  auto padded = FusionOp::create(
      builder, fusion.getLoc(), TypeRange(ValueRange(yielded)),
      fusion.getInputs(), isFlat ? FusionSchedule::Rows : fusion.getSchedule(),
      isFlat ? count / columns : int64_t(fusion.getRows()), columns);
  padded->setDiscardableAttrs(fusion->getDiscardableAttrDictionary());
  padded.getBody().takeBody(fusion.getBody());
  emitRemark(padded);
  for (auto [old, result] : llvm::zip(replaced, padded.getResults()))
    old.replaceAllUsesWith(result);
  for (auto [index, pad] : pads)
    pad.erase();
  for (Operation *padding : paddings)
    if (padding->use_empty())
      padding->erase();
  fusion.erase();
  for (auto [index, slice] : slices)
    if (slice.use_empty())
      slice.erase();
}

void PaddedFusion::emitRemark(FusionOp padded) {
  remark::passed(padded.getLoc(), remark::RemarkOpts::name("Fusion").category(
                                      "train-fuse-padding"))
      << remark::reason("the kernel over rows of {0} reads {1} and writes {2} "
                        "padded tensors; copies would move {3} bytes",
                        columns, slices.size(), pads.size(), copiedBytes);
}

namespace {

struct FusePaddingPass
    : train::impl::TrainFusePaddingPassBase<FusePaddingPass> {
  using TrainFusePaddingPassBase::TrainFusePaddingPassBase;

  void runOnOperation() override {
    SmallVector<FusionOp> fusions;
    getOperation().walk([&](FusionOp fusion) { fusions.push_back(fusion); });
    for (FusionOp fusion : fusions) {
      PaddedFusion padded(fusion);
      if (padded.match())
        padded.rewrite();
    }
  }
};

} // namespace
