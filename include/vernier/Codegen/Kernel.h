//===- Kernel.h - From fusions to CPU kernels
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_CODEGEN_KERNEL_H
#define VERNIER_CODEGEN_KERNEL_H

#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Target/TargetModel.h"

#include "mlir/IR/BuiltinOps.h"

namespace vernier {

/// How a kernel may be split: it covers [0, grid), and every range that it is
/// called with starts at a multiple of `grain` and ends at another or at
/// `grid`.
struct KernelGrid {
  int64_t grid, grain;
};

KernelGrid getKernelGrid(train::FusionOp fusion, const TargetModel &target);

/// Append `llvm.func @name(%args, %begin, %end)` to `kernels`: the fusion's
/// loop nest on f32 vectors, in the `llvm`, `arith`, `math` and `scf` dialects
/// (see vernier-c/kernel.h for the calling convention). Fails with a diagnostic
/// at an op inside that has no lowering.
mlir::LogicalResult emitCpuKernel(train::FusionOp fusion, llvm::StringRef name,
                                  const TargetModel &target,
                                  mlir::ModuleOp kernels);

/// Lower the bodies that emitCpuKernel wrote to the LLVM dialect. Fails with a
/// diagnostic at any op that would call a library.
mlir::LogicalResult lowerKernelsToLLVM(mlir::ModuleOp kernels);

} // namespace vernier

#endif // VERNIER_CODEGEN_KERNEL_H
