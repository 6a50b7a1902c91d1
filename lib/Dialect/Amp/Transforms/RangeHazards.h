//===- RangeHazards.h - Values that a 16-bit type does not hold
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_RANGEHAZARDS_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_RANGEHAZARDS_H

#include "LikelyValues.h"
#include "Profile.h"

#include "vernier/Dialect/Amp/Transforms/RangeAnalysis.h"

#include <string>

namespace vernier::amp {

/// Which values of a function overflow in a 16-bit type, or vanish: are
/// subnormal there in all their elements. docs/Rationale/Ranges.md says when
/// that is claimed.
class RangeHazards {
public:
  /// With `profile`, inputs, states, and what contractions read and write, are
  /// as measured; else states are as they are initialised. Null for none.
  RangeHazards(mlir::FunctionOpInterface function, const Profile *profile);

  /// Why `value` is not to be rounded to `type`, or nothing: "can reach 1e+06
  /// by its declared ranges, beyond the 65504 of f16".
  std::string getHazard(mlir::Value value, mlir::Type type) const;

private:
  std::string getOverflow(mlir::Value value, mlir::Type type) const;
  std::string getUnderflow(mlir::Value value, mlir::Type type) const;

  RangeAssumptions assumptions;
  bool isMeasured;
  /// In every step; and while the assumptions hold.
  RangeAnalysis always, assumed;
  LikelyValues likely;
};

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_RANGEHAZARDS_H
