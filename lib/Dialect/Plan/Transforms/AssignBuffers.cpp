//===- AssignBuffers.cpp - Places every buffer in the arena by its lifetime
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Entries are straight-line, so a lifetime is an interval of call numbers.
// Precondition: plan ops without offsets; afterwards every buffer has one.
//
//===----------------------------------------------------------------------===//

#include "RangeAllocator.h"

#include "vernier/Dialect/Plan/IR/PlanDialect.h"
#include "vernier/Dialect/Plan/Transforms/Passes.h"
#include "vernier/Target/IR/TargetDialect.h"

#include "mlir/IR/Remarks.h"

namespace vernier::plan {
#define GEN_PASS_DEF_PLANASSIGNBUFFERSPASS
#include "vernier/Dialect/Plan/Transforms/Passes.h.inc"
} // namespace vernier::plan

using namespace mlir;
using namespace vernier::plan;

/// What a processor addresses; the runtime's verifier refuses more.
static constexpr int64_t kMaxBytes = int64_t(1) << 48;

namespace {

struct AssignBuffersPass
    : vernier::plan::impl::PlanAssignBuffersPassBase<AssignBuffersPass> {
  void runOnOperation() override {
    int64_t alignment = vernier::getTarget(getOperation()).getBufferAlignment();
    RangeAllocator states(alignment);
    for (auto state : getOperation().getOps<StateOp>())
      state.setOffset(
          states.allocate(cast<BufferType>(state.getType()).getNumBytes()));
    if (states.getPeak() > kMaxBytes) {
      getOperation().emitError("the states take ")
          << states.getPeak() << " bytes, more than a processor addresses";
      return signalPassFailure();
    }
    for (auto entry : getOperation().getOps<EntryOp>()) {
      assignEntry(entry, alignment);
      if (entry.getArenaBytes() <= kMaxBytes)
        continue;
      entry.emitError("a run of '@")
          << entry.getSymName() << "' takes " << entry.getArenaBytes()
          << " bytes, more than a processor addresses; use a smaller batch";
      signalPassFailure();
    }
  }

  void assignEntry(EntryOp entry, int64_t alignment) {
    llvm::DenseMap<Operation *, int64_t> lastUses = entry.getLastUses();
    RangeAllocator arena(alignment);
    int64_t sum = 0, number = 0;
    // Inputs are filled before the first call, wherever they stand.
    for (auto input : entry.getOps<InputOp>())
      input.setOffset(arena.allocate(
          cast<BufferType>(input.getBuffer().getType()).getNumBytes()));
    llvm::SmallVector<Operation *> ending;
    for (Operation &op : entry.getBody().front()) {
      if (auto alloc = dyn_cast<AllocOp>(op)) {
        int64_t bytes =
            cast<BufferType>(alloc.getBuffer().getType()).getNumBytes();
        alloc.setOffset(arena.allocate(bytes));
        sum += bytes;
      }
      releaseEnding(op, number++, lastUses, arena);
    }
    entry.setArenaBytes(arena.getPeak());
    remark::analysis(entry.getLoc(), remark::RemarkOpts::name("AssignBuffers")
                                         .category("plan-assign-buffers")
                                         .function(entry.getSymName()))
        << remark::metric("arena_bytes", arena.getPeak())
        << remark::metric("buffer_bytes", sum)
        << remark::metric("saved_bytes", entry.getSavedBytes());
  }

  /// Give back the arena ranges whose last use is `op`, number `number`.
  static void
  releaseEnding(Operation &op, int64_t number,
                const llvm::DenseMap<Operation *, int64_t> &lastUses,
                RangeAllocator &arena) {
    llvm::SmallVector<Operation *> owners;
    for (Value operand : op.getOperands())
      owners.push_back(getOwner(operand));
    if (isa<AllocOp>(op))
      owners.push_back(&op);
    llvm::sort(owners);
    owners.erase(llvm::unique(owners), owners.end());
    for (Operation *owner : owners) {
      if (lastUses.lookup(owner) != number)
        continue;
      if (auto alloc = dyn_cast<AllocOp>(owner))
        arena.free(alloc.getOffset(),
                   cast<BufferType>(alloc.getBuffer().getType()).getNumBytes());
      if (auto input = dyn_cast<InputOp>(owner))
        arena.free(input.getOffset(),
                   cast<BufferType>(input.getBuffer().getType()).getNumBytes());
    }
  }
};

} // namespace
