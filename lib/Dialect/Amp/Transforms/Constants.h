//===- Constants.h - Constants, and what 16 bits leave of them
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_CONSTANTS_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_CONSTANTS_H

#include "vernier/Interfaces/PrecisionOpInterface.h"

#include "llvm/ADT/DenseMap.h"

#include <optional>
#include <string>

namespace vernier::amp {

struct Subject;

/// A constant that another number stands for in a 16-bit type.
struct ConstantLoss {
  std::string reason; ///< "a constant operand, 1e-08, is 0 in f16"
  bool isOverflow;
};

/// Follows constants through ops that only repeat or reorder them. A constant
/// is cast to what it meets rather than widening it.
class ConstantTracker {
public:
  /// The constant that `value` is or repeats, or null.
  mlir::Value get(mlir::Value value) const;
  /// To be called for each subject in order.
  void track(const Subject &subject);
  /// What a constant operand of `op` loses in `type` besides digits, if it
  /// does.
  std::optional<ConstantLoss> getLoss(PrecisionOpInterface op,
                                      mlir::FloatType type) const;

private:
  llvm::DenseMap<mlir::Value, mlir::Value> constants;
};

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_CONSTANTS_H
