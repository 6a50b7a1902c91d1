//===- ModelFuzzer.cpp - Any text as a model
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The whole compiler, up to the plan file.
//
//===----------------------------------------------------------------------===//

#include "TextFuzzer.h"

#include <iterator>

using namespace vernier;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const policies[] = {"bf16", "f16", "f32", "tf32"};
  std::string path = fuzz::writeScratch("model.mlir", {data, data + size});
  // The input alone decides, so that one that fails fails again.
  size_t sum = 0;
  for (size_t i = 0; i < size; ++i)
    sum += data[i];
  fuzz::compile(fuzz::makeOptions(path, policies[sum % std::size(policies)]));
  return 0;
}
