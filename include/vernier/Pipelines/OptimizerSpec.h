//===- OptimizerSpec.h - The --optimizer flag
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_PIPELINES_OPTIMIZERSPEC_H
#define VERNIER_PIPELINES_OPTIMIZERSPEC_H

#include "llvm/Support/Error.h"

#include <string>

namespace vernier {

/// What `--optimizer=adamw,lr=1e-3,...` says: a name, then settings of
/// --train-attach-optimizer by the same names.
struct OptimizerSpec {
  /// As it was written.
  std::string text = "adamw";
  /// "optimizer=adamw lr=1e-3 ...", the pass options.
  std::string passOptions = "optimizer=adamw";
  /// Which parameters it has, if not all: a regular expression, and the name of
  /// their group.
  std::string parameters, group;

  /// Parse the flag. Keys are those of the pass, with '-' or '_'; an unknown
  /// one is an error that names the nearest, and so is one that comes twice.
  static llvm::Expected<OptimizerSpec> parse(llvm::StringRef text);
};

/// The candidate nearest to `name` by edit distance, or "" if none is near.
llvm::StringRef findNearest(llvm::StringRef name,
                            llvm::ArrayRef<llvm::StringRef> candidates);

/// "FLAG: unknown WHAT 'NAME'", the nearest candidate, and all of them.
llvm::Error makeUnknown(llvm::StringRef flag, llvm::StringRef what,
                        llvm::StringRef name,
                        llvm::ArrayRef<llvm::StringRef> candidates);
/// The same where the caller knows which is meant, or "".
llvm::Error makeUnknown(llvm::StringRef flag, llvm::StringRef what,
                        llvm::StringRef name,
                        llvm::ArrayRef<llvm::StringRef> candidates,
                        llvm::StringRef nearest);

} // namespace vernier

#endif // VERNIER_PIPELINES_OPTIMIZERSPEC_H
