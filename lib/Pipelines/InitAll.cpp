//===- InitAll.cpp - Registers everything that Vernier's compiler knows
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Pipelines/InitAll.h"

#include "vernier/Codegen/Passes.h"
#include "vernier/Conversion/Passes.h"
#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Transforms/Passes.h"
#include "vernier/Dialect/Plan/IR/PlanDialect.h"
#include "vernier/Dialect/Plan/Transforms/Passes.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Dialect/Train/Transforms/Passes.h"
#include "vernier/Interfaces/ExternalModels/ExternalModels.h"
#include "vernier/Pipelines/Passes.h"
#include "vernier/Target/IR/TargetDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void vernier::registerInputDialects(DialectRegistry &registry) {
  registry
      .insert<arith::ArithDialect, math::MathDialect, tensor::TensorDialect,
              func::FuncDialect, ml_program::MLProgramDialect,
              train::TrainDialect, amp::AmpDialect, target::TargetDialect>();
  func::registerInlinerExtension(registry);
  registerArithExternalModels(registry);
  registerMathExternalModels(registry);
  registerTensorExternalModels(registry);
  registerSliceExternalModels(registry);
  registerRangeExternalModels(registry);
}

void vernier::registerAllDialects(DialectRegistry &registry) {
  registerInputDialects(registry);
  registry.insert<plan::PlanDialect, LLVM::LLVMDialect, scf::SCFDialect,
                  vector::VectorDialect, cf::ControlFlowDialect>();
}

void vernier::registerAllPasses() {
  registerPipelinesPasses();
  registerConversionPasses();
  plan::registerPlanPasses();
  registerTransformsPasses();
  train::registerTrainPasses();
  amp::registerAmpPasses();
  registerCodegenPasses();
}
