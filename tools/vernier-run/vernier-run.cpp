//===- vernier-run.cpp - Trains, evaluates and times plans
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Failure.h"
#include "Signals.h"
#include "Verbs.h"

#include <cstdio>
#include <malloc.h>
#include <map>
#include <new>

using namespace vernier::run;

static int runVerb(const Options &options, Terminal &terminal) {
  static const std::map<std::string, int (*)(const Options &, Terminal &)>
      verbs = {
          {"train", train},     {"info", info},   {"eval", evaluate},
          {"predict", predict}, {"bench", bench},
      };
  return verbs.at(options.verb)(options, terminal);
}

/// Results are data: a full disk or closed pipe behind stdout is a failure.
static int closeOutput(int code, Terminal &terminal) {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout))
    return code;
  terminal.error("cannot write to stdout");
  return code == Ok ? Resources : code;
}

int main(int argc, char **argv) {
  // oneDNN allocates its packing buffers in every step: keep them in the heap
  // instead of asking the kernel for fresh pages each time.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  installSignalHandlers();
  Terminal terminal;
  ExitCode code = Failed;
  std::string result;
  bool started = false;
  try {
    std::optional<Options> options = parseCommandLine(argc, argv);
    if (!options)
      return closeOutput(Ok, terminal);
    started = options->verb != "info";
    return closeOutput(runVerb(*options, terminal), terminal);
  } catch (const Failure &failure) {
    code = failure.code;
    result = failure.result;
    terminal.finishLive();
    terminal.error(failure.what());
    if (code == Usage && !started)
      terminal.print("vernier-run --help shows examples");
  } catch (const std::bad_alloc &) {
    code = Resources;
    terminal.error(
        "out of memory; close other programs or raise the limit (ulimit -v)");
  } catch (const std::exception &error) {
    terminal.error(error.what());
  }
  if (started)
    std::printf("RESULT failed code=%d%s\n", static_cast<int>(code),
                result.c_str());
  return closeOutput(code, terminal);
}
