//===- LibraryCheck.cpp - Whether oneDNN has what a plan calls
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Asks oneDNN for the descriptors that a session would make primitives of. No
// primitive is made, nothing is executed, and no code of the plan is loaded.
//
//===----------------------------------------------------------------------===//

#include "Runtime/Host/MatmulLibrary.h"
#include "Runtime/PlanVerifier.h"
#include "vernier-c/library.h"

#include <set>

using namespace vernier;
using namespace vernier::runtime;

/// All that a call asks oneDNN for, so that equal layers are asked for once.
using Key = std::vector<int64_t>;

template <typename Numbers> static void append(Key &key, const Numbers &list) {
  key.push_back(int64_t(list.size()));
  key.insert(key.end(), list.begin(), list.end());
}

static void append(Key &key, const BoundBuffer &buffer) {
  key.push_back(buffer.dtype);
  append(key, buffer.shape);
}

static Key makeKey(const schema::Matmul &c) {
  return {int64_t(c.m()),      int64_t(c.n()),      int64_t(c.k()),
          int64_t(c.lhs_ld()), int64_t(c.rhs_ld()), int64_t(c.result_ld()),
          int64_t(c.tile_m()), int64_t(c.tile_n()), c.transpose_lhs(),
          c.transpose_rhs()};
}

static Key makeKey(const schema::Convolution &c) {
  Key key{int64_t(c.kind()), int64_t(c.groups()), int64_t(c.tile())};
  for (const auto *list : {c.strides(), c.padding(), c.dilation()})
    append(key, *list);
  return key;
}

/// With the buffers that it reads and writes.
static Key withBuffers(Key key, const schema::Call &call,
                       const std::vector<BoundBuffer> &buffers) {
  for (const auto *list : {call.inputs(), call.results()})
    for (uint32_t index : *list)
      append(key, buffers[index]);
  return key;
}

/// The buffers of an entry, without memory.
static std::vector<BoundBuffer> describeBuffers(const schema::Entry &entry) {
  std::vector<BoundBuffer> buffers;
  for (const schema::Buffer *buffer : *entry.buffers())
    buffers.push_back({nullptr,
                       0,
                       toDType(buffer->dtype()),
                       {buffer->shape()->begin(), buffer->shape()->end()}});
  return buffers;
}

static Status checkCall(const schema::Call &call,
                        const std::vector<BoundBuffer> &buffers,
                        std::set<Key> &known, const dnnl::engine &engine) {
  auto isNew = [&](Key key) {
    return known.insert(withBuffers(std::move(key), call, buffers)).second;
  };
  if (const schema::Matmul *matmul = call.operation_as_Matmul())
    return isNew(makeKey(*matmul)) ? checkMatmul(call, buffers, engine)
                                   : Status();
  if (const schema::Convolution *convolution = call.operation_as_Convolution())
    return isNew(makeKey(*convolution))
               ? checkConvolution(call, buffers, engine)
               : Status();
  return {};
}

static Status checkLibrary(const schema::Plan &plan) {
  dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  std::set<Key> known;
  for (const schema::Entry *entry : *plan.entries()) {
    std::vector<BoundBuffer> buffers = describeBuffers(*entry);
    for (const schema::Call *call : *entry->calls()) {
      Status status = checkCall(*call, buffers, known, engine);
      if (!status.ok())
        return {status.getCode(),
                join(describeCall(*call), ": ", status.getMessage())};
    }
  }
  return {};
}

vernier_status_t vernier_plan_check_library(const vernier_plan_t *plan) {
  return guarded([&]() -> Status {
    if (!plan)
      return invalidArgument("vernier_plan_check_library: plan is null");
    return checkLibrary(*plan->schema);
  });
}
