//===- PrepareFusions.cpp - Simplifications before fusions are planned
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Moves what a library call can do into it, reshapes out of the way, and brings
// reductions into the forms that fusions have. Precondition: composites are
// expanded, and what is equal is shared, for the patterns look for single uses.
//
//===----------------------------------------------------------------------===//

#include "FusionSpace.h"

#include "vernier/Dialect/Train/IR/ExpansionBuilder.h"
#include "vernier/Dialect/Train/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace vernier::train {
#define GEN_PASS_DEF_TRAINPREPAREFUSIONSPASS
#include "vernier/Dialect/Train/Transforms/Passes.h.inc"
} // namespace vernier::train

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

namespace {

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

/// The transpose whose result is `value`, or is cast to it, if it swaps the
/// last two dims.
static TransposeOp getSwapOfLastDims(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto transpose = dyn_cast<TransposeOp>(op)) {
      auto permutation = llvm::to_vector(transpose.getPermutation());
      int64_t rank = permutation.size();
      if (rank < 2)
        return {};
      std::swap(permutation[rank - 1], permutation[rank - 2]);
      return llvm::equal(permutation, llvm::seq<int64_t>(0, rank))
                 ? transpose
                 : TransposeOp();
    }
    if (!isa<arith::ExtFOp, arith::TruncFOp>(op))
      return {};
    value = op->getOperand(0);
  }
  return {};
}

/// matmul(transpose(a), b) reads a with the transpose flag; casts between move
/// to the other side of the transpose.
struct FoldTransposeIntoMatmul : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp matmul,
                                PatternRewriter &rewriter) const override {
    bool changed = false;
    for (OpOperand *operand :
         {&matmul.getLhsOperand(), &matmul.getRhsOperand()}) {
      TransposeOp transpose = getSwapOfLastDims(operand->get());
      if (!transpose)
        continue;
      changed = true;
      Value source = castLike(operand->get(), transpose, rewriter);
      rewriter.modifyOpInPlace(matmul, [&] {
        operand->set(source);
        if (operand->getOperandNumber() == 0)
          matmul.setTransposeLhs(!matmul.getTransposeLhs());
        else
          matmul.setTransposeRhs(!matmul.getTransposeRhs());
      });
    }
    return success(changed);
  }

  /// The casts between `transpose` and `value`, on the transpose's input.
  static Value castLike(Value value, TransposeOp transpose,
                        PatternRewriter &rewriter) {
    Operation *op = value.getDefiningOp();
    if (op == transpose)
      return transpose.getInput();
    Value source = castLike(op->getOperand(0), transpose, rewriter);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(op);
    Type type = cast<RankedTensorType>(source.getType())
                    .clone(getElementTypeOrSelf(value.getType()));
    Operation *clone = rewriter.clone(*op);
    clone->setOperand(0, source);
    clone->getResult(0).setType(type);
    return clone->getResult(0);
  }
};

/// max(contraction, 0) becomes the contraction's epilogue; rounding between the
/// two keeps signs, so that the order does not matter.
struct SinkReluIntoContraction : OpRewritePattern<arith::MaximumFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::MaximumFOp relu,
                                PatternRewriter &rewriter) const override {
    if (!matchPattern(relu.getRhs(), m_AnyZeroFloat()))
      return failure();
    Value value = relu.getLhs();
    if (auto truncate = value.getDefiningOp<arith::TruncFOp>())
      if (truncate->hasOneUse())
        value = truncate.getIn();
    auto contraction = value.getDefiningOp<ContractionOpInterface>();
    if (!contraction || !contraction.isMatrixProduct() || !value.hasOneUse() ||
        hasEpilogue(contraction))
      return failure();
    rewriter.modifyOpInPlace(contraction, [&] {
      contraction->setAttr(
          "epilogue", EpilogueAttr::get(relu.getContext(), Epilogue::Relu));
    });
    rewriter.replaceOp(relu, relu.getLhs());
    return success();
  }

  static bool hasEpilogue(Operation *contraction) {
    auto epilogue = contraction->getAttrOfType<EpilogueAttr>("epilogue");
    return epilogue && epilogue.getValue() != Epilogue::None;
  }
};

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

/// How many ops a reshape passes at most, so that asking stays cheap.
static constexpr int kMaxHoist = 8;

/// Whether `op` repeats one element.
static bool repeatsScalar(Operation *op) {
  auto broadcast = dyn_cast<BroadcastOp>(op);
  return broadcast && broadcast.getDims().empty();
}

/// Whether the ops that compute `value` can compute it in another shape from
/// what is in memory: none of them has another reader, or only widens.
static bool canReshape(Value value, int depth = 0) {
  Operation *op = value.getDefiningOp();
  auto fusible = dyn_cast_or_null<FusionOpInterface>(op);
  if (!fusible || fusible.getFusionKind() == FusionKind::Contraction ||
      fusible.getFusionKind() == FusionKind::Call ||
      fusible.getFusionKind() == FusionKind::Opaque ||
      op->hasTrait<OpTrait::ConstantLike>())
    return true;
  if (repeatsScalar(op))
    return true;
  if (fusible.getFusionKind() != FusionKind::Elementwise ||
      isa<BroadcastOp, OneHotOp>(op) || depth == kMaxHoist ||
      (!op->hasOneUse() && !isa<arith::ExtFOp>(op)))
    return false;
  auto shape = cast<RankedTensorType>(value.getType()).getShape();
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    return type && type.getShape() == shape && canReshape(operand, depth + 1);
  });
}

/// A reshape of an elementwise result becomes one of its operands: reshapes of
/// what is in memory anyway cost nothing, separate no ops that could share a
/// kernel, and meet others that undo them.
template <typename ReshapeOp>
struct HoistReshape : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern<ReshapeOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp reshape,
                                PatternRewriter &rewriter) const override {
    Operation *op = reshape.getSrc().getDefiningOp();
    auto fusible = dyn_cast_or_null<FusionOpInterface>(op);
    if (!fusible || fusible.getFusionKind() != FusionKind::Elementwise ||
        op->hasTrait<OpTrait::ConstantLike>() || !canReshape(reshape.getSrc()))
      return failure();
    RankedTensorType resultType = reshape.getResultType();
    IRMapping mapping;
    if (!repeatsScalar(op)) {
      for (Value operand : op->getOperands()) {
        Operation *clone = rewriter.clone(*reshape);
        clone->setOperand(0, operand);
        clone->getResult(0).setType(
            resultType.clone(getElementTypeOrSelf(operand.getType())));
        mapping.map(operand, clone->getResult(0));
      }
    }
    Operation *clone = rewriter.clone(*op, mapping);
    clone->getResult(0).setType(resultType);
    rewriter.replaceOp(reshape, clone->getResults());
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// Reducing dims of extent 1 is a change of shape.
struct ReplaceUnitReduce : OpRewritePattern<ReduceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReduceOp reduce,
                                PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(reduce.getInput().getType());
    for (int64_t dim : reduce.getDims())
      if (type.getDimSize(dim) != 1)
        return failure();
    auto resultType = cast<RankedTensorType>(reduce.getType());
    ExpansionBuilder builder(rewriter, reduce);
    Value value = builder.roundTo(reduce.getInput(), resultType);
    std::optional<SmallVector<ReassociationIndices>> dims =
        getReassociationIndicesForReshape(type, resultType);
    if (!dims)
      return failure();
    if (type.getRank() != resultType.getRank())
      value = tensor::CollapseShapeOp::create(rewriter, reduce.getLoc(),
                                              resultType, value, *dims);
    rewriter.replaceOp(reduce, value);
    return success();
  }
};

/// A reduction over dims in the middle is one over the last dims of a
/// transpose.
struct TransposeForReduce : OpRewritePattern<ReduceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReduceOp reduce,
                                PatternRewriter &rewriter) const override {
    if (reducesTrailingDims(reduce) || reducesLeadingDims(reduce))
      return failure();
    auto type = cast<RankedTensorType>(reduce.getInput().getType());
    SmallVector<int64_t> permutation, shape;
    for (int64_t dim : llvm::seq<int64_t>(0, type.getRank()))
      if (!llvm::is_contained(reduce.getDims(), dim))
        permutation.push_back(dim);
    int64_t kept = permutation.size();
    llvm::append_range(permutation, reduce.getDims());
    for (int64_t dim : permutation)
      shape.push_back(type.getDimSize(dim));
    auto transpose =
        TransposeOp::create(rewriter, reduce.getLoc(), type.clone(shape),
                            reduce.getInput(), permutation);
    if (Attribute backward = reduce->getDiscardableAttr(kBackwardAttr))
      transpose->setDiscardableAttr(kBackwardAttr, backward);
    rewriter.modifyOpInPlace(reduce, [&] {
      reduce.getInputMutable().set(transpose.getResult());
      reduce.setDims(llvm::to_vector(llvm::seq<int64_t>(kept, type.getRank())));
    });
    return success();
  }
};

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

struct PrepareFusionsPass
    : train::impl::TrainPrepareFusionsPassBase<PrepareFusionsPass> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet owned(context);
    owned.add<FoldTransposeIntoMatmul, SinkReluIntoContraction,
              HoistReshape<tensor::CollapseShapeOp>,
              HoistReshape<tensor::ExpandShapeOp>, ReplaceUnitReduce,
              TransposeForReduce>(context);
    tensor::CollapseShapeOp::getCanonicalizationPatterns(owned, context);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(owned, context);
    patterns = std::move(owned);
    return success();
  }

  void runOnOperation() override {
    if (failed(applyPatternsGreedily(getOperation(), patterns)))
      signalPassFailure();
  }

  FrozenRewritePatternSet patterns;
};

} // namespace
