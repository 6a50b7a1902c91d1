//===- Verbs.h - What vernier-run can be asked to do
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_VERBS_H
#define VERNIER_RUN_VERBS_H

#include "Options.h"
#include "Terminal.h"

namespace vernier::run {

// Each verb returns the exit code and throws a Failure.
int train(const Options &options, Terminal &terminal);
int info(const Options &options, Terminal &terminal);
int evaluate(const Options &options, Terminal &terminal);
int predict(const Options &options, Terminal &terminal);
int bench(const Options &options, Terminal &terminal);

} // namespace vernier::run

#endif // VERNIER_RUN_VERBS_H
