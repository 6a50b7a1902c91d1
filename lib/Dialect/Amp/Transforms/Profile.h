//===- Profile.h - What the numbers of a training run were like
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PROFILE_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PROFILE_H

#include "mlir/IR/BuiltinOps.h"

#include <map>
#include <string>
#include <vector>

namespace vernier::amp {

/// What a product is of its op: roles of docs/Profiles.md.
inline constexpr llvm::StringLiteral kForwardRole = "forward";
inline constexpr llvm::StringLiteral kLhsGradientRole = "lhs gradient";
inline constexpr llvm::StringLiteral kRhsGradientRole = "rhs gradient";

/// What a format would lose of a tensor.
struct FormatLoss {
  double toZero = 0, overflow = 0, relativeError = 0;
};

struct TensorProfile {
  std::string name, role, dtype;
  std::vector<int64_t> shape;
  double rms = 0, maxMagnitude = 0;
  int64_t notFinite = 0;
  /// Elements with a magnitude in [2^(firstExponent + i), twice that).
  int64_t firstExponent = 0;
  std::vector<int64_t> exponents;
  std::map<std::string, FormatLoss> formats;

  int64_t getNumElements() const;
  /// The exponent of the greatest magnitude, if any element is not zero.
  std::optional<int64_t> getMaxExponent() const;
};

/// A contraction: the op of the model that it was made for by its kind and
/// identity; tensors by their place in the profile.
struct ProductProfile {
  std::string role, op, identity;
  int64_t lhs = 0, rhs = 0, result = 0;
  double termsRms = 0, resultRms = 0;
};

/// A file of `vernier-run train --profile-numerics` (docs/Profiles.md).
struct Profile {
  using Shapes = std::map<std::string, std::vector<int64_t>>;

  std::string model;
  Shapes parameters, inputs;
  int64_t sampledSteps = 0;
  double loss = 0; ///< The mean of its magnitudes; 0 if it was never finite.
  std::vector<TensorProfile> tensors;
  std::vector<ProductProfile> products;

  /// Read a file. The diagnostic says where it is wrong.
  static llvm::FailureOr<Profile> load(llvm::StringRef path,
                                       mlir::MLIRContext *context);

  /// Fail with what tells `module` from the model of the profile, or what makes
  /// the profile useless.
  llvm::LogicalResult checkModel(mlir::ModuleOp module) const;
};

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PROFILE_H
