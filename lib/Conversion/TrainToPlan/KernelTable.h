//===- KernelTable.h - The distinct fusions of a module
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_CONVERSION_TRAINTOPLAN_KERNELTABLE_H
#define VERNIER_CONVERSION_TRAINTOPLAN_KERNELTABLE_H

#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Target/TargetModel.h"

#include "mlir/IR/BuiltinOps.h"

#include <map>
#include <vector>

namespace vernier {

/// Collects fusions as functions of a nested module `@kernels`; equal fusions
/// share one function, so that a model of many equal layers compiles each once.
class KernelTable {
public:
  struct Kernel {
    std::string name;
    int64_t grid, grain;
  };

  explicit KernelTable(mlir::ModuleOp module);

  /// The kernel for `fusion` of the entry `entry`, new or found.
  Kernel add(train::FusionOp fusion, llvm::StringRef entry,
             const TargetModel &target);

private:
  /// All that makes two fusions equal: uniqued pointers and value numbers.
  using Key = std::vector<const void *>;
  static Key makeKey(train::FusionOp fusion);

  mlir::ModuleOp kernels;
  std::map<Key, Kernel> known;
};

} // namespace vernier

#endif // VERNIER_CONVERSION_TRAINTOPLAN_KERNELTABLE_H
