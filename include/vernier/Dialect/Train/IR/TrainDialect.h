//===- TrainDialect.h - The train dialect
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_TRAINDIALECT_H
#define VERNIER_DIALECT_TRAIN_IR_TRAINDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/bit.h"

#include "vernier/Dialect/Train/IR/Convolution.h"
#include "vernier/Interfaces/ContractionOpInterface.h"
#include "vernier/Interfaces/CostOpInterface.h"
#include "vernier/Interfaces/DifferentiableOpInterface.h"
#include "vernier/Interfaces/EvaluationOpInterface.h"
#include "vernier/Interfaces/FusionOpInterface.h"
#include "vernier/Interfaces/PrecisionOpInterface.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h.inc"

#include "vernier/Dialect/Train/IR/TrainEnums.h.inc"

namespace vernier::train {

/// A double as attribute parameter: compared and hashed by its bits.
struct Number {
  explicit Number(double value = 0.0) : value(value) {}
  operator double() const { return value; }
  bool operator==(const Number &other) const {
    return llvm::bit_cast<uint64_t>(value) ==
           llvm::bit_cast<uint64_t>(other.value);
  }
  friend llvm::hash_code hash_value(const Number &number) {
    return llvm::hash_value(llvm::bit_cast<uint64_t>(number.value));
  }
  double value;
};

} // namespace vernier::train

#define GET_ATTRDEF_CLASSES
#include "vernier/Dialect/Train/IR/TrainAttributes.h.inc"

#define GET_OP_CLASSES
#include "vernier/Dialect/Train/IR/TrainOps.h.inc"

namespace vernier::train {

/// Names of the discardable attributes that the dialect reads (see its
/// description).
inline constexpr llvm::StringLiteral kRoleAttr = "train.role";
inline constexpr llvm::StringLiteral kCopyOfAttr = "train.copy_of";
inline constexpr llvm::StringLiteral kLogicalShapeAttr = "train.logical_shape";
inline constexpr llvm::StringLiteral kGroupAttr = "train.group";
inline constexpr llvm::StringLiteral kLabelsAttr = "train.labels";
/// On a parameter: its group and the options of --train-attach-optimizer for
/// it.
inline constexpr llvm::StringLiteral kOptimizerAttr = "train.optimizer";
inline constexpr llvm::StringLiteral kNameAttr = "train.name";
inline constexpr llvm::StringLiteral kBackwardAttr = "train.backward";
/// On a contraction, for each operand: the GradientTypesAttr of its gradient,
/// or unit where that has the op's own types.
inline constexpr llvm::StringLiteral kOperandGradientsAttr =
    "train.operand_gradients";
/// On what reverse mode computes with: the GradientTypesAttr that was asked
/// for.
inline constexpr llvm::StringLiteral kGradientTypesAttr =
    "train.gradient_types";
/// On the function of a gradient: its parameters in the order in which reverse
/// mode computes their gradients.
inline constexpr llvm::StringLiteral kGradientOrderAttr =
    "train.gradient_order";
inline constexpr llvm::StringLiteral kRangeAttr = "train.range";
inline constexpr llvm::StringLiteral kClassesAttr = "train.classes";

inline constexpr llvm::StringLiteral kParameterRole = "parameter";
inline constexpr llvm::StringLiteral kFrozenRole = "frozen";
inline constexpr llvm::StringLiteral kMomentRole = "moment";
inline constexpr llvm::StringLiteral kStatisticRole = "statistic";
inline constexpr llvm::StringLiteral kCounterRole = "counter";
inline constexpr llvm::StringLiteral kLossScaleRole = "loss_scale";
inline constexpr llvm::StringLiteral kCopyRole = "copy";
inline constexpr llvm::StringLiteral kAccumulatorRole = "accumulator";

/// The function of all micro-batches of a window but the last.
inline constexpr llvm::StringLiteral kAccumulateName = "accumulate";

} // namespace vernier::train

#endif // VERNIER_DIALECT_TRAIN_IR_TRAINDIALECT_H
