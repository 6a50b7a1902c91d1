//===- RelaxCasts.cpp - Kernels that skip roundings to 16 bits
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Inside one kernel a value that was rounded to 16 bits and widened again is
// still there unrounded. Using it saves two casts and changes the numbers,
// which is why this is a pass of its own that says what it did. A value that
// leaves the kernel keeps its type: memory holds what the IR says.
//
//===----------------------------------------------------------------------===//

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Dialect/Amp/Transforms/Passes.h"
#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Support/DebugStringHelper.h"

namespace vernier::amp {
#define GEN_PASS_DEF_AMPRELAXCASTSPASS
#include "vernier/Dialect/Amp/Transforms/Passes.h.inc"
} // namespace vernier::amp

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

/// Read the value before its rounding instead of widening it behind. Whether
/// `widening` was one of such a pair.
static bool skipRounding(arith::ExtFOp widening) {
  auto rounding = widening.getIn().getDefiningOp<arith::TruncFOp>();
  if (!rounding || rounding.getIn().getType() != widening.getType())
    return false;
  remark::passed(
      widening.getLoc(),
      remark::RemarkOpts::name("relaxed cast").category("amp-relax-casts"))
      << remark::add("{0} is not rounded to {1} for '{2}'",
                     debugString(widening.getType()),
                     debugString(getElementTypeOrSelf(rounding.getType())),
                     widening->use_empty()
                         ? StringRef("nothing")
                         : (*widening->user_begin())->getName().getStringRef());
  widening.getResult().replaceAllUsesWith(rounding.getIn());
  widening.erase();
  if (rounding->use_empty())
    rounding.erase();
  return true;
}

namespace {

struct RelaxCastsPass : amp::impl::AmpRelaxCastsPassBase<RelaxCastsPass> {
  void runOnOperation() override {
    SmallVector<arith::ExtFOp> widenings;
    getOperation().walk([&](train::FusionOp fusion) {
      fusion.walk([&](arith::ExtFOp op) { widenings.push_back(op); });
    });
    int64_t skipped = llvm::count_if(widenings, skipRounding);
    Builder builder(&getContext());
    getOperation()->setAttr(kSkippedRoundingsAttr,
                            builder.getI64IntegerAttr(skipped));
  }
};

} // namespace
