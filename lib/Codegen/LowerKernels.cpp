//===- LowerKernels.cpp - From arith, math and scf on vectors to the LLVM
// dialect
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Codegen/Kernel.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace vernier;

/// Whether LLVM turns the op into instructions on every x86-64-v3: what else is
/// left of math and arith would become a call of the C library.
static bool isInstruction(Operation *op) {
  if (isa<math::MathDialect>(op->getDialect()))
    return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
               math::FloorOp, math::FmaOp, math::RoundEvenOp, math::RoundOp,
               math::SqrtOp, math::TruncOp>(op);
  return !isa<arith::RemFOp>(op);
}

LogicalResult vernier::lowerKernelsToLLVM(ModuleOp kernels) {
  WalkResult walk = kernels.walk([](Operation *op) -> WalkResult {
    if (isInstruction(op))
      return WalkResult::advance();
    return op->emitOpError("has no kernel code: no instruction computes it and "
                           "no polynomial is known; replace it by other "
                           "functions of the math dialect");
  });
  if (walk.wasInterrupted())
    return failure();

  MLIRContext *context = kernels.getContext();
  LLVMTypeConverter converter(context);
  RewritePatternSet patterns(context);
  populateSCFToControlFlowConversionPatterns(patterns);
  cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  populateMathToLLVMConversionPatterns(converter, patterns);
  LLVMConversionTarget conversion(*context);
  conversion.addIllegalDialect<arith::ArithDialect, cf::ControlFlowDialect,
                               math::MathDialect, scf::SCFDialect>();
  return applyPartialConversion(kernels, conversion, std::move(patterns));
}
