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

/// Runs `loss` over a data set. The last partial batch is completed with
/// repeated rows, and what these add to the loss is taken out again: exact for
/// a loss that is a mean or sum over rows (docs/Rationale/Data.md).
class Evaluation {
public:
  Evaluation(const std::string &path, const Plan &plan);

  struct Result {
    double loss;     ///< a mean over all rows, or their sum for each batch
    double accuracy; ///< NaN if the model has none
    uint64_t rows = 0;
    /// The first rows whose loss is not finite: "the loss of rows 8 to 15 of
    /// test.npz is nan", the op that made it so, and what is wrong in the data;
    /// "" if there are none.
    std::string problem;
  };
  /// With a `check`, throws a numeric Failure for the first op that is not
  /// finite. Without one, looking for the op of a problem leaves no observer
  /// set. Ctrl-C ends it only if nothing else depends on its result.
  Result run(Session &session, NumericsCheck *check, bool interruptible);
  const Dataset &dataset() const { return data; }

private:
  double runBatch(Session &session, NumericsCheck *check, uint64_t start,
                  uint64_t real);
  std::string describeRows(uint64_t start, uint64_t real) const;
  std::string describeProblem(Session &session, uint64_t start, uint64_t real);
  std::string describeCulprit(Session &session, uint64_t start, uint64_t real);

  Dataset data;
  Output loss;
  Accuracy accuracy;
  std::vector<uint64_t> rows;
};

} // namespace vernier::run

#endif // VERNIER_RUN_EVALUATION_H
