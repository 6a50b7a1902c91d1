//===- TrainDialect.cpp - The train dialect
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "DiscardableAttributes.h"
#include "TrainRanges.h"
#include "TrainStatistics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cfloat>
#include <cmath>

using namespace mlir;
using namespace vernier::train;

#include "vernier/Dialect/Train/IR/TrainDialect.cpp.inc"

#include "vernier/Dialect/Train/IR/TrainEnums.cpp.inc"

namespace mlir {
/// Numbers read as MLIR floats do.
template <> struct FieldParser<Number> {
  static FailureOr<Number> parse(AsmParser &parser) {
    double value;
    if (parser.parseFloat(value))
      return failure();
    return Number(value);
  }
};
} // namespace mlir

#define GET_ATTRDEF_CLASSES
#include "vernier/Dialect/Train/IR/TrainAttributes.cpp.inc"

/// Whether f32, which states begin in, has a finite number so large.
static bool isFinite(double value) { return std::fabs(value) <= FLT_MAX; }

LogicalResult ConstantAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   Number value) {
  if (isFinite(value))
    return success();
  return emitError() << "#train.constant expects a finite number of f32, got "
                     << double(value);
}

LogicalResult NormalAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 Number mean, Number stddev) {
  if (isFinite(mean) && isFinite(stddev) && stddev >= 0)
    return success();
  return emitError() << "#train.normal expects a mean and a standard deviation "
                        "of 0 or more, finite numbers of f32, got "
                     << double(mean) << " and " << double(stddev);
}

LogicalResult UniformAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  Number low, Number high) {
  if (isFinite(low) && isFinite(high) && low <= high)
    return success();
  return emitError() << "#train.uniform expects two finite numbers of f32 in "
                        "order, got "
                     << double(low) << " and " << double(high);
}

namespace {
/// Every op may move to where its function is called.
struct TrainInlinerInterface : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final {
    return true;
  }
};
} // namespace

void TrainDialect::initialize() {
  addInterfaces<TrainInlinerInterface>();
  addOperations<
#define GET_OP_LIST
#include "vernier/Dialect/Train/IR/TrainOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "vernier/Dialect/Train/IR/TrainAttributes.cpp.inc"
      >();
  attachRangeModels(*getContext());
  attachStatisticsModels(*getContext());
}

/// Constraints of `train.operand_gradients` (G1).
static LogicalResult verifyRole(Operation *op, Attribute role) {
  constexpr llvm::StringLiteral kRoles[] = {
      kParameterRole, kFrozenRole,    kMomentRole, kStatisticRole,
      kCounterRole,   kLossScaleRole, kCopyRole,   kAccumulatorRole};
  auto name = dyn_cast<StringAttr>(role);
  if (name && llvm::is_contained(kRoles, name.getValue()))
    return success();
  return op->emitOpError("(R1) has the unknown train.role ")
         << role << "; expected \"" << llvm::join(ArrayRef(kRoles), "\", \"")
         << "\"";
}

LogicalResult TrainDialect::verifyOperationAttribute(Operation *op,
                                                     NamedAttribute attribute) {
  // The dialect need not know ml_program to know its states.
  bool isGlobal = op->getName().getStringRef() == "ml_program.global";
  if (failed(verifyDiscardableAttribute(op->getLoc(), attribute,
                                        isGlobal ? OnGlobal : OnOp)))
    return failure();
  if (attribute.getName() == kRoleAttr)
    return verifyRole(op, attribute.getValue());
  if (attribute.getName() != kOperandGradientsAttr)
    return success();
  auto entries = dyn_cast<ArrayAttr>(attribute.getValue());
  bool isValid =
      entries && entries.size() == op->getNumOperands() &&
      llvm::all_of(entries, llvm::IsaPred<GradientTypesAttr, UnitAttr>);
  if (!isValid)
    return op->emitOpError("(G1) expects train.operand_gradients to have a "
                           "#train.gradient_types or 'unit' for each of its ")
           << op->getNumOperands() << " operands, got " << attribute.getValue();
  return success();
}

LogicalResult TrainDialect::verifyRegionArgAttribute(Operation *op,
                                                     unsigned region,
                                                     unsigned argument,
                                                     NamedAttribute attribute) {
  Region &body = op->getRegion(region);
  Location loc =
      body.empty() ? op->getLoc() : body.getArgument(argument).getLoc();
  return verifyDiscardableAttribute(loc, attribute, OnArgument);
}

LogicalResult
TrainDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned,
                                          NamedAttribute attribute) {
  return verifyDiscardableAttribute(op->getLoc(), attribute, OnResult);
}

Operation *TrainDialect::materializeConstant(OpBuilder &builder,
                                             Attribute value, Type type,
                                             Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}
