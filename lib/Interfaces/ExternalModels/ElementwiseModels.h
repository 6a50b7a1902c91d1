//===- ElementwiseModels.h - What all elementwise upstream ops share
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_INTERFACES_EXTERNALMODELS_ELEMENTWISEMODELS_H
#define VERNIER_LIB_INTERFACES_EXTERNALMODELS_ELEMENTWISEMODELS_H

#include "vernier/Interfaces/CostOpInterface.h"
#include "vernier/Interfaces/DifferentiableOpInterface.h"
#include "vernier/Interfaces/FusionOpInterface.h"
#include "vernier/Interfaces/PrecisionOpInterface.h"
#include "vernier/Interfaces/TensorExpr.h"

namespace vernier {

/// Autocast may cast all operands and gives the result their type.
template <typename OpT, PrecisionClass precisionClass>
struct CastableModel
    : PrecisionOpInterface::ExternalModel<CastableModel<OpT, precisionClass>,
                                          OpT> {
  PrecisionClass getPrecisionClass(mlir::Operation *) const {
    return precisionClass;
  }
};

/// Autocast leaves the op alone: casts, constants, integers, comparisons'
/// results.
template <typename OpT>
struct UntouchedModel
    : PrecisionOpInterface::ExternalModel<UntouchedModel<OpT>, OpT> {
  PrecisionClass getPrecisionClass(mlir::Operation *) const {
    return PrecisionClass::Follow;
  }
  llvm::SmallVector<mlir::OpOperand *>
  getPrecisionOperands(mlir::Operation *) const {
    return {};
  }
  void setResultPrecision(mlir::Operation *, mlir::FloatType) const {}
};

/// Elementwise on tensors; the same ops on scalars are not for fusions.
template <typename OpT>
struct ElementwiseModel
    : FusionOpInterface::ExternalModel<ElementwiseModel<OpT>, OpT> {
  FusionKind getFusionKind(mlir::Operation *op) const {
    return mlir::isa<mlir::RankedTensorType>(op->getResult(0).getType())
               ? FusionKind::Elementwise
               : FusionKind::Opaque;
  }
};

/// One operation for each result element, every tensor once through memory.
template <typename OpT>
struct DefaultCostModel
    : CostOpInterface::ExternalModel<DefaultCostModel<OpT>, OpT> {};

/// Ops that autocast may run in 16 bits.
template <PrecisionClass precisionClass, typename... OpTs>
void attachElementwise(mlir::MLIRContext &context) {
  (OpTs::template attachInterface<CastableModel<OpTs, precisionClass>,
                                  ElementwiseModel<OpTs>,
                                  DefaultCostModel<OpTs>>(context),
   ...);
}

/// Ops whose types are part of their meaning.
template <typename... OpTs>
void attachUntouchedElementwise(mlir::MLIRContext &context) {
  (OpTs::template attachInterface<UntouchedModel<OpTs>, ElementwiseModel<OpTs>,
                                  DefaultCostModel<OpTs>>(context),
   ...);
}

/// The context of a vjp: `value` as an expression at the builder's place, with
/// the op's location.
inline TensorExpr expr(mlir::OpBuilder &builder, mlir::Operation *op,
                       mlir::Value value) {
  return {builder, op->getLoc(), value};
}

} // namespace vernier

#endif // VERNIER_LIB_INTERFACES_EXTERNALMODELS_ELEMENTWISEMODELS_H
