//===- Status.cpp - Status messages of the C API
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Status.h"

using namespace vernier::runtime;

vernier_status_t vernier::runtime::toC(Status status) {
  if (status.ok() && status.getMessage().empty())
    return {VERNIER_OK, nullptr};
  thread_local std::string message;
  message = status.getMessage();
  return {status.getCode(), message.c_str()};
}
