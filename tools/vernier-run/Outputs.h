//===- Outputs.h - Files that a run will write at its end
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUN_OUTPUTS_H
#define VERNIER_RUN_OUTPUTS_H

#include <cstdint>
#include <string>

namespace vernier::run {

/// Throws a resources Failure unless a file of `bytes` bytes can be written
/// beside `path` and take its place. Leaves nothing behind: better to know
/// before the work than after it.
void requireWritable(const std::string &path, uint64_t bytes);

} // namespace vernier::run

#endif // VERNIER_RUN_OUTPUTS_H
