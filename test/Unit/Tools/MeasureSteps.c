//===- MeasureSteps.c - Allocations and memory of steps
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// usage: vernier-measure-steps PLAN DEVICE STEPS [WARM-UP-PLAN]
//
// Runs the plan's `step` on made-up inputs and prints, as key=value lines:
//
//   allocations  calls of malloc and its kin in the steps after the first two,
//                by anyone in the process
//   planned      bytes that vernier_session_plan_memory foretells
//   grown        bytes by which the peak of the process's resident memory
//                exceeds what was resident before the session was made
//
// A warm-up plan is run first: what a process has once, whatever the plan (the
// code of libraries, stacks of threads), is then resident already.
//
//===----------------------------------------------------------------------===//

#include "vernier-c/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned long vernier_test_allocations(void); // Inputs/allocations.c

static void check(vernier_status_t status) {
  if (status.code == VERNIER_OK)
    return;
  fprintf(stderr, "%s\n", status.message);
  exit(status.code);
}

/// A line of /proc/self/status, "VmRSS:", in bytes.
static unsigned long long procBytes(const char *name) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  unsigned long long kib = 0;
  while (file && fgets(line, sizeof line, file))
    if (strncmp(line, name, strlen(name)) == 0)
      kib = strtoull(line + strlen(name), NULL, 10);
  if (file)
    fclose(file);
  return kib * 1024;
}

/// Have the peak counted from what is resident now.
static void resetPeak(void) {
  FILE *file = fopen("/proc/self/clear_refs", "w");
  if (!file || fputs("5", file) < 0 || fclose(file) != 0) {
    perror("/proc/self/clear_refs");
    exit(1);
  }
}

/// Numbers that vary, and classes that are in range.
static void setInput(vernier_session_t *session,
                     const vernier_tensor_info_t *input) {
  unsigned char *data = calloc(1, input->bytes);
  if (input->dtype == VERNIER_F32)
    for (size_t i = 0; i < input->bytes / sizeof(float); ++i)
      ((float *)data)[i] = (float)(i % 7) / 7.0f;
  if (input->classes > 0 && input->dtype == VERNIER_I32)
    for (size_t i = 0; i < input->bytes / sizeof(int); ++i)
      ((int *)data)[i] = (int)(i % (size_t)input->classes);
  check(vernier_session_set_input(session, "step", input->name, data,
                                  input->bytes));
  free(data);
}

static vernier_session_t *start(vernier_plan_t *plan,
                                vernier_device_t *device) {
  vernier_session_t *session;
  check(vernier_session_create(plan, device, /*seed=*/1, &session));
  size_t count;
  const vernier_tensor_info_t *inputs;
  check(vernier_plan_entry_inputs(plan, "step", &count, &inputs));
  for (size_t i = 0; i < count; ++i)
    setInput(session, &inputs[i]);
  for (int i = 0; i < 2; ++i)
    check(vernier_session_run(session, "step"));
  return session;
}

int main(int argc, char **argv) {
  if (argc < 4 || argc > 5)
    return fprintf(stderr, "usage: %s PLAN DEVICE STEPS [WARM-UP-PLAN]\n",
                   argv[0]),
           2;
  vernier_device_t *device;
  check(vernier_device_create(argv[2], &device));
  if (argc == 5) {
    vernier_plan_t *warmUp;
    check(vernier_plan_load(argv[4], &warmUp));
    vernier_session_release(start(warmUp, device));
    vernier_plan_release(warmUp);
  }

  vernier_plan_t *plan;
  vernier_memory_info_t memory;
  check(vernier_plan_load(argv[1], &plan));
  check(vernier_session_plan_memory(plan, device, &memory));
  resetPeak();
  unsigned long long resident = procBytes("VmRSS:");
  vernier_session_t *session = start(plan, device);
  unsigned long allocations = vernier_test_allocations();
  for (int i = atoi(argv[3]); i > 0; --i)
    check(vernier_session_run(session, "step"));
  allocations = vernier_test_allocations() - allocations;
  printf("allocations=%lu\nplanned=%llu\ngrown=%llu\n", allocations,
         (unsigned long long)memory.total_bytes,
         procBytes("VmHWM:") - resident);

  vernier_session_release(session);
  vernier_plan_release(plan);
  vernier_device_release(device);
  return 0;
}
