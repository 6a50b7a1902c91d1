//===- ImportSlots.h - Where a loaded library looks up what it imports
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_RUNTIME_HOST_IMPORTSLOTS_H
#define VERNIER_RUNTIME_HOST_IMPORTSLOTS_H

#include <string>
#include <utility>
#include <vector>

namespace vernier::runtime {

/// An imported function, by its symbol, and what is to be called instead.
using Import = std::pair<std::string, void *>;

/// Make the shared library that contains `address` call `imports` instead of
/// the functions it was linked to; nobody else's calls change. True if all of
/// them were found and redirected, or else nothing is changed: the file that
/// contains the address is not called `name`.so (the library was linked
/// statically), it imports something else, or the system forbids it.
bool redirectImports(const void *address, const std::string &name,
                     const std::vector<Import> &imports);

} // namespace vernier::runtime

#endif // VERNIER_RUNTIME_HOST_IMPORTSLOTS_H
