//===- main.c - Training inside a C program
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// usage: vernier-embed-example digits.vplan
//
// Trains the perceptron of examples/digits on a batch made here: images with a
// bright row at the place of their label.
//
//===----------------------------------------------------------------------===//

#include "vernier-c/session.h"

#include <stdio.h>
#include <stdlib.h>

static void check(vernier_status_t status) {
  if (status.code == VERNIER_OK)
    return;
  fprintf(stderr, "%s\n", status.message);
  exit(status.code);
}

int main(int argc, char **argv) {
  if (argc != 2)
    return fprintf(stderr, "usage: %s digits.vplan\n", argv[0]), 2;
  static float image[32][64]; // (N, pixels), zeros
  static int32_t label[32];
  for (int n = 0; n < 32; ++n) {
    label[n] = n % 8;
    for (int i = 0; i < 8; ++i)
      image[n][8 * label[n] + i] = 1.0f;
  }

  vernier_plan_t *plan;
  vernier_device_t *device;
  vernier_session_t *session;
  check(vernier_plan_load(argv[1], &plan));
  check(vernier_device_create("cpu", &device));
  check(vernier_session_create(plan, device, /*seed=*/1, &session));

  check(
      vernier_session_set_input(session, "step", "image", image, sizeof image));
  check(
      vernier_session_set_input(session, "step", "label", label, sizeof label));
  for (int step = 1; step <= 100; ++step) {
    float loss;
    check(vernier_session_run(session, "step"));
    check(vernier_session_get_output(session, "step", "loss", &loss,
                                     sizeof loss));
    if (step == 1 || step == 100)
      printf("step %d: loss %.4f\n", step, loss);
  }
  check(vernier_session_save(session, "checkpoints", 100, NULL,
                             (vernier_retention_t){.newest = 3}));

  vernier_session_release(session);
  vernier_device_release(device);
  vernier_plan_release(plan);
  return 0;
}
