//===- SafetensorsFuzzer.cpp - Any bytes as a tensor file
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Unit/Runtime/TestPlan.h"
#include "Runtime/Safetensors.h"

#include <cstdlib>

using namespace vernier;
using namespace vernier::runtime;

/// A session that starts from what the input holds.
static vernier_session_t *makeSession() {
  std::vector<uint8_t> file = test::makeTrainingPlan().build();
  vernier_plan_t *plan = nullptr;
  vernier_device_t *device = nullptr;
  vernier_session_t *session = nullptr;
  (void)vernier_plan_load_memory(file.data(), file.size(), &plan);
  (void)vernier_device_create("cpu:1", &device);
  (void)vernier_session_create(plan, device, 1, &session);
  vernier_device_release(device);
  vernier_plan_release(plan);
  if (!session)
    std::abort();
  return session;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static vernier_session_t *session = makeSession();
  vernier_weights_options_t partial = {};
  partial.partial = 1;
  for (const vernier_weights_options_t *options :
       {static_cast<const vernier_weights_options_t *>(nullptr),
        static_cast<const vernier_weights_options_t *>(&partial)})
    (void)vernier_session_load_weights_memory(session, data, size, "input",
                                              options);
  std::vector<StoredTensor> tensors;
  if (!readSafetensors(data, size, tensors).ok())
    return 0;
  // What it promises to lie within the file does.
  for (const StoredTensor &tensor : tensors)
    if (tensor.data < data || tensor.data + tensor.bytes > data + size)
      std::abort();
  return 0;
}
