//===- Forward.h - The functions that autocast works on
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_AMP_TRANSFORMS_FORWARD_H
#define VERNIER_DIALECT_AMP_TRANSFORMS_FORWARD_H

#include "vernier/Dialect/Train/IR/States.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace vernier::amp {

/// `@loss`, `@predict` and every other public function with a body, except
/// `@step`, `@accumulate` and `@refresh`, which are derived from them.
inline llvm::SmallVector<mlir::FunctionOpInterface>
getForwardFunctions(mlir::ModuleOp module) {
  llvm::SmallVector<mlir::FunctionOpInterface> functions;
  for (auto function : module.getOps<mlir::FunctionOpInterface>())
    if (function.isPublic() && !function.isExternal() &&
        function.getName() != "step" && function.getName() != "accumulate" &&
        function.getName() != "refresh")
      functions.push_back(function);
  return functions;
}

/// Whether `value` is made from one parameter, or another state, alone: its
/// gradient is a weight gradient.
inline bool isWeight(mlir::Value value) {
  return train::getSoleState(value) != nullptr;
}

} // namespace vernier::amp

#endif // VERNIER_DIALECT_AMP_TRANSFORMS_FORWARD_H
