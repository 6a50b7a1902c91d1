//===- RangeOpInterface.h - Bounds of an op's results
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_RANGEOPINTERFACE_H
#define VERNIER_INTERFACES_RANGEOPINTERFACE_H

#include "vernier/Interfaces/Interval.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"

namespace vernier {

/// The format of f16, bf16, f32 and f64 elements; none for any other type.
std::optional<FloatRange> getFloatRange(mlir::Type elementType);

/// What a tensor of `type` may hold whatever made it: anything if it is
/// floating, the integers of its width otherwise.
Interval getRangeOfType(mlir::Type type);

/// `x` rounded as an op rounds its result to `type`: 16-bit types through f32.
Interval roundToType(const Interval &x, mlir::Type type);

/// The bounds of a dense constant, or of a float or integer attribute.
Interval getRangeOfConstant(mlir::Attribute value);

} // namespace vernier

#include "vernier/Interfaces/RangeOpInterface.h.inc"

#endif // VERNIER_INTERFACES_RANGEOPINTERFACE_H
