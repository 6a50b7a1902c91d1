//===- session.h - Training state on a device
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A session holds the states of one plan (parameters, moments, counters, loss
// scale, copies) and runs its entries. A session is used by one thread at a
// time, which may change ("Threads: one at a time" below); sessions are
// independent of each other. Nothing is allocated between the second run of an
// entry and the last, inside oneDNN neither.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_C_SESSION_H
#define VERNIER_C_SESSION_H

#include "vernier-c/device.h"
#include "vernier-c/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The states of a plan and the memory to run it. Its references are counted.
typedef struct vernier_session_t vernier_session_t;

/// Create a session: allocates its memory and initialises every state from
/// `seed` (the same seed gives the same bits on every machine). A processor
/// that the plan was not compiled for, or too little memory, is
/// VERNIER_RESOURCES.
/// Threads: any. Ownership: the caller owns one reference to `*session`; on
/// failure it is null. The session keeps references to plan and device.
VERNIER_API vernier_status_t
vernier_session_create(vernier_plan_t *plan, vernier_device_t *device,
                       uint64_t seed, vernier_session_t **session);

/// Add a reference. Null is allowed and does nothing.
/// Threads: any. Ownership: the caller owns the new reference.
VERNIER_API void vernier_session_retain(vernier_session_t *session);

/// Drop a reference; the last one frees the session. Null is allowed. An
/// observer must not drop the last one: the session then lives to the end of
/// its run, which is VERNIER_INVALID_ARGUMENT.
/// Threads: any. Ownership: takes the caller's reference.
VERNIER_API void vernier_session_release(vernier_session_t *session);

/// Copy `bytes` bytes into an input of an entry; they stay until overwritten
/// (inputs of different entries are separate). The size must be the input's.
/// Class indices are checked here: one outside [0, classes) is
/// VERNIER_INVALID_ARGUMENT, naming its position.
/// Threads: one at a time. Ownership: `data` is copied.
VERNIER_API vernier_status_t
vernier_session_set_input(vernier_session_t *session, const char *entry,
                          const char *input, const void *data, uint64_t bytes);

/// Run an entry once, to completion. Like every function of one thread at a
/// time, it is VERNIER_INVALID_ARGUMENT while another thread uses the session.
/// Threads: one at a time; the device's own threads work for it. Ownership:
/// nothing changes hands.
VERNIER_API vernier_status_t vernier_session_run(vernier_session_t *session,
                                                 const char *entry);

/// Copy an output of the last run of `entry` into `data`, in its own dtype.
/// Threads: one at a time. Ownership: `data` stays the caller's.
VERNIER_API vernier_status_t
vernier_session_get_output(vernier_session_t *session, const char *entry,
                           const char *output, void *data, uint64_t bytes);

/// All states, copies excluded, in plan order.
/// Threads: any. Ownership: `*states` is borrowed from the session.
VERNIER_API vernier_status_t
vernier_session_states(vernier_session_t *session, size_t *count,
                       const vernier_tensor_info_t **states);

/// Copy a state out of the session, in its own dtype.
/// Threads: one at a time. Ownership: `data` stays the caller's.
VERNIER_API vernier_status_t vernier_session_get_state(
    vernier_session_t *session, const char *name, void *data, uint64_t bytes);

/// Copy a state into the session, in its own dtype. Writing a master refreshes
/// the copies derived from it.
/// Threads: one at a time. Ownership: `data` is copied.
VERNIER_API vernier_status_t
vernier_session_set_state(vernier_session_t *session, const char *name,
                          const void *data, uint64_t bytes);

/// Find out whether every state is finite: VERNIER_NUMERIC if one holds an inf
/// or a NaN, with a message that names the first one, how many of its values
/// they are, and the place of the first. A step whose gradients are not finite
/// changes no state, but an update of finite gradients may itself overflow, so
/// ask this before a save and at the end of training. States that the model
/// itself starts with an inf are passed over; so are copies. Amid a window of
/// micro-batches its sums may be infinite: the window will be skipped.
/// Reads all states once, at the speed of memory, and allocates only the
/// message. Threads: one at a time. Ownership: nothing changes hands.
VERNIER_API vernier_status_t
vernier_session_check_finite(vernier_session_t *session);

/// Which checkpoints of a folder stay when one is saved: the `newest` ones by
/// step (0: all), and those whose step is a multiple of `every` (0: none).
typedef struct vernier_retention_t {
  uint32_t newest;
  uint64_t every;
} vernier_retention_t;

/// Write every state (but copies) and `metadata` (a UTF-8 JSON object of the
/// caller's, of at most 15 levels, or null) as a checkpoint folder
/// `directory`/step-NNNNNNNN, by the protocol of docs/Checkpoints.md: complete
/// and synced before it is visible, only then are others removed. Saves what is
/// there, finite or not: vernier_session_check_finite tells. A failure
/// leaves earlier checkpoints untouched: VERNIER_RESOURCES for a full or
/// read-only disk, and while another process saves to the folder, which a
/// session keeps locked from its first save until it is freed. Threads: one at
/// a time; saves of several sessions wait for each other. Ownership: the texts
/// are only read.
VERNIER_API vernier_status_t vernier_session_save(vernier_session_t *session,
                                                  const char *directory,
                                                  uint64_t step,
                                                  const char *metadata,
                                                  vernier_retention_t kept);

/// Find out whether vernier_session_save could write a checkpoint below
/// `directory` now, best before the first step: takes the space of one for a
/// moment. Afterwards the folder is as it was, less what processes that are
/// gone left in it. VERNIER_RESOURCES if it cannot be written or has no space.
/// Threads: one at a time; waits for saves. Ownership: `directory` is only
/// read.
VERNIER_API vernier_status_t
vernier_session_check_save(vernier_session_t *session, const char *directory);

/// Load the newest valid checkpoint below `directory` (or `directory` itself,
/// if it is one). `*step` and `*metadata` (`step` and `metadata` may be null if
/// unwanted) are what save was given, the metadata as the same members in the
/// same order, written without spaces. Damaged checkpoints are skipped: the
/// message of VERNIER_OK then names them. If another plan saved, it says which
/// options differ. Nothing changes on failure:
/// VERNIER_BAD_FILE for damage or another model's checkpoint, naming the first
/// difference.
/// Threads: one at a time. Ownership: `*metadata` is borrowed from the session
/// until its next load.
VERNIER_API vernier_status_t vernier_session_load(vernier_session_t *session,
                                                  const char *directory,
                                                  uint64_t *step,
                                                  const char **metadata);

/// The same for entries that do not train: loads params.safetensors alone, so
/// that the optimizer may be another than the checkpoint's. Moments, counters
/// and the loss scale stay as they are. An average of parameters that only
/// training uses may be missing; what the plan does not have is passed over and
/// named in the message of VERNIER_OK.
/// Threads: one at a time. Ownership: as with vernier_session_load.
VERNIER_API vernier_status_t vernier_session_load_for_inference(
    vernier_session_t *session, const char *directory, uint64_t *step,
    const char **metadata);

/// What a weight is called in a file: {"encoder.*", "model.encoder.*"}. One `*`
/// in both names stands for the same text. An empty `tensor` leaves the state
/// as it is: {"head.*", ""}.
typedef struct vernier_rename_t {
  const char *state;  ///< in the plan
  const char *tensor; ///< in the file
} vernier_rename_t;

/// How the tensors of a file become weights; all zero is the strict default.
typedef struct vernier_weights_options_t {
  size_t rename_count;
  const vernier_rename_t *renames; ///< the first that fits a state counts
  int partial; ///< 1: weights that the file does not have stay as they are
} vernier_weights_options_t;

/// Take the weights by name from a file of anyone: a .safetensors file, or a
/// checkpoint (a folder of them, of which the newest valid one counts). Weights
/// are the states of role parameter, frozen and statistic; nothing else of the
/// file is taken and no other state changes, so after vernier_session_create
/// the optimizer, the loss scale and the counters start anew. Floats of another
/// type (f16, bf16, f32, f64) are rounded once, to nearest even; copies are
/// made after. The message of VERNIER_OK, if any, says which values were
/// rounded, which tensors of the file were not used, and which weights stay as
/// they are. Nothing changes on failure: VERNIER_BAD_FILE for a damaged file, a
/// weight that is missing or of another shape (transposes included), a NaN or a
/// value that the state's type cannot hold; VERNIER_INVALID_ARGUMENT for a
/// rename that fits no weight. Threads: one at a time. Ownership: all arguments
/// are only read; `options` may be null.
VERNIER_API vernier_status_t
vernier_session_load_weights(vernier_session_t *session, const char *path,
                             const vernier_weights_options_t *options);

/// The same from memory that holds a safetensors file; `name` is what messages
/// call it.
/// Threads: one at a time. Ownership: all arguments are only read; `options`
/// may be null.
VERNIER_API vernier_status_t vernier_session_load_weights_memory(
    vernier_session_t *session, const void *data, size_t size, const char *name,
    const vernier_weights_options_t *options);

/// A value that a call read or wrote.
typedef struct vernier_observed_tensor_t {
  /// Named after the state, or the entry's input or output; any other value
  /// after the call that made it, by its title.
  vernier_tensor_info_t info;
  const void *data;
  /// Of an input: 1 if a result lies in its memory, so that `data` is no longer
  /// what the call read; else 0.
  int overwritten;
} vernier_observed_tensor_t;

/// A call that has just been made. All pointers are the session's; `data` is
/// only valid while the observer runs, the rest as long as the session.
typedef struct vernier_observation_t {
  const char *entry;    ///< "step"
  size_t index;         ///< of the call in its entry (vernier-c/plan.fbs)
  const char *name;     ///< "train.softmax"
  const char *location; ///< in the model, "model.mlir:12:8"
  size_t input_count;
  const vernier_observed_tensor_t *inputs;
  size_t result_count;
  const vernier_observed_tensor_t *results;
  size_t source_count; ///< of the ops that a kernel was made of; 0 if one
  const char *const *sources; ///< their titles
  const char *identity; ///< of the op of the model, "block#2/attn.q"; or empty
  const char *title;    ///< "block#2/attn.q (train.linear) at model.mlir:12:8"
} vernier_observation_t;

/// What vernier_session_set_observer takes.
/// Threads: called by the one that runs the entry. Ownership: all that it is
/// given is borrowed for the call; `context` is the caller's.
typedef void (*vernier_observer_t)(void *context,
                                   const vernier_observation_t *observation);

/// Have `observer` called after each call of every entry, by the thread that
/// runs the entry; null stops it. An observer may read states and call
/// vernier_session_check_finite; what would change the session is
/// VERNIER_INVALID_ARGUMENT there, and this does nothing.
/// Threads: one at a time. Ownership: `context` stays the caller's, and must
/// live until another observer is set or the session is freed.
VERNIER_API void vernier_session_set_observer(vernier_session_t *session,
                                              vernier_observer_t observer,
                                              void *context);

/// Memory of the session in bytes.
typedef struct vernier_memory_info_t {
  uint64_t state_bytes; ///< parameters, moments, counters, copies
  uint64_t arena_bytes; ///< the largest entry's activations and workspaces
  uint64_t saved_bytes; ///< of these, kept for the backward part of `step`
  uint64_t work_bytes;  ///< what the device's calls work in: grows with threads
  uint64_t total_bytes; ///< everything the session allocated
} vernier_memory_info_t;

/// What the session has allocated.
/// Threads: any. Ownership: returned by value.
VERNIER_API vernier_memory_info_t
vernier_session_memory(const vernier_session_t *session);

/// What vernier_session_memory would say of a session of `plan` on `device`,
/// without allocating it: fails as vernier_session_create would, but for lack
/// of memory.
/// Threads: any. Ownership: nothing is retained.
VERNIER_API vernier_status_t
vernier_session_plan_memory(vernier_plan_t *plan, vernier_device_t *device,
                            vernier_memory_info_t *info);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // VERNIER_C_SESSION_H
