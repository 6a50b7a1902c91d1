//===- Init.h - Weights to start from
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_INIT_H
#define VERNIER_RUN_INIT_H

#include "Options.h"
#include "Runtime.h"
#include "Terminal.h"

namespace vernier::run {

/// Take the weights of --init into a session that has just been created, and
/// say what was left out or converted. Throws a Failure if they do not fit.
void initWeights(Session &session, const Options &options, Terminal &terminal);

} // namespace vernier::run

#endif // VERNIER_RUN_INIT_H
