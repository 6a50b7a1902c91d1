//===- TargetDialect.h - The target dialect: which device a module is for
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TARGET_IR_TARGETDIALECT_H
#define VERNIER_TARGET_IR_TARGETDIALECT_H

#include "vernier/Target/TargetModel.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/Operation.h"

#include "vernier/Target/IR/TargetDialect.h.inc"

namespace vernier::target::detail {
struct DeviceAttrStorage;
} // namespace vernier::target::detail

#define GET_ATTRDEF_CLASSES
#include "vernier/Target/IR/TargetAttributes.h.inc"

namespace vernier {

/// On a module: the device that it is compiled for, a target::DeviceAttr.
inline constexpr llvm::StringLiteral kDeviceAttr = "target.device";

/// The device that the module around `op` names, or null. It lives as long as
/// the context.
const TargetModel *findTarget(mlir::Operation *op);

/// The same, and the portable CPU for a module that names none.
const TargetModel &getTarget(mlir::Operation *op);

/// getTarget for what makes kernels and plans: an error at `op` if no runtime
/// has such a device.
mlir::FailureOr<const TargetModel *> getDeviceTarget(mlir::Operation *op);

} // namespace vernier

#endif // VERNIER_TARGET_IR_TARGETDIALECT_H
