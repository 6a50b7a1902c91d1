//===- Signals.h - Ctrl-C, and what else ends a run
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_SIGNALS_H
#define VERNIER_RUN_SIGNALS_H

namespace vernier::run {

/// From now on SIGHUP and the first SIGINT or SIGTERM only set a flag; the
/// second of these ends the process at once with exit code 130. Files are
/// written so that this is safe at any time. A full disk (SIGXFSZ) or closed
/// pipe (SIGPIPE) becomes an error of the write.
void installSignalHandlers();

/// Whether a signal has come.
bool interrupted();

/// Throws a Failure with exit code 130 if it has.
void throwIfInterrupted();

} // namespace vernier::run

#endif // VERNIER_RUN_SIGNALS_H
