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

/// Whether these bytes are elements of the type, all of them: upstream takes
/// one for as many as there should be, which a file that lost the others would
/// pass.
static bool holdsAll(ShapedType type, ArrayRef<char> data) {
  bool isSplat = false;
  if (!DenseElementsAttr::isValidRawBuffer(type, data, isSplat))
    return false;
  if (!type.getElementType().isIntOrFloat())
    return true;
  // At least, for elements of fewer than eight bits may have a byte each.
  uint64_t bits = type.getNumElements() * type.getElementTypeBitWidth();
  return data.size() >= llvm::divideCeil(bits, 8);
}

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
  if (!holdsAll(resource.getType(), data)) {
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
