//===- AmpRanges.cpp - Bounds of amp ops
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AmpRanges.h"

#include "vernier/Dialect/Amp/IR/AmpDialect.h"
#include "vernier/Interfaces/RangeOpInterface.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::amp;

namespace {

struct ScaleModel : RangeOpInterface::ExternalModel<ScaleModel, ScaleOp> {
  void inferRanges(Operation *, ArrayRef<Interval> x,
                   MutableArrayRef<Interval> results) const {
    results[0] = x[0] * x[1];
  }
};

/// Times the inverse, which is rounded to f32.
struct UnscaleModel : RangeOpInterface::ExternalModel<UnscaleModel, UnscaleOp> {
  void inferRanges(Operation *, ArrayRef<Interval> x,
                   MutableArrayRef<Interval> results) const {
    results[0] = x[0] * (Interval::exactly(1) / x[1]).rounded(kRangeF32);
  }
};

struct GateModel : RangeOpInterface::ExternalModel<GateModel, GateOp> {
  void inferRanges(Operation *, ArrayRef<Interval> x,
                   MutableArrayRef<Interval> results) const {
    results[0] = x[1].joined(x[2]);
  }
};

} // namespace

void vernier::amp::attachRangeModels(MLIRContext &context) {
  ScaleOp::attachInterface<ScaleModel>(context);
  UnscaleOp::attachInterface<UnscaleModel>(context);
  GateOp::attachInterface<GateModel>(context);
}
