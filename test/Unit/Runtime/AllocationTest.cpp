//===- AllocationTest.cpp - No memory is allocated between steps
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The program's own malloc counts every call, whoever makes it: us, oneDNN,
// OpenMP.
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"

#include <atomic>
#include <cstdlib>
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
static std::atomic<int> allocations{0};

static void count() {
  if (counting)
    ++allocations;
}

// glibc's allocator under its other names.
extern "C" {
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}
void *calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}
void *realloc(void *memory, size_t size) {
  count();
  return __libc_realloc(memory, size);
}
int posix_memalign(void **memory, size_t alignment, size_t size) {
  count();
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}
void *aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
}

/// Allocations of ten steps after two to warm up.
static int countAllocations(const TestPlan &testPlan, const char *entry) {
  Plan plan(testPlan);
  Session session(plan.handle, "cpu:2");
  std::vector<float> x(16, 1), y(16);
  auto step = [&] {
    (void)vernier_session_set_input(session.handle, entry, "x", x.data(), 64);
    (void)vernier_session_run(session.handle, entry);
  };
  step();
  step();
  allocations = 0;
  counting = true;
  for (int i = 0; i < 10; ++i)
    step();
  counting = false;
  return allocations;
}

// The hook works: it sees an ordinary allocation, of malloc and of operator
// new.
TEST(Allocation, HookCounts) {
  allocations = 0;
  counting = true;
  void *memory = std::malloc(100), *object = ::operator new(100);
  counting = false;
  EXPECT_TRUE(memory && object);
  std::free(memory);
  ::operator delete(object);
  EXPECT_EQ(allocations, 2);
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
  EXPECT_EQ(countAllocations(plan, "predict"), 0);
}

// A whole step, with matmuls, which oneDNN computes: nothing either.
TEST(Allocation, NoneInsideOneDnn) {
  EXPECT_EQ(countAllocations(makeTrainingPlan(), "step"), 0);
}

#endif // VERNIER_HAS_SANITIZER
