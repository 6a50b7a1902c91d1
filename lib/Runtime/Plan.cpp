//===- Plan.cpp - Loading plans
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Plan.h"

#include "Runtime/File.h"
#include "Runtime/Hash.h"

#include <cstring>
#include <memory>

using namespace vernier;
using namespace vernier::runtime;

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

static Status checkHeader(const uint8_t *data, size_t size,
                          vernier_plan_header_t &header) {
  if (size < sizeof(header))
    return badFile("not a plan: ", size, " bytes, the header alone has ",
                   sizeof(header), "; compile the model again");
  std::memcpy(&header, data, sizeof(header));
  if (std::memcmp(header.magic, VERNIER_PLAN_MAGIC, sizeof(header.magic)))
    return badFile("not a plan: it does not start with VERNPLAN; write one "
                   "with vernier-compile");
  if (header.version_major != VERNIER_PLAN_VERSION_MAJOR ||
      header.version_minor > VERNIER_PLAN_VERSION_MINOR)
    return badFile("the plan has version ", header.version_major, '.',
                   header.version_minor, ", this runtime reads version ",
                   VERNIER_PLAN_VERSION_MAJOR, ".0 to ",
                   VERNIER_PLAN_VERSION_MAJOR, '.', VERNIER_PLAN_VERSION_MINOR,
                   "; compile the model again with the vernier-compile of this "
                   "release");
  if (header.header_size != sizeof(header))
    return badFile("the plan's header has size ", header.header_size,
                   ", expected ", sizeof(header), "; the file is damaged");
  if (header.payload_size != size - sizeof(header))
    return badFile("the plan is ", size, " bytes, its header says ",
                   header.header_size, " + ", header.payload_size,
                   "; the file is truncated or damaged, copy it again");
  return {};
}

static Status checkDigest(vernier_plan_header_t header, const uint8_t *payload,
                          std::string &digest) {
  uint8_t stated[16];
  std::memcpy(stated, header.digest, 16);
  std::memset(header.digest, 0, 16);
  Hasher hasher;
  hasher.update(&header, sizeof(header));
  hasher.update(payload, header.payload_size);
  Digest actual = hasher.finish();
  digest = toHex(actual.data(), actual.size());
  if (std::memcmp(actual.data(), stated, 16))
    return badFile("the plan's digest is ", toHex(stated, 16),
                   " but its contents have ", digest,
                   "; the file is damaged, copy it again");
  return {};
}

static Tensor toTensor(const schema::Entry &entry, const schema::Port &port) {
  const schema::Buffer *buffer = entry.buffers()->Get(port.buffer());
  return Tensor(port.name()->str(), toDType(buffer->dtype()),
                {buffer->shape()->begin(), buffer->shape()->end()},
                port.classes());
}

static void describePorts(vernier_plan_t &plan) {
  for (const schema::Entry *entry : *plan.schema->entries()) {
    EntryPorts &ports = plan.entries.emplace_back();
    ports.name = entry->name()->str();
    for (const schema::Port *port : *entry->inputs())
      ports.inputs.push_back(toTensor(*entry, *port));
    for (const schema::Port *port : *entry->outputs())
      ports.outputs.push_back(toTensor(*entry, *port));
  }
  // Only now does nothing move any more.
  for (EntryPorts &ports : plan.entries) {
    for (const Tensor &tensor : ports.inputs)
      ports.inputInfos.push_back(tensor.getInfo());
    for (const Tensor &tensor : ports.outputs)
      ports.outputInfos.push_back(tensor.getInfo());
  }
}

static Status load(const uint8_t *data, size_t size, vernier_plan_t **result) {
  vernier_plan_header_t header;
  VERNIER_TRY(checkHeader(data, size, header));
  auto plan = std::make_unique<vernier_plan_t>();
  VERNIER_TRY(checkDigest(header, data + sizeof(header), plan->digest));
  plan->payload.assign(data + sizeof(header), data + size);
  VERNIER_TRY(verifyPlan(plan->payload.data(), plan->payload.size()));
  plan->schema = schema::GetPlan(plan->payload.data());
  if (const auto *constants = plan->schema->constants()) {
    VERNIER_TRY(plan->constants.allocate(constants->size(), "constants"));
    if (constants->size())
      std::memcpy(plan->constants.data(), constants->data(), constants->size());
    plan->constants.protect();
  }
  describePorts(*plan);
  *result = plan.release();
  return {};
}

Status vernier_plan_t::loadKernels(const KernelObject *&object) {
  std::lock_guard<std::mutex> lock(kernelMutex);
  object = &kernels;
  if (kernels.isLoaded() || !schema->object() || schema->object()->size() == 0)
    return {};
  return kernels.load(schema->object()->data(), schema->object()->size());
}

int vernier_plan_t::findEntry(const std::string &name) const {
  for (size_t i = 0; i < entries.size(); ++i)
    if (entries[i].name == name)
      return static_cast<int>(i);
  return -1;
}

//===----------------------------------------------------------------------===//
// C API
//===----------------------------------------------------------------------===//

vernier_status_t vernier_plan_load(const char *path, vernier_plan_t **plan) {
  return guarded([&]() -> Status {
    if (!plan)
      return invalidArgument("vernier_plan_load: plan is null");
    *plan = nullptr;
    if (!path)
      return invalidArgument("vernier_plan_load: path is null");
    std::vector<uint8_t> bytes;
    VERNIER_TRY(readFile(path, bytes));
    Status status = load(bytes.data(), bytes.size(), plan);
    if (status.ok())
      return status;
    return {status.getCode(), join(path, ": ", status.getMessage())};
  });
}

vernier_status_t vernier_plan_load_memory(const void *data, size_t size,
                                          vernier_plan_t **plan) {
  return guarded([&]() -> Status {
    if (!plan)
      return invalidArgument("vernier_plan_load_memory: plan is null");
    *plan = nullptr;
    if (!data)
      return invalidArgument("vernier_plan_load_memory: data is null");
    return load(static_cast<const uint8_t *>(data), size, plan);
  });
}

void vernier_plan_retain(vernier_plan_t *plan) {
  if (plan)
    plan->references.fetch_add(1, std::memory_order_relaxed);
}

void vernier_plan_release(vernier_plan_t *plan) {
  if (plan && plan->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
    delete plan;
}

vernier_status_t vernier_plan_check_machine(const vernier_plan_t *plan) {
  return guarded([&]() -> Status {
    if (!plan)
      return invalidArgument("vernier_plan_check_machine: plan is null");
    return checkMachine(*plan->schema);
  });
}

const void *vernier_plan_payload(const vernier_plan_t *plan, size_t *size) {
  if (size)
    *size = plan ? plan->payload.size() : 0;
  return plan ? plan->payload.data() : nullptr;
}

const char *vernier_plan_digest(const vernier_plan_t *plan) {
  return plan ? plan->digest.c_str() : nullptr;
}

/// Both port queries: `which` selects the list.
static vernier_status_t
getPorts(const char *function, const vernier_plan_t *plan, const char *entry,
         size_t *count, const vernier_tensor_info_t **infos,
         std::vector<vernier_tensor_info_t> EntryPorts::*which) {
  return guarded([&]() -> Status {
    if (!plan || !entry || !count || !infos)
      return invalidArgument(function, ": an argument is null");
    int index = plan->findEntry(entry);
    if (index < 0)
      return invalidArgument("the plan has no entry '", entry, "'");
    const auto &list = plan->entries[index].*which;
    *count = list.size();
    *infos = list.data();
    return {};
  });
}

vernier_status_t
vernier_plan_entry_inputs(const vernier_plan_t *plan, const char *entry,
                          size_t *count, const vernier_tensor_info_t **inputs) {
  return getPorts("vernier_plan_entry_inputs", plan, entry, count, inputs,
                  &EntryPorts::inputInfos);
}

vernier_status_t
vernier_plan_entry_outputs(const vernier_plan_t *plan, const char *entry,
                           size_t *count,
                           const vernier_tensor_info_t **outputs) {
  return getPorts("vernier_plan_entry_outputs", plan, entry, count, outputs,
                  &EntryPorts::outputInfos);
}
