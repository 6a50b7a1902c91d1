//===- SliceModels.cpp - Our interfaces on concatenation, slices and padding
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The three move elements and compute none: their gradients are moves as well,
// and each is one or several copies of a plan. Extents are static (the `import`
// stage says so).
//
//===----------------------------------------------------------------------===//

#include "vernier/Interfaces/ExternalModels/ExternalModels.h"

#include "vernier/Interfaces/CostOpInterface.h"
#include "vernier/Interfaces/DifferentiableOpInterface.h"
#include "vernier/Interfaces/FusionOpInterface.h"
#include "vernier/Interfaces/PrecisionOpInterface.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace vernier;

//===----------------------------------------------------------------------===//
// Building slices and padding
//===----------------------------------------------------------------------===//

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static SmallVector<OpFoldResult> attributesOf(OpBuilder &builder,
                                              ArrayRef<int64_t> numbers) {
  return getAsIndexOpFoldResult(builder.getContext(), numbers);
}

/// The box of `shape` at `offsets`.
static Value createSlice(OpBuilder &builder, Location loc, Value source,
                         ArrayRef<int64_t> offsets, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> steps(shape.size(), 1);
  return tensor::ExtractSliceOp::create(
      builder, loc, tensorType(source).clone(shape), source,
      attributesOf(builder, offsets), attributesOf(builder, shape),
      attributesOf(builder, steps));
}

/// `source` at `offsets` of a tensor of `type`, zeros around it.
static Value createPad(OpBuilder &builder, Location loc, Value source,
                       ArrayRef<int64_t> offsets, RankedTensorType type) {
  SmallVector<int64_t> high;
  for (auto [extent, offset, inner] :
       llvm::zip(type.getShape(), offsets, tensorType(source).getShape()))
    high.push_back(extent - offset - inner);
  Value zero = arith::ConstantOp::create(
      builder, loc, builder.getZeroAttr(type.getElementType()));
  return tensor::PadOp::create(builder, loc, type, source,
                               attributesOf(builder, offsets),
                               attributesOf(builder, high), zero);
}

namespace {

//===----------------------------------------------------------------------===//
// What the three have in common
//===----------------------------------------------------------------------===//

template <typename OpT>
struct CopyFusion : FusionOpInterface::ExternalModel<CopyFusion<OpT>, OpT> {
  FusionKind getFusionKind(Operation *) const { return FusionKind::Call; }
};

template <typename OpT>
struct CopyCost : CostOpInterface::ExternalModel<CopyCost<OpT>, OpT> {
  int64_t getFlops(Operation *) const { return 0; }
};

//===----------------------------------------------------------------------===//
// Precision
//===----------------------------------------------------------------------===//

/// Operands of several types meet in the widest.
struct ConcatPrecision
    : PrecisionOpInterface::ExternalModel<ConcatPrecision, tensor::ConcatOp> {
  PrecisionClass getPrecisionClass(Operation *) const {
    return PrecisionClass::Widest;
  }
};

struct SlicePrecision
    : PrecisionOpInterface::ExternalModel<SlicePrecision,
                                          tensor::ExtractSliceOp> {
  PrecisionClass getPrecisionClass(Operation *) const {
    return PrecisionClass::Follow;
  }
};

struct PadPrecision
    : PrecisionOpInterface::ExternalModel<PadPrecision, tensor::PadOp> {
  PrecisionClass getPrecisionClass(Operation *) const {
    return PrecisionClass::Follow;
  }

  /// The padding has the type of the elements.
  void setResultPrecision(Operation *op, FloatType type) const {
    vernier::detail::defaultSetResultPrecision(op, type);
    auto yield = cast<tensor::YieldOp>(
        cast<tensor::PadOp>(op).getBody()->getTerminator());
    FloatAttr padding;
    if (yield.getValue().getType() == type ||
        !matchPattern(yield.getValue(), m_Constant(&padding)))
      return;
    OpBuilder builder(op);
    yield.getValueMutable().assign(arith::ConstantOp::create(
        builder, op->getLoc(),
        builder.getFloatAttr(type, padding.getValueAsDouble())));
  }
};

//===----------------------------------------------------------------------===//
// Vjp
//===----------------------------------------------------------------------===//

/// Each operand's part of the gradient.
struct ConcatVjp
    : DifferentiableOpInterface::ExternalModel<ConcatVjp, tensor::ConcatOp> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder,
                         ArrayRef<Value> resultGradients, ArrayRef<bool> needed,
                         MutableArrayRef<Value> operandGradients) const {
    auto concat = cast<tensor::ConcatOp>(op);
    SmallVector<int64_t> offsets(concat.getResultType().getRank(), 0);
    for (auto [index, operand] : llvm::enumerate(concat.getInputs())) {
      ArrayRef<int64_t> shape = tensorType(operand).getShape();
      if (needed[index])
        operandGradients[index] = createSlice(
            builder, op->getLoc(), resultGradients.front(), offsets, shape);
      offsets[concat.getDim()] += shape[concat.getDim()];
    }
    return success();
  }
};

/// Zeros outside of the slice.
struct SliceVjp
    : DifferentiableOpInterface::ExternalModel<SliceVjp,
                                               tensor::ExtractSliceOp> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder,
                         ArrayRef<Value> resultGradients, ArrayRef<bool>,
                         MutableArrayRef<Value> operandGradients) const {
    auto slice = cast<tensor::ExtractSliceOp>(op);
    bool isBox = slice.getSourceType().getRank() == slice.getType().getRank() &&
                 llvm::all_of(slice.getStaticStrides(),
                              [](int64_t stride) { return stride == 1; }) &&
                 !ShapedType::isDynamicShape(slice.getStaticOffsets());
    if (!isBox)
      return failure();
    operandGradients[0] =
        createPad(builder, op->getLoc(), resultGradients.front(),
                  slice.getStaticOffsets(), slice.getSourceType());
    return success();
  }
};

/// What lies within the padding.
struct PadVjp
    : DifferentiableOpInterface::ExternalModel<PadVjp, tensor::PadOp> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder,
                         ArrayRef<Value> resultGradients, ArrayRef<bool>,
                         MutableArrayRef<Value> operandGradients) const {
    auto pad = cast<tensor::PadOp>(op);
    if (ShapedType::isDynamicShape(pad.getStaticLow()))
      return failure();
    operandGradients[0] =
        createSlice(builder, op->getLoc(), resultGradients.front(),
                    pad.getStaticLow(), pad.getSourceType().getShape());
    return success();
  }
};

template <typename OpT, typename PrecisionT, typename VjpT>
void attachCopy(MLIRContext &context) {
  OpT::template attachInterface<PrecisionT, VjpT, CopyFusion<OpT>,
                                CopyCost<OpT>>(context);
}

} // namespace

void vernier::registerSliceExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, tensor::TensorDialect *) {
    attachCopy<tensor::ConcatOp, ConcatPrecision, ConcatVjp>(*context);
    attachCopy<tensor::ExtractSliceOp, SlicePrecision, SliceVjp>(*context);
    attachCopy<tensor::PadOp, PadPrecision, PadVjp>(*context);
  });
}
