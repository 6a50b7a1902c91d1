//===- GradientNorms.h - How long gradients were, and what was clipped
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_GRADIENTNORMS_H
#define VERNIER_RUN_GRADIENTNORMS_H

#include "Metrics.h"
#include "Runtime.h"

namespace vernier::run {

/// Reads the norms of gradients that a step clips, and the factors that it
/// multiplies them by: `grad_norm` and `clip_factor`, of a group of parameters
/// with a norm of its own `grad_norm.head` and `clip_factor.head`.
class GradientNorms {
public:
  explicit GradientNorms(const Plan &plan);

  /// Whether the step clips anything.
  bool isClipping() const { return factor || !ofGroups.empty(); }
  /// The columns of groups in --log, in the order of `Measurement::extra`.
  std::vector<std::string> columns() const;
  /// Of the last step; `row.extra` points into this. Allocates nothing.
  void read(Session &session, Measurement &row);

private:
  std::optional<Output> norm, factor;
  std::vector<Output> ofGroups; ///< norms and factors in turn
  std::vector<double> values;
};

} // namespace vernier::run

#endif // VERNIER_RUN_GRADIENTNORMS_H
