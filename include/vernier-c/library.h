//===- library.h - What a plan needs of the device's library
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_C_LIBRARY_H
#define VERNIER_C_LIBRARY_H

#include "vernier-c/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Find out whether the CPU's library has a primitive for each product and
/// convolution of the plan on this machine: VERNIER_RESOURCES or VERNIER_FAILED
/// names the first op without one. Nothing is run and no code of the plan is
/// loaded. vernier-compile asks this of every plan that it writes.
/// Threads: any. Ownership: nothing changes hands.
VERNIER_API vernier_status_t
vernier_plan_check_library(const vernier_plan_t *plan);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // VERNIER_C_LIBRARY_H
