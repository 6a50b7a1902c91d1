//===- TensorModels.cpp - Our interfaces on reshapes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Interfaces/ExternalModels/ExternalModels.h"

#include "vernier/Interfaces/CostOpInterface.h"
#include "vernier/Interfaces/DifferentiableOpInterface.h"
#include "vernier/Interfaces/FusionOpInterface.h"
#include "vernier/Interfaces/PrecisionOpInterface.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace vernier;

namespace {

/// A reshape has the type of what it reads.
template <typename OpT>
struct ReshapePrecision
    : PrecisionOpInterface::ExternalModel<ReshapePrecision<OpT>, OpT> {
  PrecisionClass getPrecisionClass(Operation *) const {
    return PrecisionClass::Follow;
  }
};

/// A reshape becomes a view: no kernel, no memory, no time.
template <typename OpT>
struct ReshapeFusion
    : FusionOpInterface::ExternalModel<ReshapeFusion<OpT>, OpT> {
  FusionKind getFusionKind(Operation *) const { return FusionKind::Opaque; }
};

template <typename OpT>
struct ReshapeCost : CostOpInterface::ExternalModel<ReshapeCost<OpT>, OpT> {
  int64_t getFlops(Operation *) const { return 0; }
  int64_t getBytes(Operation *) const { return 0; }
};

/// The gradient is reshaped back by the inverse op, with the same grouping.
template <typename OpT, typename InverseT>
struct ReshapeVjp
    : DifferentiableOpInterface::ExternalModel<ReshapeVjp<OpT, InverseT>, OpT> {
  LogicalResult buildVjp(Operation *op, OpBuilder &builder,
                         ArrayRef<Value> resultGradients, ArrayRef<bool>,
                         MutableArrayRef<Value> operandGradients) const {
    auto reshape = cast<OpT>(op);
    Value gradient = resultGradients.front();
    auto shape = cast<RankedTensorType>(reshape.getSrc().getType());
    operandGradients[0] =
        InverseT::create(builder, op->getLoc(),
                         shape.clone(getElementTypeOrSelf(gradient.getType())),
                         gradient, reshape.getReassociationIndices());
    return success();
  }
  bool takesAnyGradientType(Operation *) const { return true; }
};

template <typename OpT, typename InverseT>
void attachReshape(MLIRContext &context) {
  OpT::template attachInterface<ReshapePrecision<OpT>, ReshapeFusion<OpT>,
                                ReshapeCost<OpT>, ReshapeVjp<OpT, InverseT>>(
      context);
}

} // namespace

void vernier::registerTensorExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, tensor::TensorDialect *) {
    attachReshape<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(*context);
    attachReshape<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(*context);
  });
}
