//===- ProfiledContraction.h - What rounding does to a contraction
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PROFILEDCONTRACTION_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PROFILEDCONTRACTION_H

#include "Profile.h"

#include "llvm/ADT/SmallVector.h"

namespace vernier::amp {

/// The types of a contraction and of its two gradients, by their names: what
/// each multiplies, and what the forward op writes.
struct ContractionTypes {
  llvm::StringRef compute = "f32", result = "f32";
  llvm::StringRef lhsGradient = "f32", rhsGradient = "f32";
};

/// The errors that rounding makes, squared. docs/Rationale/ErrorBudgets.md
/// derives them.
struct ContractionError {
  double forward = 0;                      ///< The loss, relatively.
  double lhsGradient = 0, rhsGradient = 0; ///< Each gradient, relatively.

  double getTotal() const { return forward + lhsGradient + rhsGradient; }
};

/// What a profile says about one contraction of the model.
class ProfiledContraction {
public:
  /// The products of the `op` called `identity`; none if the profile has no
  /// such.
  static std::optional<ProfiledContraction>
  find(const Profile &profile, llvm::StringRef op, llvm::StringRef identity);

  /// Infinite where something would overflow or was not finite already.
  ContractionError getError(const ContractionTypes &types) const;
  /// How many times larger than the results the terms are, at worst.
  double getAmplification() const;
  /// Why `type` is forbidden in the forward op, or nothing.
  std::string getObstacle(llvm::StringRef type) const;

  bool hasLhsGradient() const { return !lhsGradients.empty(); }
  bool hasRhsGradient() const { return !rhsGradients.empty(); }

private:
  explicit ProfiledContraction(const Profile &profile) : profile(&profile) {}

  const TensorProfile &getTensor(int64_t index) const {
    return profile->tensors[index];
  }
  double getForwardError(const ProductProfile &product,
                         const ContractionTypes &types) const;
  double getGradientError(const ProductProfile &product, llvm::StringRef type,
                          const ContractionTypes &types) const;
  /// The norm of the gradient of the results; 0 if there is none.
  double getGradientNorm() const;

  const Profile *profile;
  llvm::SmallVector<const ProductProfile *, 1> forwards, lhsGradients,
      rhsGradients;
  /// With loss scaling, gradients are in f16 as if this much larger: a power.
  int64_t scaleExponent = 0;
};

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PROFILEDCONTRACTION_H
