//===- Remarks.h - What passes say of their decisions
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TOOLS_VERNIERCOMPILE_REMARKS_H
#define VERNIER_TOOLS_VERNIERCOMPILE_REMARKS_H

#include "mlir/IR/MLIRContext.h"

namespace vernier {

/// Have the remarks of `context` whose category matches the regular expression
/// `categories` printed as diagnostics: "model.mlir:8:10: remark:
/// [amp-repair-unsafe-patterns] log(sigmoid(x)) is now -softplus(-x) (the
/// logarithm of 0)".
void printRemarks(mlir::MLIRContext &context, llvm::StringRef categories);

} // namespace vernier

#endif // VERNIER_TOOLS_VERNIERCOMPILE_REMARKS_H
