//===- AmpDialect.h - The amp dialect
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_AMP_IR_AMPDIALECT_H
#define VERNIER_DIALECT_AMP_IR_AMPDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Interfaces/CostOpInterface.h"
#include "vernier/Interfaces/FusionOpInterface.h"
#include "vernier/Interfaces/PrecisionOpInterface.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h.inc"

#include "vernier/Dialect/Amp/IR/AmpEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "vernier/Dialect/Amp/IR/AmpAttributes.h.inc"

#define GET_OP_CLASSES
#include "vernier/Dialect/Amp/IR/AmpOps.h.inc"

namespace vernier::amp {

/// The discardable attribute that holds an op's decision, a PrecisionAttr.
inline constexpr llvm::StringLiteral kPrecisionAttr = "amp.precision";
/// How the rule ends of an op that keeps the types of the model.
inline constexpr llvm::StringLiteral kUntouchedVerdict = "untouched";

/// On `@step`, by --amp-analyze-ranges: no gradient can underflow in f16; none
/// can overflow.
inline constexpr llvm::StringLiteral kCannotUnderflowAttr =
    "amp.cannot_underflow";
inline constexpr llvm::StringLiteral kCannotOverflowAttr =
    "amp.cannot_overflow";
/// On `@step`, by --amp-analyze-ranges: a loss scale that cannot overflow.
inline constexpr llvm::StringLiteral kSafeScaleAttr = "amp.safe_scale";

/// On a result of a function, by --amp-analyze-ranges: what is known of it.
inline constexpr llvm::StringLiteral kResultRangeAttr = "amp.range";

/// On a contraction, by --amp-pad-for-tensor-cores: what its leading dimensions
/// are to be multiples of, in elements (1 where alignment has nothing to give),
/// and, if they are not, why.
inline constexpr llvm::StringLiteral kAlignmentAttr = "amp.alignment";
inline constexpr llvm::StringLiteral kUnalignedAttr = "amp.unaligned";

/// On a module, by --amp-relax-casts: how many roundings its kernels skip.
inline constexpr llvm::StringLiteral kSkippedRoundingsAttr =
    "amp.skipped_roundings";

/// The globals of the loss scaler.
inline constexpr llvm::StringLiteral kScaleName = "amp.scale";
inline constexpr llvm::StringLiteral kGrowthTrackerName = "amp.growth_tracker";
inline constexpr llvm::StringLiteral kHysteresisTrackerName =
    "amp.hysteresis_tracker";
inline constexpr llvm::StringLiteral kSkippedStepsName = "amp.skipped_steps";
inline constexpr llvm::StringLiteral kStepsName = "amp.steps";
inline constexpr llvm::StringLiteral kOverflowsName = "amp.overflows";
inline constexpr llvm::StringLiteral kFirstOverflowName = "amp.first_overflow";
inline constexpr llvm::StringLiteral kFirstOverflowStepName =
    "amp.first_overflow_step";
inline constexpr llvm::StringLiteral kStepsAtMinimumName =
    "amp.steps_at_minimum";

} // namespace vernier::amp

#endif // VERNIER_DIALECT_AMP_IR_AMPDIALECT_H
