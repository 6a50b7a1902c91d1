//===- ReadResources.cpp - Elements of resources become plain ones
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file keeps large values in a section of its own, behind the module. Nothing
// upstream says so where their bytes are missing.
//
//===----------------------------------------------------------------------===//

#include "vernier/Pipelines/ReadResources.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

/// The same elements, or null with a message at `op`.
static Attribute readElements(Operation *op,
                              DenseResourceElementsAttr resource) {
  DenseResourceElementsHandle handle = resource.getRawHandle();
  AsmResourceBlob *blob = handle.getBlob();
  if (!blob) {
    op->emitError("resource '")
        << handle.getKey()
        << "' has no data; expected them in the {-# dialect_resources #-} of "
           "this file";
    return {};
  }
  ArrayRef<char> data = blob->getData();
  bool isSplat = false;
  if (!DenseElementsAttr::isValidRawBuffer(resource.getType(), data, isSplat)) {
    op->emitError("resource '")
        << handle.getKey() << "' has " << data.size()
        << " bytes, which are not the elements of " << resource.getType();
    return {};
  }
  return DenseElementsAttr::getFromRawBuffer(resource.getType(), data);
}

LogicalResult vernier::readResources(ModuleOp module) {
  bool hasAll = true;
  module.walk([&](Operation *op) {
    for (NamedAttribute attribute : llvm::to_vector(op->getAttrs())) {
      auto resource = dyn_cast<DenseResourceElementsAttr>(attribute.getValue());
      if (!resource)
        continue;
      Attribute elements = readElements(op, resource);
      if (elements)
        op->setAttr(attribute.getName(), elements);
      hasAll &= bool(elements);
    }
  });
  return success(hasAll);
}
