//===- Interfaces.cpp - Default answers of the op interfaces
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Interfaces/ContractionOpInterface.h"
#include "vernier/Interfaces/CostOpInterface.h"
#include "vernier/Interfaces/DifferentiableOpInterface.h"
#include "vernier/Interfaces/EvaluationOpInterface.h"
#include "vernier/Interfaces/FusionOpInterface.h"
#include "vernier/Interfaces/PrecisionOpInterface.h"
#include "vernier/Interfaces/StatisticsOpInterface.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

#include "vernier/Interfaces/ContractionOpInterface.cpp.inc"
#include "vernier/Interfaces/CostOpInterface.cpp.inc"
#include "vernier/Interfaces/DifferentiableOpInterface.cpp.inc"
#include "vernier/Interfaces/EvaluationOpInterface.cpp.inc"
#include "vernier/Interfaces/FusionOpInterface.cpp.inc"
#include "vernier/Interfaces/PrecisionOpInterface.cpp.inc"
#include "vernier/Interfaces/StatisticsOpInterface.cpp.inc"

namespace vernier {

StringRef stringifyPrecisionClass(PrecisionClass precisionClass) {
  switch (precisionClass) {
  case PrecisionClass::Low:
    return "low";
  case PrecisionClass::Full:
    return "full";
  case PrecisionClass::FullInside:
    return "full-inside";
  case PrecisionClass::Widest:
    return "widest";
  case PrecisionClass::Follow:
    return "follow";
  }
  llvm_unreachable("unknown precision class");
}

std::optional<PrecisionClass> symbolizePrecisionClass(StringRef name) {
  return llvm::StringSwitch<std::optional<PrecisionClass>>(name)
      .Case("low", PrecisionClass::Low)
      .Case("full", PrecisionClass::Full)
      .Case("full-inside", PrecisionClass::FullInside)
      .Case("widest", PrecisionClass::Widest)
      .Case("follow", PrecisionClass::Follow)
      .Default(std::nullopt);
}

FloatType getAutocastElementType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return {};
  Type element = tensor.getElementType();
  if (element.isF32() || element.isBF16() || element.isF16())
    return cast<FloatType>(element);
  return {};
}

namespace detail {

SmallVector<OpOperand *> defaultPrecisionOperands(Operation *op) {
  SmallVector<OpOperand *> operands;
  for (OpOperand &operand : op->getOpOperands())
    if (getAutocastElementType(operand.get().getType()))
      operands.push_back(&operand);
  return operands;
}

SmallVector<OpResult> defaultPrecisionResults(Operation *op) {
  SmallVector<OpResult> results;
  for (OpResult result : op->getResults())
    if (getAutocastElementType(result.getType()))
      results.push_back(result);
  return results;
}

void defaultSetResultPrecision(Operation *op, FloatType type) {
  for (OpResult result : cast<PrecisionOpInterface>(op).getPrecisionResults())
    result.setType(cast<RankedTensorType>(result.getType()).clone(type));
}

int64_t countResultElements(Operation *op) {
  int64_t elements = 0;
  for (Type type : op->getResultTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      elements += tensor.getNumElements();
  return elements;
}

/// Bytes of a tensor in memory; booleans are stored as one byte each.
static int64_t countBytes(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.getElementType().isIntOrFloat())
    return 0;
  return tensor.getNumElements() * ((tensor.getElementTypeBitWidth() + 7) / 8);
}

int64_t countOperandAndResultBytes(Operation *op) {
  int64_t bytes = 0;
  for (Type type : op->getOperandTypes())
    bytes += countBytes(type);
  for (Type type : op->getResultTypes())
    bytes += countBytes(type);
  return bytes;
}

} // namespace detail
} // namespace vernier
