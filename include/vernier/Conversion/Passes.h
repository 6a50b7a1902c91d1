//===- Passes.h - Conversions between dialects
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_CONVERSION_PASSES_H
#define VERNIER_CONVERSION_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include "vernier/Dialect/Plan/IR/PlanDialect.h"

namespace vernier {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "vernier/Conversion/Passes.h.inc"

} // namespace vernier

#endif // VERNIER_CONVERSION_PASSES_H
