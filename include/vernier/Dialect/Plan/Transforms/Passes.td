//===- Passes.td - The plan dialect's passes
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_PLAN_TRANSFORMS_PASSES_TD
#define VERNIER_DIALECT_PLAN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def PlanAssignBuffersPass : Pass<"plan-assign-buffers", "::mlir::ModuleOp"> {
  let summary = "Places every buffer in the arena by its lifetime";
  let description = [{
    Gives each `plan.alloc` and `plan.input` of an entry an offset in the arena
    such that buffers whose lifetimes overlap never share memory, each `plan.state`
    an offset in the state memory, and each entry its `arena_bytes`. A buffer lives
    from the first to the last call that names it or a view of it; inputs from the
    start, outputs to the end. Calls are visited in program order; a buffer takes
    the smallest free range that holds it.
    Offsets are multiples of what the target aligns buffers to.

    A remark on each entry reports the arena, the sum of its buffers and what the
    forward part saves for the backward part.
  }];
}

#endif // VERNIER_DIALECT_PLAN_TRANSFORMS_PASSES_TD
