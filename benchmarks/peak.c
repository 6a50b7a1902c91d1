//===- peak.c - Multiply-adds that this processor can do
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// usage: peak THREADS. Prints {"f32": GFLOP/s, "bf16": GFLOP/s}: independent
// fused multiply-adds (bf16: dot products of pairs) on registers, the floor of
// any product. bf16 is 0 without AVX512-BF16.
//
//===----------------------------------------------------------------------===//

#include <immintrin.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { kAccumulators = 12, kRounds = 20000000 };

#ifdef __AVX512F__
typedef __m512 Vector;
#define SPLAT _mm512_set1_ps
#define FMA _mm512_fmadd_ps
#else
typedef __m256 Vector;
#define SPLAT _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#endif

/// Keeps the compiler from seeing through the accumulators.
#define OPAQUE(x) __asm__ volatile("" : "+v"(x))

static void runF32(void) {
  Vector sums[kAccumulators], x = SPLAT(0.5f), y = SPLAT(0.25f);
  for (int j = 0; j < kAccumulators; ++j)
    sums[j] = SPLAT(0.0f);
  for (long i = 0; i < kRounds; ++i)
#pragma unroll
    for (int j = 0; j < kAccumulators; ++j) {
      sums[j] = FMA(x, y, sums[j]);
      OPAQUE(sums[j]);
    }
}

#ifdef __AVX512BF16__
static void runBf16(void) {
  __m512 sums[kAccumulators];
  __m512bh x = (__m512bh)_mm512_set1_epi16(0x3f00),
           y = (__m512bh)_mm512_set1_epi16(0x3e80);
  for (int j = 0; j < kAccumulators; ++j)
    sums[j] = _mm512_set1_ps(0.0f);
  for (long i = 0; i < kRounds; ++i)
#pragma unroll
    for (int j = 0; j < kAccumulators; ++j) {
      sums[j] = _mm512_dpbf16_ps(sums[j], x, y);
      OPAQUE(sums[j]);
    }
}
#endif

static double measure(int threads, void (*run)(void), int flopsEach) {
  double start = omp_get_wtime();
#pragma omp parallel num_threads(threads)
  run();
  double seconds = omp_get_wtime() - start;
  return 1e-9 * threads * kRounds * kAccumulators * flopsEach / seconds;
}

int main(int count, char **arguments) {
  int threads = count > 1 ? atoi(arguments[1]) : 1;
  int lanes = sizeof(Vector) / sizeof(float);
  double bf16 = 0;
#ifdef __AVX512BF16__
  bf16 = measure(threads, runBf16, 4 * 16);
#endif
  printf("{\"f32\": %.1f, \"bf16\": %.1f}\n",
         measure(threads, runF32, 2 * lanes), bf16);
  return 0;
}
