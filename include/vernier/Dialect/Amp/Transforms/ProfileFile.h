//===- ProfileFile.h - Whether a profile can be read
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_AMP_TRANSFORMS_PROFILEFILE_H
#define VERNIER_DIALECT_AMP_TRANSFORMS_PROFILEFILE_H

#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/LLVM.h"

namespace vernier::amp {

/// Read a profile (docs/Profiles.md) as the passes that use it will, and emit
/// an error at the line that is wrong.
mlir::LogicalResult checkProfile(llvm::StringRef path,
                                 mlir::MLIRContext *context);

} // namespace vernier::amp

#endif // VERNIER_DIALECT_AMP_TRANSFORMS_PROFILEFILE_H
