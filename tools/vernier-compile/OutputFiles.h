//===- OutputFiles.h - Files written whole or not at all
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TOOLS_VERNIERCOMPILE_OUTPUTFILES_H
#define VERNIER_TOOLS_VERNIERCOMPILE_OUTPUTFILES_H

#include <string>
#include <vector>

namespace vernier {

struct OutputFile {
  std::string path; ///< "-" is standard output.
  std::string bytes;
};

/// Write all of `files` or, where one cannot be written, none: each is complete
/// beside its place before the first takes it. Pipes and devices, which have no
/// beside, come last. Returns the exit code; a failure is on stderr.
int writeFiles(const std::vector<OutputFile> &files);

} // namespace vernier

#endif // VERNIER_TOOLS_VERNIERCOMPILE_OUTPUTFILES_H
