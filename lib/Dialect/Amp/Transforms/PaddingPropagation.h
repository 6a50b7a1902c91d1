//===- PaddingPropagation.h - Padded values from producer to consumer
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PADDINGPROPAGATION_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PADDINGPROPAGATION_H

#include "PaddedLanes.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"

namespace vernier::amp {

/// The pads and slices around the contractions of a module, and their removal:
/// values are made in the padded shape where they are made at all, and
/// parameters and moments are stored in it.
class PaddingPropagation {
public:
  explicit PaddingPropagation(mlir::ModuleOp module);

  /// `value` with zeros behind it up to `shape`, once for each shape.
  mlir::Value createPad(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  /// The first elements of `padded` in each dim, behind it.
  mlir::Value createSlice(mlir::Value padded, mlir::RankedTensorType type,
                          PaddedLanes lanes);
  /// Remove what can be removed.
  void run();

private:
  /// A value in the padded shape.
  struct Padded {
    mlir::Value value;
    PaddedLanes lanes;
  };
  using Shape = llvm::ArrayRef<int64_t>;

  std::optional<Padded> demand(mlir::Value value, Shape shape, int depth);
  std::optional<Padded> demandGlobal(mlir::ml_program::GlobalLoadOp load,
                                     Shape shape);
  std::optional<Padded> rebuild(mlir::OpResult result, Shape shape, int depth);
  bool storePadded(mlir::ml_program::GlobalOp global, Shape shape);
  mlir::Value mask(Padded padded, mlir::RankedTensorType real);
  bool resolve(mlir::tensor::PadOp pad);
  bool widenReductions(mlir::Operation *op);
  void eraseDead();

  mlir::ModuleOp module;
  mlir::SymbolTable symbols;
  /// What loads and stores each global.
  llvm::DenseMap<mlir::StringAttr, llvm::SmallVector<mlir::Operation *>> users;
  llvm::DenseMap<std::pair<mlir::Value, mlir::Type>, mlir::Value> pads;
  /// The lanes that each of our slices cut off.
  llvm::DenseMap<mlir::Operation *, PaddedLanes> slices;
  llvm::DenseSet<std::pair<mlir::Value, mlir::Type>> failures;
  llvm::SmallVector<mlir::Operation *> worklist;
};

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PADDINGPROPAGATION_H
