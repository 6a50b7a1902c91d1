//===- Explain.cpp - Prints what runs in which precision, and why
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/Transforms/Explain.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Transforms/Passes.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace vernier::amp {
#define GEN_PASS_DEF_AMPEXPLAINPASS
#include "vernier/Dialect/Amp/Transforms/Passes.h.inc"
} // namespace vernier::amp

using namespace vernier;
using namespace vernier::amp;

namespace {

struct ExplainPass : amp::impl::AmpExplainPassBase<ExplainPass> {
  void runOnOperation() override {
    Explanation explanation;
    explanation.rows = collectDecisions(getOperation());
    printText(explanation, llvm::errs());
    markAllAnalysesPreserved();
  }
};

} // namespace
