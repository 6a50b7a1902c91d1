//===- CommandLine.cpp - What the compiler's tools share of a command line
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Pipelines/CommandLine.h"

#include "vernier/Pipelines/OptimizerSpec.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

#include <sys/mman.h>
#include <unistd.h>

using namespace llvm;
using namespace vernier;

int vernier::printUsageError(StringRef tool, const Twine &message) {
  WithColor::error(errs(), tool)
      << message << "\n  see " << tool << " --help\n";
  return kExitUsage;
}

/// How LLVM ends some messages, and what it means.
static constexpr std::pair<StringRef, StringRef> kEndings[] = {
    {" value invalid for uint argument!",
     " is not a whole number from 0 to 4294967295"},
    {" is invalid value for boolean argument! Try 0 or 1",
     " is neither true nor false"},
    {"requires a value!", "needs a value"},
    {"!", ""}};

/// One message of LLVM's parser, "for the --accumulate option: 'x' value
/// invalid for uint argument!", as "--accumulate: 'x' is not a whole number".
static std::string reword(StringRef message) {
  std::string flag;
  if (message.consume_front("for the ")) {
    auto [name, rest] = message.split(" option: ");
    flag = (name + ": ").str();
    message = rest;
  }
  message = message.split("  Try: ").first;
  if (message.consume_front("Unknown command line argument "))
    return ("unknown flag " + message.rtrim('.')).str();
  for (auto [ending, meaning] : kEndings)
    if (message.consume_back(ending))
      return flag + (message + meaning).str();
  return flag + message.str();
}

namespace {

/// Keeps what is written to standard error while it lives: a flag of LLVM
/// prints there what is wrong with its value, whatever stream the parser was
/// given.
class CapturedErrors {
public:
  CapturedErrors() : saved(dup(STDERR_FILENO)), file(memfd_create("", 0)) {
    if (saved >= 0 && file >= 0)
      dup2(file, STDERR_FILENO);
  }
  ~CapturedErrors() {
    close(saved);
    close(file);
  }

  /// End it; what was written since.
  std::string take() {
    if (saved < 0 || file < 0)
      return "";
    dup2(saved, STDERR_FILENO);
    std::string text(lseek(file, 0, SEEK_END), 0);
    ssize_t size = pread(file, text.data(), text.size(), 0);
    text.resize(std::max<ssize_t>(size, 0));
    return text;
  }

private:
  int saved, file;
};

} // namespace

/// "; did you mean '--policy=bf16'?" from LLVM's line, unless it is far from
/// the message's flag: LLVM always has a nearest one.
static std::string getSuggestion(StringRef message, StringRef line) {
  StringRef given = message.split("'").second.split("'").first;
  StringRef nearest = line.split("'").second.split("'").first;
  if (!line.starts_with("Did you mean ") ||
      findNearest(given, {nearest}).empty())
    return "";
  return ("; did you mean '" + nearest + "'?").str();
}

int vernier::parseCommandLine(int argc, char **argv, StringRef tool,
                              StringRef overview) {
  CapturedErrors errors;
  bool isParsed = cl::ParseCommandLineOptions(argc, argv, overview, &errs());
  std::string text = errors.take();
  if (isParsed) {
    errs() << text;
    return kExitOk;
  }
  // A line for each flag that is wrong, the flag that may have been meant in
  // the next one. The first says what to do.
  SmallVector<StringRef> lines;
  StringRef(text).split(lines, '\n', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef &line : lines)
    line.consume_front((tool + ": ").str());
  lines.resize(std::max<size_t>(lines.size(), 2));
  std::string message = reword(lines[0]);
  return printUsageError(tool, message + getSuggestion(message, lines[1]));
}
