//===- Passes.td - Conversions between dialects
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_CONVERSION_PASSES_TD
#define VERNIER_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // VERNIER_CONVERSION_PASSES_TD
