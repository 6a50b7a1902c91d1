//===- PaddedLanes.h - What ops make of padding
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PADDEDLANES_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PADDEDLANES_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Operation.h"

namespace vernier::amp {

/// What is known of the elements of a value that its padding added. `Finite`
/// elements are computed from rank-0 values alone (a learning rate, a clipping
/// ratio, the inverse of the loss scale): where such a value is inf, NaN, or a
/// zero that something is divided by, the real elements are lost as well.
struct PaddedLanes {
  enum Kind { Unknown, Finite, Constant } kind = Unknown;
  /// Of constant lanes: a FloatAttr or IntegerAttr.
  mlir::Attribute value;
  /// Whether no element, real ones included, is below zero.
  bool isNonNegative = false;

  static PaddedLanes unknown() { return {}; }
  static PaddedLanes constant(mlir::Attribute value);
  static PaddedLanes zero(mlir::Type elementType);
  bool isConstant() const { return kind == Constant; }
  bool isZero() const;
};

/// The lanes of each result of `padded`, whose operands have the lanes
/// `operands`. Fails if its real elements might differ from those of
/// `original`, the same op without padding. Neither op is changed.
mlir::FailureOr<llvm::SmallVector<PaddedLanes>>
computePaddedLanes(mlir::Operation *original, mlir::Operation *padded,
                   llvm::ArrayRef<PaddedLanes> operands);

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PADDEDLANES_H
