//===- Outputs.h - Files that a run will write
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_OUTPUTS_H
#define VERNIER_RUN_OUTPUTS_H

#include "Options.h"

#include <cstdint>
#include <string>

namespace vernier::run {

/// Throws a usage Failure if a file to be written is one that is read, or two
/// are the same, under whatever names.
void refuseOverwriting(const Options &options);

/// Throws a resources Failure unless a file of `bytes` bytes can be written
/// beside `path` and take its place. Leaves nothing behind: better to know
/// before the work than after it.
void requireWritable(const std::string &path, uint64_t bytes);

} // namespace vernier::run

#endif // VERNIER_RUN_OUTPUTS_H
