//===- TargetDialect.cpp - The target dialect: which device a module is for
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vernier/Target/IR/TargetDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vernier;
using namespace vernier::target;

#include "vernier/Target/IR/TargetDialect.cpp.inc"

namespace vernier::target::detail {

/// A spelling with its features and, found once, what they stand for. The
/// context destroys it, and the model with it.
struct DeviceAttrStorage : AttributeStorage {
  using KeyTy = std::pair<StringRef, StringRef>;

  DeviceAttrStorage(KeyTy key)
      : spelling(key.first), features(key.second),
        model(llvm::cantFail(TargetModel::parse(spelling, features))) {}

  bool operator==(const KeyTy &key) const {
    return key == KeyTy(spelling, features);
  }
  static DeviceAttrStorage *construct(AttributeStorageAllocator &allocator,
                                      const KeyTy &key) {
    KeyTy owned(allocator.copyInto(key.first), allocator.copyInto(key.second));
    return new (allocator.allocate<DeviceAttrStorage>())
        DeviceAttrStorage(owned);
  }

  StringRef spelling, features;
  std::unique_ptr<TargetModel> model;
};

} // namespace vernier::target::detail

#define GET_ATTRDEF_CLASSES
#include "vernier/Target/IR/TargetAttributes.cpp.inc"

void TargetDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "vernier/Target/IR/TargetAttributes.cpp.inc"
      >();
}

DeviceAttr DeviceAttr::get(MLIRContext *context, const TargetModel &model) {
  return get(context, model.getName(), model.getFeatures());
}

StringRef DeviceAttr::getSpelling() const { return getImpl()->spelling; }

StringRef DeviceAttr::getFeatures() const { return getImpl()->features; }

const TargetModel &DeviceAttr::getModel() const { return *getImpl()->model; }

LogicalResult
DeviceAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                   StringRef spelling, StringRef features) {
  auto model = TargetModel::parse(spelling, features);
  if (model)
    return success();
  return emitError() << "(D1) " << llvm::toString(model.takeError());
}

LogicalResult TargetDialect::verifyOperationAttribute(Operation *op,
                                                      NamedAttribute named) {
  if (named.getName() != kDeviceAttr)
    return op->emitError("unknown attribute '")
           << named.getName().getValue() << "'; expected '" << kDeviceAttr
           << "'";
  if (isa<ModuleOp>(op) && isa<DeviceAttr>(named.getValue()))
    return success();
  return op->emitError("'")
         << kDeviceAttr << "' is " << named.getValue() << " of '"
         << op->getName() << "'; expected a #target.device of a module";
}

const TargetModel *vernier::findTarget(Operation *op) {
  for (; op; op = op->getParentOp())
    if (auto device = op->getAttrOfType<DeviceAttr>(kDeviceAttr))
      return &device.getModel();
  return nullptr;
}

const TargetModel &vernier::getTarget(Operation *op) {
  if (const TargetModel *model = findTarget(op))
    return *model;
  static const std::unique_ptr<TargetModel> portable =
      llvm::cantFail(TargetModel::parse("cpu"));
  return *portable;
}

FailureOr<const TargetModel *> vernier::getDeviceTarget(Operation *op) {
  const TargetModel &model = getTarget(op);
  if (llvm::Error error = model.checkDevice())
    return op->emitError(llvm::toString(std::move(error)));
  return &model;
}
