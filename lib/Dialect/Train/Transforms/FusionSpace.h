//===- FusionSpace.h - How ops fit the iteration space of a fusion
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_TRAIN_TRANSFORMS_FUSIONSPACE_H
#define VERNIER_LIB_DIALECT_TRAIN_TRANSFORMS_FUSIONSPACE_H

#include "vernier/Dialect/Train/IR/TrainDialect.h"

namespace vernier::train {

/// What a value is to the iteration space of its fusion.
enum class ValueClass {
  Full,      ///< One element for each point.
  PerRow,    ///< One for each row: the leading dims.
  PerColumn, ///< One for each column: the trailing dims.
};

/// The points that a fusion iterates over.
struct FusionSpace {
  FusionSchedule schedule = FusionSchedule::Flat;
  /// The shape of Full values; the first `split` dims are the rows. -1 where
  /// nothing has decided yet.
  llvm::SmallVector<int64_t> shape;
  int64_t split = -1;

  int64_t getNumElements() const;
  int64_t getRows() const;
  int64_t getColumns() const;
  bool isScalar() const { return getNumElements() == 1; }
  /// Whether the fusion may write values of the class.
  bool canStore(ValueClass valueClass) const;
};

/// A way for an op to join a fusion that reads its result.
struct FusionFit {
  /// The space afterwards, which may be larger.
  FusionSpace space;
  /// The class of the result.
  ValueClass valueClass;
  /// What the values that were Full become: another class where a reduction
  /// adds dims to the space.
  ValueClass fullBecomes = ValueClass::Full;
  /// A broadcast inside the fusion reads the result.
  bool isBroadcast = false;
};

/// How the value of `use` can be computed in a fusion of `space` whose member,
/// the owner of `use`, has class `ownerClass`; none if it must be read from
/// memory.
std::optional<FusionFit> fitUse(const FusionSpace &space, ValueClass ownerClass,
                                mlir::OpOperand &use);

/// Whether a member of `producerClass` is what the owner of `use`, a member of
/// `ownerClass` in the same fusion, reads there. May decide where rows end.
bool readsClass(FusionSpace &space, ValueClass ownerClass, mlir::OpOperand &use,
                ValueClass producerClass);

/// The space of a fusion that starts with `op`.
FusionFit startSpace(mlir::Operation *op);

/// The space that holds the members of both, or none.
std::optional<FusionSpace> joinSpaces(const FusionSpace &first,
                                      const FusionSpace &second);

/// Whether the reduced dims of `reduce` are the last or the first of its input.
bool reducesTrailingDims(ReduceOp reduce);
bool reducesLeadingDims(ReduceOp reduce);

/// Whether computing the op again costs less than memory traffic does.
bool isCheap(mlir::Operation *op);

} // namespace vernier::train

#endif // VERNIER_LIB_DIALECT_TRAIN_TRANSFORMS_FUSIONSPACE_H
