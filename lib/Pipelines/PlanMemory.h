//===- PlanMemory.h - What the memory of a plan holds
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_PIPELINES_PLANMEMORY_H
#define VERNIER_LIB_PIPELINES_PLANMEMORY_H

#include "vernier/Dialect/Amp/Transforms/Explain.h"

namespace vernier {

/// The states of a plan, and the arena of each entry at the moment when most of
/// it is in use, by what they hold and in which type. For stage `plan`.
std::vector<amp::MemoryRow> collectMemory(mlir::ModuleOp module);

} // namespace vernier

#endif // VERNIER_LIB_PIPELINES_PLANMEMORY_H
