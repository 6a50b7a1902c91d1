//===- Clipping.h - Which gradients share a norm that is bounded
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_TRAIN_TRANSFORMS_CLIPPING_H
#define VERNIER_LIB_DIALECT_TRAIN_TRANSFORMS_CLIPPING_H

#include "mlir/IR/Builders.h"

#include <string>
#include <vector>

namespace vernier::train {

/// What a group of parameters asks for.
struct ClipRequest {
  std::string group;  ///< its name, "" for those without one
  double maxNorm = 0; ///< 0: its gradients stay as they are
  bool isAlone = false;
};

/// Gradients that are multiplied by one factor, so that their norm has a bound.
struct Clipping {
  double maxNorm;
  std::string suffix;            ///< of its results: "" or ".head"
  std::vector<unsigned> members; ///< indices of the requests

  /// "grad_norm: one norm over 3 gradients of 2 groups, at most 0.5".
  std::string describe(size_t gradientCount) const;
  std::string getNormName() const { return "grad_norm" + suffix; }
  std::string getFactorName() const { return "clip_factor" + suffix; }
};

/// The clippings that the requests ask for: one of all groups, which must agree
/// on its bound, then those of single groups. A group may only be left out
/// where `defaultNorm`, the bound of groups that say nothing, is not 0: then 0
/// was asked for. `problem` says what does not agree.
std::vector<Clipping> findClippings(llvm::ArrayRef<ClipRequest> requests,
                                    double defaultNorm, std::string &problem);

/// min(1, max_norm / (norm + 1e-6)), what `train.clip_by_global_norm`
/// multiplies by.
mlir::Value createClipFactor(mlir::OpBuilder &builder, mlir::Value norm,
                             double maxNorm);

} // namespace vernier::train

#endif // VERNIER_LIB_DIALECT_TRAIN_TRANSFORMS_CLIPPING_H
