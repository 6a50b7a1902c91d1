//===- PlanVerifier.h - Checks of what a plan says
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_PLANVERIFIER_H
#define VERNIER_RUNTIME_PLANVERIFIER_H

#include "Runtime/Status.h"
#include "vernier-c/plan_generated.h"

#include <string>
#include <vector>

namespace vernier::runtime {

/// Bytes of a dense tensor; fails for an unknown dtype, an extent below 1, or
/// more bytes than an address can hold.
bool computeBytes(schema::DType dtype,
                  const flatbuffers::Vector<int64_t> &shape, uint64_t &bytes);

/// Whether a name is not empty, not absurdly long, and the same as a C string.
bool isName(const flatbuffers::String &name);

/// The title of a call of a plan (vernier/Runtime/CallTitle.h), for messages;
/// empty if the plan says nothing that can be shown.
std::string describeCall(const schema::Call &call);

/// The states: names, types, initialisers, places.
Status verifyStates(const schema::Plan &plan);

/// One entry: ports, buffers, calls. Adds the kernels that it launches.
Status verifyEntry(const schema::Plan &plan, const schema::Entry &entry,
                   std::vector<std::string> &kernels);

/// One call of an entry whose buffers were verified. (CallVerifier.cpp)
Status verifyCall(const schema::Entry &entry, const schema::Call &call,
                  std::vector<std::string> &kernels);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_PLANVERIFIER_H
