//===- main.c - The installed library, seen from C
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <vernier-c/vernier.h>

#include <stdio.h>

int main(void) {
  vernier_device_t *device = 0;
  vernier_plan_t *plan = 0;
  vernier_status_t status = vernier_device_create("cpu:2", &device);
  printf("%d %s\n", status.code, vernier_device_description(device));
  vernier_device_release(device);
  status = vernier_plan_load_memory("VERN", 4, &plan);
  printf("%d %s\n", status.code, status.message);
  return 0;
}
