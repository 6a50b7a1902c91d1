//===- ObjectFuzzer.cpp - Any bytes as machine code
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What stands between bytes from a plan and the processor. Nothing is run.
//
//===----------------------------------------------------------------------===//

#include "Runtime/KernelObject.h"

using namespace vernier::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  (void)checkObject(data, size, {"add", "twice", "narrow"});
  (void)checkObjectMachine(data, size);
  return 0;
}
