//===- TextFuzzer.h - What the fuzzers of the compiler share
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TEST_FUZZ_TEXTFUZZER_H
#define VERNIER_TEST_FUZZ_TEXTFUZZER_H

#include "Driver.h"

#include <string>

namespace vernier::fuzz {

/// A file of this process under `name`, with `content`; returns its path. It is
/// removed at exit.
std::string writeScratch(const std::string &name, const std::string &content);

/// Run the compiler as vernier-compile does with these options, writing to a
/// scratch file. Exit codes other than 0 to 3 and 5 abort.
void compile(DriverOptions options);

/// Options of a compile of `model`, a path, with a policy.
DriverOptions makeOptions(const std::string &model, const std::string &policy);

} // namespace vernier::fuzz

#endif // VERNIER_TEST_FUZZ_TEXTFUZZER_H
