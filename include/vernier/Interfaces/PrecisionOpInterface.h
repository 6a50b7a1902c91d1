//===- PrecisionOpInterface.h - How an op behaves under autocast
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_PRECISIONOPINTERFACE_H
#define VERNIER_INTERFACES_PRECISIONOPINTERFACE_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"

namespace vernier {

/// How an op takes part in autocast (docs/Architecture.md, "Precision").
enum class PrecisionClass {
  Low,        ///< Operands and result in the policy's compute type.
  Full,       ///< Operands and result in f32.
  FullInside, ///< Reads what it is given, computes in f32, writes 16 bits if it
              ///< read 16 bits.
  Widest,     ///< All operands cast to the widest among them.
  Follow,     ///< Takes the compute type if every operand already has it.
};

/// The policy files' spelling of a class: low, full, full-inside, widest,
/// follow.
llvm::StringRef stringifyPrecisionClass(PrecisionClass precisionClass);
std::optional<PrecisionClass> symbolizePrecisionClass(llvm::StringRef name);

/// The element type of `type` if it is a tensor of f32, bf16 or f16, else null.
mlir::FloatType getAutocastElementType(mlir::Type type);

namespace detail {
llvm::SmallVector<mlir::OpOperand *>
defaultPrecisionOperands(mlir::Operation *op);
llvm::SmallVector<mlir::OpResult> defaultPrecisionResults(mlir::Operation *op);
void defaultSetResultPrecision(mlir::Operation *op, mlir::FloatType type);
} // namespace detail
} // namespace vernier

#include "vernier/Interfaces/PrecisionOpInterface.h.inc"

#endif // VERNIER_INTERFACES_PRECISIONOPINTERFACE_H
