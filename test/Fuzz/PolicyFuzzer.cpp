//===- PolicyFuzzer.cpp - Any text as a policy
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SmallModel.h"
#include "TextFuzzer.h"

using namespace vernier;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string model =
      fuzz::writeScratch("model.mlir", fuzz::smallModel);
  std::string policy = fuzz::writeScratch("policy.yaml", {data, data + size});
  DriverOptions options = fuzz::makeOptions(model, policy);
  options.emit = Stage::Amp;
  fuzz::compile(options);
  return 0;
}
