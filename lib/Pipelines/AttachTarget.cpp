//===- AttachTarget.cpp - Names the device that a module is compiled for
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one place that turns the name of a device into its facts. Everything
// later asks vernier::getTarget.
//
//===----------------------------------------------------------------------===//

#include "vernier/Pipelines/Passes.h"

namespace vernier {
#define GEN_PASS_DEF_ATTACHTARGETPASS
#include "vernier/Pipelines/Passes.h.inc"
} // namespace vernier

using namespace mlir;
using namespace vernier;

namespace {

struct AttachTargetPass
    : vernier::impl::AttachTargetPassBase<AttachTargetPass> {
  using AttachTargetPassBase::AttachTargetPassBase;

  void runOnOperation() override {
    auto model = TargetModel::parse(target);
    if (!model) {
      getOperation().emitError(llvm::toString(model.takeError()));
      return signalPassFailure();
    }
    auto device = target::DeviceAttr::get(&getContext(), **model);
    // A stage's output compiles on, for its own device.
    if (Attribute other = getOperation()->getAttr(kDeviceAttr);
        other && other != device) {
      getOperation().emitError("the module is for ")
          << other << ", not for " << device << "; name its device, or remove '"
          << kDeviceAttr << "'";
      return signalPassFailure();
    }
    getOperation()->setAttr(kDeviceAttr, device);
  }
};

} // namespace
