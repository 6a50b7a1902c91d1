//===- ModelWarnings.h - What compiles, though it is hardly meant
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_PIPELINES_MODELWARNINGS_H
#define VERNIER_LIB_PIPELINES_MODELWARNINGS_H

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <utility>
#include <vector>

namespace vernier {

/// A state by its name and where it is defined.
using NamedLocation = std::pair<std::string, mlir::Location>;

/// Warn of states that no function reads, and of such that no optimizer will
/// change though they look so. Returns the parameters that some function names.
std::vector<NamedLocation> warnOfStates(mlir::ModuleOp module);

/// After import has dropped what no result depends on: warn of each of
/// `parameters` that is gone, and fail if none of a model that trains is left.
mlir::LogicalResult
checkParameters(mlir::ModuleOp module,
                const std::vector<NamedLocation> &parameters);

/// Warn of norms and softmax over one value, whose results do not depend on it.
void warnOfStatistics(mlir::ModuleOp module);

} // namespace vernier

#endif // VERNIER_LIB_PIPELINES_MODELWARNINGS_H
