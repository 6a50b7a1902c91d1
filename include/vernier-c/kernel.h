//===- kernel.h - The calling convention of generated kernels
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_C_KERNEL_H
#define VERNIER_C_KERNEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A kernel of Plan.object: computes the part [begin, end) of its grid. `args`
/// are the launch's buffers, inputs then outputs, each 64-byte aligned. Ranges
/// may run at the same time on different threads: they never write the same
/// byte. A kernel calls nothing and allocates nothing.
/// Threads: any number, on ranges of their own. Ownership: the buffers are
/// borrowed for the call.
typedef void (*vernier_kernel_t)(void *const *args, int64_t begin, int64_t end);

#ifdef __cplusplus
} // extern "C"
#endif

#endif // VERNIER_C_KERNEL_H
