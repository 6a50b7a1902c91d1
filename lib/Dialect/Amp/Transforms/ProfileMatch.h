//===- ProfileMatch.h - Which ops a profile speaks of
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PROFILEMATCH_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PROFILEMATCH_H

#include "Profile.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

#include <utility>

namespace vernier::amp {

/// How a profile and a policy tell the ops of a model apart: an op's name in
/// the model and its identity, "train.linear" and "classify/attn.q".
using ProfileKey = std::pair<std::string, std::string>;

ProfileKey getKey(mlir::Operation *op);

/// Warn of the contractions of `loss` that the profile has no product of, and
/// of the products of ops that `loss` does not have. `path` is the profile's.
void warnOfUnknownProducts(const Profile &profile, llvm::StringRef path,
                           mlir::FunctionOpInterface loss);

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PROFILEMATCH_H
