//===- device.h - Where a plan runs
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_C_DEVICE_H
#define VERNIER_C_DEVICE_H

#include "vernier-c/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Where sessions run. Its references are counted.
typedef struct vernier_device_t vernier_device_t;

/// Open a device: "cpu", or "cpu:N" for N threads (by default all that OpenMP
/// would use). Results never depend on N.
/// Threads: any. Ownership: the caller owns one reference to `*device`; on
/// failure it is null. `name` is only read.
VERNIER_API vernier_status_t vernier_device_create(const char *name,
                                                   vernier_device_t **device);

/// Add a reference. Null is allowed and does nothing.
/// Threads: any. Ownership: the caller owns the new reference.
VERNIER_API void vernier_device_retain(vernier_device_t *device);

/// Drop a reference; the last one closes the device. Null is allowed.
/// Threads: any. Ownership: takes the caller's reference.
VERNIER_API void vernier_device_release(vernier_device_t *device);

/// "cpu: 2 threads, avx2 fma f16c".
/// Threads: any. Ownership: the text is borrowed from the device.
VERNIER_API const char *
vernier_device_description(const vernier_device_t *device);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // VERNIER_C_DEVICE_H
