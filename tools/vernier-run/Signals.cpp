//===- Signals.cpp - Ctrl-C, and what else ends a run
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

static volatile sig_atomic_t signalCount = 0, hangUps = 0;

static void onSignal(int number) {
  // A terminal that closes sends SIGHUP, and so does its shell: nobody is in a
  // hurry.
  if (number == SIGHUP)
    hangUps = 1;
  else if (signalCount++ > 0)
    _exit(vernier::run::Interrupted);
}

void vernier::run::installSignalHandlers() {
  struct sigaction action{};
  action.sa_handler = onSignal;
  action.sa_flags = SA_RESTART; // a checkpoint being written goes on
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // Under nohup it is ignored, and stays so.
  struct sigaction old{};
  if (sigaction(SIGHUP, nullptr, &old) == 0 && old.sa_handler != SIG_IGN)
    sigaction(SIGHUP, &action, nullptr);
  signal(SIGXFSZ, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
}

bool vernier::run::interrupted() { return signalCount + hangUps > 0; }

void vernier::run::throwIfInterrupted() {
  if (interrupted())
    throw Failure(Interrupted, "interrupted; nothing was written");
}
