//===- ShareLoads.cpp - Loads every state once
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loads of one global with no store to it in between give one value. Upstream's
// cse knows globals only as memory: it looks at every op between two loads for
// one that writes anything, in time that grows with the square of a step's
// length, and in a step finds one: the counter's store. Here each op is looked
// at once, and another global's store is in nobody's way.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Train/Transforms/Passes.h"

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

namespace vernier::train {
#define GEN_PASS_DEF_TRAINSHARELOADSPASS
#include "vernier/Dialect/Train/Transforms/Passes.h.inc"
} // namespace vernier::train

using namespace mlir;
using namespace vernier;
using ml_program::GlobalLoadOp;
using ml_program::GlobalStoreOp;

/// Whether `op` may store globals out of sight.
static bool mayStoreAnything(Operation &op) {
  return op.getNumRegions() > 0 || isa<CallOpInterface>(op);
}

static void shareLoads(Block &block) {
  DenseMap<StringAttr, GlobalLoadOp> loaded;
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (auto load = dyn_cast<GlobalLoadOp>(op)) {
      auto [first, isNew] =
          loaded.try_emplace(load.getGlobal().getLeafReference(), load);
      if (isNew)
        continue;
      load.replaceAllUsesWith(first->second.getResult());
      load.erase();
    } else if (auto store = dyn_cast<GlobalStoreOp>(op)) {
      loaded.erase(store.getGlobal().getLeafReference());
    } else if (mayStoreAnything(op)) {
      loaded.clear();
    }
  }
}

namespace {

struct ShareLoadsPass : train::impl::TrainShareLoadsPassBase<ShareLoadsPass> {
  void runOnOperation() override {
    for (Block &block : getOperation().getBody())
      shareLoads(block);
  }
};

} // namespace
