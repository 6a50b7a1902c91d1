//===- Nesting.h - How deep a text is nested
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_INTERFACES_NESTING_H
#define VERNIER_INTERFACES_NESTING_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace vernier {

/// Of which language a text is.
enum class Syntax { Mlir, Json, Yaml };

/// The line, from 1, in which `text` is nested too deeply for parsers that call
/// themselves for each level, or 0. Asked before one of them reads the text:
/// they overflow the stack at some thousand levels.
unsigned findDeepNesting(llvm::StringRef text, Syntax syntax);

/// What a message says of it.
std::string describeDeepNesting(Syntax syntax);

} // namespace vernier

#endif // VERNIER_INTERFACES_NESTING_H
