//===- StateHazards.h - Which stores can be done in place
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A state has one memory. A value stored to it can be computed straight into
// that memory if nobody reads the old value afterwards; a load whose value is
// read after the state changed needs a snapshot. This class decides both from
// the order of the ops of one straight-line function.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_CONVERSION_TRAINTOPLAN_STATEHAZARDS_H
#define VERNIER_CONVERSION_TRAINTOPLAN_STATEHAZARDS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace vernier {

class StateHazards {
public:
  explicit StateHazards(mlir::func::FuncOp function);

  /// The state that `value` is computed into, or null.
  mlir::FlatSymbolRefAttr getInPlaceState(mlir::Value value) const {
    return inPlaceValues.lookup(value);
  }
  /// Whether the store needs no copy because its value is computed in place.
  bool isInPlace(mlir::ml_program::GlobalStoreOp store) const {
    return inPlaceStores.contains(store);
  }
  /// Whether the loaded value is read after the state's memory changed.
  bool needsSnapshot(mlir::ml_program::GlobalLoadOp load) const {
    return snapshots.contains(load);
  }

private:
  using Loads = llvm::SmallVector<mlir::ml_program::GlobalLoadOp, 2>;

  void decideStore(mlir::ml_program::GlobalStoreOp store, const Loads &loads);
  int64_t getLastRead(mlir::Value value) const;

  llvm::DenseMap<mlir::Operation *, int64_t> positions;
  llvm::DenseMap<mlir::Value, mlir::FlatSymbolRefAttr> inPlaceValues;
  llvm::DenseSet<mlir::Operation *> inPlaceStores, snapshots;
};

} // namespace vernier

#endif // VERNIER_CONVERSION_TRAINTOPLAN_STATEHAZARDS_H
