//===- LikelyValues.h - What the elements of a value are probably like
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bounds hold for the worst case, and through several sums of products the
// worst case is far from any that occurs. Beside them stands an estimate: of
// each value a few elements, drawn as the runtime draws initial values and
// carried through the function. Elementwise ops compute them one by one, so
// that x * x is a square and x - x is zero; a sum of many terms is normally
// distributed, with the mean and the variance of independent terms.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_LIKELYVALUES_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_LIKELYVALUES_H

#include "vernier/Dialect/Amp/Transforms/RangeAnalysis.h"

#include <array>

namespace vernier::amp {

/// Elements of one tensor: the quantiles of its distribution in any order, and
/// some of the few that lie farthest out. NaN where nothing is known.
struct LikelySample {
  static constexpr unsigned kBody = 24, kTail = 8, kSize = kBody + kTail;

  /// Of the quantiles alone.
  double getMean() const;
  double getVariance() const;
  /// The largest magnitude.
  double getLargest() const;

  std::array<double, kSize> elements;
};

/// The samples of all values of a function.
class LikelyValues {
public:
  /// Inputs are as `assumptions` or their declared ranges say, else of mean 0
  /// and variance 1; states as measured, or as they are initialised. No sample
  /// leaves the `bounds`.
  static LikelyValues run(mlir::FunctionOpInterface function,
                          const RangeAssumptions &assumptions,
                          const RangeAnalysis &bounds);

  const LikelySample &get(mlir::Value value) const;

private:
  friend class LikelyValueWalk;
  llvm::DenseMap<mlir::Value, LikelySample> samples;
};

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_LIKELYVALUES_H
