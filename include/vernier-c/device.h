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

typedef struct vernier_device_t vernier_device_t;

/// Open a device: "cpu", or "cpu:N" for N threads (by default all that OpenMP
/// would use). Results never depend on N. The caller owns one reference to
/// `*device`; on failure it is null. Thread-safe.
VERNIER_API vernier_status_t vernier_device_create(const char *name,
                                                   vernier_device_t **device);

/// Add a reference. Thread-safe; null is allowed and does nothing.
VERNIER_API void vernier_device_retain(vernier_device_t *device);

/// Drop a reference; the last one closes the device. Thread-safe; null is
/// allowed.
VERNIER_API void vernier_device_release(vernier_device_t *device);

/// "cpu: 2 threads, avx2 fma f16c", borrowed from the device. Thread-safe.
VERNIER_API const char *
vernier_device_description(const vernier_device_t *device);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // VERNIER_C_DEVICE_H
