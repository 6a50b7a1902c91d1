//===- plan.h - A compiled training step
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan is what vernier-compile writes: immutable once loaded, shared by any
// number of sessions.
//
// A plan holds machine code. To run it, which takes a session, is to run its
// code with all that this process may do: create sessions of plans that you
// trust as you would a program. To load, verify or describe a plan, or to plan
// its memory (vernier_session_plan_memory), is not: none of its code is so much
// as mapped, and any bytes are safe.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_C_PLAN_H
#define VERNIER_C_PLAN_H

#include "vernier-c/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The first 64 bytes of a .vplan file, little endian. `digest` is the XXH3
/// 128-bit hash (canonical, big-endian form) of the header with `digest` zero,
/// followed by the payload; the payload is a FlatBuffer of vernier-c/plan.fbs.
typedef struct vernier_plan_header_t {
  char magic[8]; ///< "VERNPLAN"
  uint32_t version_major;
  uint32_t version_minor;
  uint64_t header_size;  ///< 64
  uint64_t payload_size; ///< the file is header_size + payload_size long
  uint8_t digest[16];
  uint8_t reserved[16]; ///< zero
} vernier_plan_header_t;

#define VERNIER_PLAN_MAGIC "VERNPLAN"
#define VERNIER_PLAN_VERSION_MAJOR 2
#define VERNIER_PLAN_VERSION_MINOR 0

/// Element types, with the numbers of the plan file.
typedef enum vernier_dtype_t {
  VERNIER_F32 = 0,
  VERNIER_BF16 = 1,
  VERNIER_F16 = 2,
  VERNIER_I32 = 3,
  VERNIER_I64 = 4,
  VERNIER_I1 = 5 ///< one byte each, 0 or 1
} vernier_dtype_t;

/// A loaded plan. It never changes; its references are counted.
typedef struct vernier_plan_t vernier_plan_t;

/// Name, type and shape of an input, output or state. The pointers belong to
/// the plan (or session) that was asked and live as long as it does.
typedef struct vernier_tensor_info_t {
  const char *name;
  vernier_dtype_t dtype;
  size_t rank;
  const int64_t *shape;
  uint64_t bytes;  ///< dense, row major
  int64_t classes; ///< > 0: the values are class indices in [0, classes)
} vernier_tensor_info_t;

/// Load and verify a plan file. Any bytes are safe to load: what is truncated
/// or altered is VERNIER_BAD_FILE. A plan for another machine can be loaded and
/// described, but not run.
/// Threads: any. Ownership: the caller owns one reference to `*plan`; on
/// failure it is null. The file is read, not kept open.
VERNIER_API vernier_status_t vernier_plan_load(const char *path,
                                               vernier_plan_t **plan);

/// The same from memory.
/// Threads: any. Ownership: the caller owns one reference to `*plan`; `data` is
/// copied.
VERNIER_API vernier_status_t vernier_plan_load_memory(const void *data,
                                                      size_t size,
                                                      vernier_plan_t **plan);

/// Add a reference. Null is allowed and does nothing.
/// Threads: any. Ownership: the caller owns the new reference.
VERNIER_API void vernier_plan_retain(vernier_plan_t *plan);

/// Drop a reference; the last one frees the plan. Null is allowed.
/// Threads: any. Ownership: takes the caller's reference.
VERNIER_API void vernier_plan_release(vernier_plan_t *plan);

/// Find out whether this machine can run the plan, best before anything is
/// made ready for it: VERNIER_RESOURCES names what its processor lacks, and so
/// does vernier_session_create.
/// Threads: any. Ownership: nothing changes hands.
VERNIER_API vernier_status_t
vernier_plan_check_machine(const vernier_plan_t *plan);

/// The FlatBuffer (vernier-c/plan.fbs) and its size, for tools that print it.
/// Threads: any. Ownership: the bytes are borrowed from the plan.
VERNIER_API const void *vernier_plan_payload(const vernier_plan_t *plan,
                                             size_t *size);

/// The plan's digest as 32 hexadecimal digits.
/// Threads: any. Ownership: the text is borrowed from the plan.
VERNIER_API const char *vernier_plan_digest(const vernier_plan_t *plan);

/// The inputs of an entry (`step`, `loss`, `predict`), by index;
/// VERNIER_INVALID_ARGUMENT if there is no such entry.
/// Threads: any. Ownership: `*inputs` is borrowed from the plan.
VERNIER_API vernier_status_t
vernier_plan_entry_inputs(const vernier_plan_t *plan, const char *entry,
                          size_t *count, const vernier_tensor_info_t **inputs);

/// The outputs of an entry, in the same way.
/// Threads: any. Ownership: `*outputs` is borrowed from the plan.
VERNIER_API vernier_status_t vernier_plan_entry_outputs(
    const vernier_plan_t *plan, const char *entry, size_t *count,
    const vernier_tensor_info_t **outputs);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // VERNIER_C_PLAN_H
