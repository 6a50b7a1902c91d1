//===- PlanFuzzer.cpp - Any bytes as a plan
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The input is a payload; it gets the header and digest of a whole plan, so
// that only the structural checks stand between it and the program. A plan that
// loads is described, and its memory planned; without machine code it is also
// run, if it is small.
//
//===----------------------------------------------------------------------===//

#include "../Unit/Runtime/TestPlan.h"

#include <cstdlib>

using namespace vernier;
using namespace vernier::test;

/// Arenas and states beyond this are planned, but not allocated.
static constexpr uint64_t smallBytes = 1 << 20;

static void describe(const vernier_plan_t *plan, const schema::Plan &table) {
  for (const schema::Entry *entry : *table.entries())
    for (auto getPorts :
         {vernier_plan_entry_inputs, vernier_plan_entry_outputs}) {
      size_t count = 0;
      const vernier_tensor_info_t *ports = nullptr;
      if (getPorts(plan, entry->name()->c_str(), &count, &ports).code)
        std::abort(); // it has named the entry itself
      for (size_t i = 0; i < count; ++i)
        for (size_t dim = 0; dim < ports[i].rank; ++dim)
          if (ports[i].shape[dim] <= 0)
            std::abort();
    }
}

static bool isSmall(const schema::Plan &table) {
  for (const schema::Entry *entry : *table.entries())
    if (entry->arena_bytes() >= smallBytes)
      return false;
  return table.state_bytes() < smallBytes;
}

static void run(vernier_plan_t *plan, vernier_device_t *device,
                const schema::Plan &table) {
  vernier_session_t *session = nullptr;
  (void)vernier_session_create(plan, device, 0, &session);
  for (const schema::Entry *entry : *table.entries())
    (void)vernier_session_run(session, entry->name()->c_str());
  vernier_session_release(session);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static vernier_device_t *device = [] {
    vernier_device_t *created = nullptr;
    (void)vernier_device_create("cpu:1", &created);
    return created;
  }();
  std::vector<uint8_t> file = seal({data, data + size});
  vernier_plan_t *plan = nullptr;
  (void)vernier_plan_load_memory(file.data(), file.size(), &plan);
  if (!plan)
    return 0;
  auto table = schema::GetPlan(vernier_plan_payload(plan, nullptr));
  describe(plan, *table);
  vernier_memory_info_t info;
  (void)vernier_session_plan_memory(plan, device, &info);
  bool hasCode = table->object() && table->object()->size() > 0;
  if (!hasCode && isSmall(*table))
    run(plan, device, *table);
  vernier_plan_release(plan);
  return 0;
}
