//===- Diff.cpp - Which decisions differ between two explanations
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "InputFiles.h"
#include "OutputFiles.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace vernier;

/// An explanation from what --explain=json wrote, or by compiling a model,
/// which `isCompiled` then says. A model does not begin with a brace.
static int readSide(const DriverOptions &options, amp::Explanation &explanation,
                    bool &isCompiled) {
  if (!checkInputFile("", options.inputFile))
    return kExitBadInput;
  auto file = MemoryBuffer::getFile(options.inputFile);
  if (!file) {
    printError() << "cannot read '" << options.inputFile
                 << "': " << file.getError().message() << "\n";
    return kExitBadInput;
  }
  StringRef text = (*file)->getBuffer();
  if (!text.ltrim().starts_with("{")) {
    isCompiled = true;
    return explainModel(options, explanation);
  }
  Expected<amp::Explanation> parsed = amp::parseJson(text);
  if (!parsed) {
    printError() << "cannot read '" << options.inputFile
                 << "': " << toString(parsed.takeError()) << "\n";
    return kExitBadInput;
  }
  explanation = std::move(*parsed);
  return kExitOk;
}

int vernier::runDiff(const DriverOptions &options,
                     const std::vector<std::string> &inputs) {
  amp::Explanation sides[2];
  bool isCompiled = false;
  for (int i : {0, 1}) {
    DriverOptions side = options;
    // A model and two policies, or two files.
    side.inputFile = inputs.size() == 3 ? inputs[0] : inputs[i];
    if (inputs.size() == 3)
      side.compile.policy = inputs[i + 1];
    if (int code = readSide(side, sides[i], isCompiled))
      return code;
  }
  if (!isCompiled && !options.compileFlags.empty())
    return printUsageError("vernier-compile",
                           "--diff compares two explanations and compiles "
                           "nothing: drop " +
                               join(options.compileFlags, ", "));
  std::string text;
  raw_string_ostream os(text);
  amp::printDifference(sides[0], sides[1], os);
  return writeFiles(
      {{options.outputFile.empty() ? "-" : options.outputFile, text}});
}
