//===- InputFiles.h - Files that are read
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_COMPILE_INPUTFILES_H
#define VERNIER_COMPILE_INPUTFILES_H

#include "llvm/ADT/StringRef.h"

namespace vernier {

/// Whether `path` can be read to its end without waiting: it is a file. Says
/// otherwise what it is; `what` is its part, "profile". "-" is stdin.
bool checkInputFile(llvm::StringRef what, llvm::StringRef path);

} // namespace vernier

#endif // VERNIER_COMPILE_INPUTFILES_H
