//===- CheckpointMatch.h - Which tensor of a checkpoint each state takes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The model and the optimizer must agree. What the step alone needs, the states
// of the loss scaler and of a window of micro-batches, comes and goes with the
// policy: it is dropped, or starts anew, and that is said.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_CHECKPOINTMATCH_H
#define VERNIER_RUNTIME_CHECKPOINTMATCH_H

#include "Runtime/Checkpoint.h"
#include "Runtime/Safetensors.h"

namespace vernier::runtime {

struct CheckpointMatches {
  /// For each state of the session what it takes, or null: it stays as it is.
  std::vector<const StoredTensor *> stored;
  /// Indices of states that get their initial values.
  std::vector<size_t> anew;
  /// Inference: what the plan does not have, or "".
  std::string passedOver;
  /// Training: "\n  ..." for what was dropped or starts anew, or "".
  std::string changes;
};

/// Match the tensors of params.safetensors and (unless for inference)
/// optimizer.safetensors with the session's states. A failure says what
/// differs: "is of another model: ...".
Status matchCheckpoint(const vernier_session_t &session,
                       const std::vector<StoredTensor> &parameters,
                       const std::vector<StoredTensor> &others, Part part,
                       CheckpointMatches &matches);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_CHECKPOINTMATCH_H
