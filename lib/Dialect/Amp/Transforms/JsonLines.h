//===- JsonLines.h - Where a value of a JSON text stands
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_JSONLINES_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_JSONLINES_H

#include "llvm/ADT/StringRef.h"

namespace vernier::amp {

/// The line, from 1, of the value that a message of llvm::json is about: of
/// "expected ... at profile.tensors[3].rms" in a text that could be parsed, or
/// of "[LINE:COLUMN, byte=N]: ..." for one that could not. 1 if it tells none.
unsigned findJsonLine(llvm::StringRef text, llvm::StringRef message);

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_JSONLINES_H
