//===- Checkpoint.h - Saving and loading sessions
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The protocol is docs/Checkpoints.md.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_CHECKPOINT_H
#define VERNIER_RUNTIME_CHECKPOINT_H

#include "Runtime/Session.h"

#include <string>
#include <vector>

namespace vernier::runtime {

/// Names in a checkpoint's folder.
constexpr const char *paramsFile = "params.safetensors";
constexpr const char *optimizerFile = "optimizer.safetensors";
constexpr const char *stateFile = "state.json";
/// In checkpoints of version 2: what is now a member of state.json.
constexpr const char *metadataFile = "metadata.json";
constexpr const char *manifestFile = "MANIFEST.json";

/// Whether a state is stored in params.safetensors, for inference.
inline bool isForInference(const BoundState &state) {
  return state.role == schema::Role::parameter ||
         state.role == schema::Role::frozen ||
         state.role == schema::Role::statistic;
}

/// Hash of names, types and shapes of all states: plans with the same one can
/// read each other's checkpoints.
std::string getModelFingerprint(const vernier_session_t &session);

/// The number of "step-NNNNNNNN", or false.
bool parseStepFolder(const std::string &name, uint64_t &step);

/// What state.json says to who loads it.
struct SavedState {
  uint64_t step = 0;
  std::string metadata;  ///< the application's; "" if it gave none
  std::string otherPlan; ///< how the plan that saved differs, or ""
};
/// CheckpointState.cpp
Status checkMetadata(const char *metadata);
Status makeState(const vernier_session_t &session, uint64_t step,
                 const char *metadata, std::string &text);
Status readState(const vernier_session_t &session,
                 const std::vector<uint8_t> &text, SavedState &saved);

/// CheckpointSave.cpp
Status saveCheckpoint(vernier_session_t &session, const std::string &directory,
                      uint64_t step, const char *metadata,
                      vernier_retention_t kept);
Status checkSpace(vernier_session_t &session, const std::string &directory);
/// What is loaded: all states for training, or what inference needs.
enum class Part { all, inference };
/// Whether an entry that does not train uses a state (CheckpointMatch.cpp). An
/// average of parameters that the optimizer keeps is none of these.
bool isUsedForInference(const vernier_session_t &session,
                        const BoundState &state);
/// CheckpointLoad.cpp; the status may carry a note.
Status loadCheckpoint(vernier_session_t &session, const std::string &directory,
                      Part part, uint64_t &step);
/// Read params.safetensors of the newest valid checkpoint, which `path` names
/// then; `note` says what was passed over.
Status readCheckpointWeights(const std::string &directory,
                             std::vector<uint8_t> &bytes, std::string &path,
                             std::string &note);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_CHECKPOINT_H
