//===- AllocationTest.cpp - No memory is allocated between steps
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The program's own malloc counts calls by the library they come from. oneDNN
// allocates in each call: a map of arguments in dnnl_primitive_execute, and for
// f32 without AVX-512 the packed operands of its GEMM; its interface offers no
// way around either. Everything else must allocate nothing.
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <malloc.h>

#if defined(__SANITIZE_ADDRESS__)
#define VERNIER_HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VERNIER_HAS_SANITIZER 1
#endif
#endif

using namespace vernier;
using namespace vernier::test;

#ifndef VERNIER_HAS_SANITIZER

static std::atomic<bool> counting{false};
static std::atomic<int> fromDnnl{0}, fromOthers{0};

/// Whether an address is in oneDNN.
static bool isDnnl(void *caller) {
  Dl_info info;
  return dladdr(caller, &info) && info.dli_fname &&
         std::strstr(info.dli_fname, "libdnnl");
}

static void count(void *caller) {
  if (counting)
    ++(isDnnl(caller) ? fromDnnl : fromOthers);
}

// glibc's allocator under its other names.
extern "C" {
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
  count(__builtin_return_address(0));
  return __libc_malloc(size);
}
void *calloc(size_t number, size_t size) {
  count(__builtin_return_address(0));
  return __libc_calloc(number, size);
}
void *realloc(void *memory, size_t size) {
  count(__builtin_return_address(0));
  return __libc_realloc(memory, size);
}
int posix_memalign(void **memory, size_t alignment, size_t size) {
  count(__builtin_return_address(0));
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}
void *aligned_alloc(size_t alignment, size_t size) {
  count(__builtin_return_address(0));
  return __libc_memalign(alignment, size);
}
}

// Replaced too, or malloc would see libstdc++ as its caller.
void *operator new(size_t size) {
  count(__builtin_return_address(0));
  if (void *memory = __libc_malloc(size))
    return memory;
  throw std::bad_alloc();
}
void *operator new[](size_t size) {
  count(__builtin_return_address(0));
  if (void *memory = __libc_malloc(size))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { free(memory); }
void operator delete[](void *memory) noexcept { free(memory); }
void operator delete(void *memory, size_t) noexcept { free(memory); }
void operator delete[](void *memory, size_t) noexcept { free(memory); }

/// Allocations of ten steps after two to warm up: oneDNN's, and all others.
static std::pair<int, int> countAllocations(const TestPlan &testPlan,
                                            const char *entry) {
  Plan plan(testPlan);
  Session session(plan.handle, "cpu:2");
  std::vector<float> x(16, 1), y(16);
  auto step = [&] {
    (void)vernier_session_set_input(session.handle, entry, "x", x.data(), 64);
    (void)vernier_session_run(session.handle, entry);
  };
  step();
  step();
  fromDnnl = fromOthers = 0;
  counting = true;
  for (int i = 0; i < 10; ++i)
    step();
  counting = false;
  return {fromDnnl, fromOthers};
}

// The hook works: it sees an ordinary allocation.
TEST(Allocation, HookCounts) {
  fromOthers = 0;
  counting = true;
  std::vector<int> *memory = new std::vector<int>(100);
  counting = false;
  delete memory;
  EXPECT_EQ(fromOthers, 2);
}

// Launches on one and on several threads, transposes and copies: nothing at
// all.
TEST(Allocation, NoneWithoutMatmuls) {
  TestPlan plan;
  plan.object = kernelObject();
  TestEntry &entry = plan.entry("predict");
  uint32_t x = entry.input("x", DType::f32, {4, 4});
  uint32_t small = entry.alloc(DType::f32, {4, 4});
  entry.transpose(x, small, {1, 0});
  uint32_t a = entry.alloc(DType::f32, {300, 400});
  uint32_t b = entry.alloc(DType::f32, {400, 300});
  entry.launch("twice", {a}, {a}, 120000, 16);
  entry.transpose(a, b, {1, 0});
  uint32_t c = entry.alloc(DType::f32, {400, 300});
  entry.copy(b, c);
  entry.output("y", small);
  EXPECT_EQ(countAllocations(plan, "predict"), std::make_pair(0, 0));
}

// A whole step, with matmuls: nothing but what oneDNN does inside.
TEST(Allocation, OnlyInsideOneDnn) {
  auto [dnnl, others] = countAllocations(makeTrainingPlan(), "step");
  EXPECT_EQ(others, 0);
  RecordProperty("onednn", dnnl);
  std::printf("oneDNN: %d allocations in 10 steps of one matmul of 2 tiles\n",
              dnnl);
}

#endif // VERNIER_HAS_SANITIZER
