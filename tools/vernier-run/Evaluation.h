//===- Evaluation.h - Loss and accuracy on a data set
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_EVALUATION_H
#define VERNIER_RUN_EVALUATION_H

#include "Accuracy.h"
#include "Numerics.h"

namespace vernier::run {

/// Runs `loss` over a data set. The loss is the mean over whole batches; the
/// last partial batch is completed with repeated rows and counts for accuracy
/// alone, with its real rows. What cannot be measured is NaN.
class Evaluation {
public:
  Evaluation(const std::string &path, const Plan &plan);

  struct Result {
    double loss, accuracy;
    uint64_t rows = 0;
  };
  /// With a `check`, throws a numeric Failure for the first op that is not
  /// finite. Ctrl-C ends it only if nothing else depends on its result.
  Result run(Session &session, NumericsCheck *check, bool interruptible);
  const Dataset &dataset() const { return data; }

private:
  Dataset data;
  Output loss;
  Accuracy accuracy;
  std::vector<uint64_t> rows;
};

} // namespace vernier::run

#endif // VERNIER_RUN_EVALUATION_H
