//===- Signals.cpp - Ctrl-C
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Signals.h"

#include "Failure.h"

#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t signalCount = 0;

static void onSignal(int) {
  if (signalCount++ > 0)
    _exit(vernier::run::Interrupted);
}

void vernier::run::installSignalHandlers() {
  struct sigaction action{};
  action.sa_handler = onSignal;
  action.sa_flags = SA_RESTART; // a checkpoint being written goes on
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGXFSZ, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
}

bool vernier::run::interrupted() { return signalCount > 0; }

void vernier::run::throwIfInterrupted() {
  if (interrupted())
    throw Failure(Interrupted, "interrupted; nothing was written");
}
