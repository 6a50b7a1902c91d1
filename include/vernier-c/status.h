//===- status.h - Status of a call
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_C_STATUS_H
#define VERNIER_C_STATUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define VERNIER_API
#else
#define VERNIER_API __attribute__((visibility("default")))
#endif

/// The version of this API: major changes break, minor ones add.
#define VERNIER_API_VERSION_MAJOR 0
#define VERNIER_API_VERSION_MINOR 1

/// What kind of failure it was. The numbers are also the exit codes of
/// vernier-run, and never change.
typedef enum vernier_status_code_t {
  VERNIER_OK = 0,
  /// Diagnosed failure that fits no other code.
  VERNIER_FAILED = 1,
  /// The call's arguments are wrong: null, unknown name, wrong shape or dtype.
  VERNIER_INVALID_ARGUMENT = 2,
  /// A file is not what it should be: truncated, altered, of another model.
  VERNIER_BAD_FILE = 3,
  /// The numbers went wrong: an inf or NaN where it was to be reported.
  VERNIER_NUMERIC = 4,
  /// Memory, disk or a feature of the machine is lacking.
  VERNIER_RESOURCES = 5
} vernier_status_code_t;

/// Returned by value by every call that can fail. With VERNIER_OK the message
/// is null, or a note for the user (a damaged checkpoint was skipped). Threads:
/// the message is the calling thread's. Ownership: it is borrowed until that
/// thread's next failing call into this library; copy it to keep it.
typedef struct vernier_status_t {
  vernier_status_code_t code;
  const char *message;
} vernier_status_t;

#ifdef __cplusplus
} // extern "C"
#endif

#endif // VERNIER_C_STATUS_H
