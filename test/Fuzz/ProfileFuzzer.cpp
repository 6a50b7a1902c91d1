//===- ProfileFuzzer.cpp - Any text as a profile, or as an explanation
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both are JSON that another run has written: a profile decides a policy, an
// explanation is printed and compared.
//
//===----------------------------------------------------------------------===//

#include "SmallModel.h"
#include "TextFuzzer.h"

#include "llvm/Support/raw_ostream.h"

using namespace vernier;

static void printExplanation(const std::string &text) {
  llvm::Expected<amp::Explanation> explanation = amp::parseJson(text);
  if (!explanation) {
    llvm::consumeError(explanation.takeError());
    return;
  }
  llvm::raw_null_ostream os;
  amp::printText(*explanation, os);
  amp::printJson(*explanation, os);
  amp::printHtml(*explanation, os);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string model =
      fuzz::writeScratch("model.mlir", fuzz::smallModel);
  std::string text(data, data + size);
  printExplanation(text);
  DriverOptions options = fuzz::makeOptions(model, "auto");
  options.compile.profile = fuzz::writeScratch("profile.json", text);
  options.compile.errorBudget = 0.01;
  options.compile.autoCompute = "bf16";
  options.emit = Stage::Amp;
  fuzz::compile(options);
  return 0;
}
