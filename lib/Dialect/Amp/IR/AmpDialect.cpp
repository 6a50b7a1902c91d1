//===- AmpDialect.cpp - The amp dialect
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/IR/AmpDialect.h"

#include "AmpRanges.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

#include "vernier/Dialect/Amp/IR/AmpDialect.cpp.inc"

#include "vernier/Dialect/Amp/IR/AmpEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "vernier/Dialect/Amp/IR/AmpAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "vernier/Dialect/Amp/IR/AmpOps.cpp.inc"

namespace {
/// Every op may move to where its function is called.
struct AmpInlinerInterface : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final {
    return true;
  }
};
} // namespace

void AmpDialect::initialize() {
  addInterfaces<AmpInlinerInterface>();
  addOperations<
#define GET_OP_LIST
#include "vernier/Dialect/Amp/IR/AmpOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "vernier/Dialect/Amp/IR/AmpAttributes.cpp.inc"
      >();
  attachRangeModels(*getContext());
}

/// What follows the last ": " of a rule.
static StringRef getVerdict(StringRef rule) { return rule.rsplit(": ").second; }

std::optional<vernier::PrecisionClass>
PrecisionAttr::getPrecisionClass() const {
  return symbolizePrecisionClass(getVerdict(getRule()));
}

LogicalResult
PrecisionAttr::verify(function_ref<InFlightDiagnostic()> emitError, Type, Type,
                      Type, StringRef rule, StringRef, train::GradientTypesAttr,
                      train::GradientTypesAttr) {
  StringRef verdict = getVerdict(rule);
  if (verdict == kUntouchedVerdict || symbolizePrecisionClass(verdict))
    return success();
  return emitError()
         << "(P1) expects a rule that ends in a class, such as "
            "'vernier/train.linear: low', or in ': untouched', got '"
         << rule << "'";
}

LogicalResult UnscaleOp::verify() {
  if (cast<ShapedType>(getGradient().getType()).getShape() !=
      cast<ShapedType>(getType()).getShape())
    return emitOpError("(A1) expects a result of the gradient's shape, got ")
           << getType() << " for " << getGradient().getType();
  return success();
}

LogicalResult UpdateScaleOp::verify() {
  double growth = getGrowthFactor().convertToDouble();
  double backoff = getBackoffFactor().convertToDouble();
  double minimum = getMinScale().convertToDouble();
  bool isOrdered =
      !getMaxScale() || minimum <= getMaxScale()->convertToDouble();
  if (!(growth > 1.0) || !(backoff > 0.0 && backoff < 1.0) ||
      int64_t(getGrowthInterval()) < 1 || !(minimum >= 0.0) || !isOrdered ||
      int64_t(getHysteresis()) < 1)
    return emitOpError(
        "(A3) expects growth_factor > 1, 0 < backoff_factor < 1, "
        "growth_interval >= 1, 0 <= min_scale <= max_scale, hysteresis >= 1");
  if (bool(getHysteresisTracker()) != bool(getNewHysteresisTracker()))
    return emitOpError("(A4) expects a new hysteresis tracker exactly if there "
                       "is an old one");
  return success();
}
