//===- ExpandComposites.cpp - Replaces composites by primitives
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Replaces each op that FusionOpInterface calls a composite by what it expands
// into, until only primitives are left. Ops built for an op of reverse mode
// keep its `train.backward`.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/Transforms/Passes.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace vernier::train {
#define GEN_PASS_DEF_TRAINEXPANDCOMPOSITESPASS
#include "vernier/Dialect/Train/Transforms/Passes.h.inc"
} // namespace vernier::train

using namespace mlir;
using namespace vernier;
using namespace vernier::train;

namespace {

/// Remembers what an expansion built.
struct Recorder : OpBuilder::Listener {
  void notifyOperationInserted(Operation *op, OpBuilder::InsertPoint) override {
    built.push_back(op);
  }
  SmallVector<Operation *> built;
};

struct ExpandCompositesPass
    : train::impl::TrainExpandCompositesPassBase<ExpandCompositesPass> {
  void runOnOperation() override {
    SmallVector<Operation *> worklist;
    auto addIfComposite = [&](Operation *op) {
      auto fusible = dyn_cast<FusionOpInterface>(op);
      if (fusible && fusible.getFusionKind() == FusionKind::Composite)
        worklist.push_back(op);
    };
    getOperation()->walk(addIfComposite);
    while (!worklist.empty()) {
      Operation *op = worklist.pop_back_val();
      for (Operation *built : expand(op))
        addIfComposite(built);
    }
  }

  /// Replace `op` by its expansion; the ops that this built.
  SmallVector<Operation *> expand(Operation *op) {
    Recorder recorder;
    OpBuilder builder(op->getContext(), &recorder);
    builder.setInsertionPoint(op);
    FailureOr<SmallVector<Value>> values =
        cast<FusionOpInterface>(op).expand(builder);
    if (failed(values))
      return {};
    if (Attribute backward = op->getDiscardableAttr(kBackwardAttr))
      for (Operation *built : recorder.built)
        built->setDiscardableAttr(kBackwardAttr, backward);
    op->replaceAllUsesWith(*values);
    op->erase();
    return std::move(recorder.built);
  }
};

} // namespace
