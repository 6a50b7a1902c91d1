//===- Diagnosis.h - Why a step is not finite
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_DIAGNOSIS_H
#define VERNIER_RUN_DIAGNOSIS_H

#include "Metrics.h"
#include "Rerun.h"

namespace vernier::run {

/// Says of a step whose loss or gradients are not finite which op made them so,
/// from which row, and what helps.
class Diagnosis {
public:
  Diagnosis(const Plan &plan, Session &session, Dataset &data,
            uint64_t microBatches)
      : plan(plan), session(session), data(data),
        rowCount(microBatches * data.batch()),
        rerun(plan, session, data, microBatches) {}

  /// Lines about the op, the data and the states of the step that has just been
  /// made of `rows`, each after a line break. `seen` is what an observer saw;
  /// if nobody looked, the step is run again, and afterwards no observer is
  /// set.
  std::string describe(const Measurement &step,
                       const std::optional<Finding> &seen,
                       const uint64_t *rows);
  /// Then a line about what to do, unless the data are to blame.
  std::string describeRemedy() const;

private:
  void findOp(const Measurement &step, const uint64_t *rows);
  std::string describeRow(const uint64_t *rows);

  const Plan &plan;
  Session &session;
  Dataset &data;
  uint64_t rowCount; ///< of a window
  Rerun rerun;
  std::optional<Finding> finding;
  std::string badData, badState;
  bool isLossFinite = true;
};

} // namespace vernier::run

#endif // VERNIER_RUN_DIAGNOSIS_H
