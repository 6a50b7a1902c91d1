//===- CommandLine.h - What the compiler's tools share of a command line
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_PIPELINES_COMMANDLINE_H
#define VERNIER_PIPELINES_COMMANDLINE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"

namespace vernier {

/// Exit codes that scripts can rely on; those of vernier-run.
inline constexpr int kExitOk = 0, kExitFailed = 1, kExitUsage = 2,
                     kExitBadInput = 3, kExitResources = 5;

/// Print "TOOL: error: MESSAGE" and where to find help; returns kExitUsage.
int printUsageError(llvm::StringRef tool, const llvm::Twine &message);

/// Parse the flags that `tool` declares. What is wrong with them is printed as
/// vernier-run prints it, and the code to exit with returned.
int parseCommandLine(int argc, char **argv, llvm::StringRef tool,
                     llvm::StringRef overview);

} // namespace vernier

#endif // VERNIER_PIPELINES_COMMANDLINE_H
