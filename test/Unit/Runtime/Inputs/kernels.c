//===- kernels.c - Kernels of the test plans
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In the calling convention of vernier-c/kernel.h.
//
//===----------------------------------------------------------------------===//

#include <stdint.h>

// out[i] = a[i] + b[i], f32
void add(void *const *args, int64_t begin, int64_t end) {
  const float *a = args[0], *b = args[1];
  float *out = args[2];
  for (int64_t i = begin; i < end; ++i)
    out[i] = a[i] + b[i];
}

// out[i] = 2 a[i], f32
void twice(void *const *args, int64_t begin, int64_t end) {
  const float *a = args[0];
  float *out = args[1];
  for (int64_t i = begin; i < end; ++i)
    out[i] = 2 * a[i];
}

// out[i] = bf16(a[i]), truncated
void narrow(void *const *args, int64_t begin, int64_t end) {
  const uint32_t *a = args[0];
  uint16_t *out = args[1];
  for (int64_t i = begin; i < end; ++i)
    out[i] = (uint16_t)(a[i] >> 16);
}

// out[begin] = number of elements of this range: shows how the grid was split
void mark(void *const *args, int64_t begin, int64_t end) {
  int32_t *out = args[0];
  for (int64_t i = begin; i < end; ++i)
    out[i] = (int32_t)(i == begin ? end - begin : 0);
}

// out[0] = a[0] + 1, i32
void count(void *const *args, int64_t begin, int64_t end) {
  const int32_t *a = args[0];
  int32_t *out = args[1];
  for (int64_t i = begin; i < end; ++i)
    out[i] = a[i] + 1;
}
