//===- EmitKernels.cpp - Replaces a module's fusions by their kernels
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Codegen/Kernel.h"
#include "vernier/Codegen/Passes.h"
#include "vernier/Target/IR/TargetDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/SymbolTable.h"

namespace vernier {
#define GEN_PASS_DEF_EMITKERNELSPASS
#include "vernier/Codegen/Passes.h.inc"
} // namespace vernier

using namespace mlir;
using namespace vernier;

namespace {

struct EmitKernelsPass : vernier::impl::EmitKernelsPassBase<EmitKernelsPass> {
  using EmitKernelsPassBase::EmitKernelsPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<const TargetModel *> target = getDeviceTarget(module);
    if (failed(target))
      return signalPassFailure();
    OwningOpRef<ModuleOp> kernels = ModuleOp::create(module.getLoc());
    for (auto function : module.getOps<FunctionOpInterface>())
      if (failed(emitKernelsOf(function, **target, *kernels)))
        return signalPassFailure();
    if (lower && failed(lowerKernelsToLLVM(*kernels)))
      return signalPassFailure();
    module.getBodyRegion().takeBody(kernels->getBodyRegion());
  }

private:
  LogicalResult emitKernelsOf(FunctionOpInterface function,
                              const TargetModel &target, ModuleOp kernels) {
    int64_t count = 0;
    WalkResult walk = function.walk([&](train::FusionOp fusion) {
      std::string name = function.getName().str();
      if (count++ > 0)
        name += "_" + std::to_string(count);
      return WalkResult(emitCpuKernel(fusion, name, target, kernels));
    });
    return failure(walk.wasInterrupted());
  }
};

} // namespace
