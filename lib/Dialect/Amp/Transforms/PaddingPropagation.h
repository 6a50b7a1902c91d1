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

#include "vernier/Dialect/Train/IR/TrainDialect.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"

namespace vernier::amp {

/// Whether `part` fits into `shape`.
bool holds(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> part);

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
  using Shape = llvm::ArrayRef<int64_t>;

  // Globals.
  mlir::ml_program::GlobalOp getGlobal(mlir::ml_program::GlobalLoadOp load);
  bool canStore(mlir::ml_program::GlobalOp global, Shape shape);
  void storePadded(mlir::ml_program::GlobalOp global, Shape shape);

  // Values. `infer`: what the padding would hold, none if the value cannot be
  // had in the shape; `materialize` builds what was inferred.
  std::optional<PaddedLanes> infer(mlir::Value value, Shape shape, int depth);
  std::optional<PaddedLanes> inferComputed(mlir::OpResult result, Shape shape,
                                           int depth);
  mlir::Value materialize(mlir::Value value, Shape shape);
  mlir::Value compute(mlir::OpResult result, Shape shape);
  void keepIndices(mlir::Operation *op, mlir::Operation *padded);
  bool widenReductions(mlir::Operation *op);
  bool widenGather(train::GatherOp op);

  // Pads.
  mlir::Value mask(mlir::Value value, mlir::RankedTensorType real);
  bool resolve(mlir::tensor::PadOp pad);
  void eraseDead();

  mlir::ModuleOp module;
  mlir::SymbolTable symbols;
  /// What loads and stores each global.
  llvm::DenseMap<mlir::StringAttr, llvm::SmallVector<mlir::Operation *>> users;
  llvm::DenseMap<std::pair<mlir::Value, mlir::Type>, mlir::Value> pads;
  /// The lanes that each of our slices cut off.
  llvm::DenseMap<mlir::Operation *, PaddedLanes> slices;
  /// What cannot be had in this round, and what the padding of that holds which
  /// can be and is not built yet.
  llvm::DenseSet<std::pair<mlir::Value, mlir::Type>> failures;
  llvm::DenseMap<std::pair<mlir::Value, mlir::Type>, PaddedLanes> inferred;
  llvm::SmallVector<mlir::Operation *> worklist;
};

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PADDINGPROPAGATION_H
