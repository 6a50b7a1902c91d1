//===- SafetensorsFuzzer.cpp - Any bytes as a tensor file
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Runtime/Safetensors.h"

#include <cstdlib>

using namespace vernier::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::vector<StoredTensor> tensors;
  if (!readSafetensors(data, size, tensors).ok())
    return 0;
  // What it promises to lie within the file does.
  for (const StoredTensor &tensor : tensors)
    if (tensor.data < data || tensor.data + tensor.bytes > data + size)
      std::abort();
  return 0;
}
