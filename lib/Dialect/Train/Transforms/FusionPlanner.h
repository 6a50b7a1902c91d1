//===- FusionPlanner.h - Decides which ops share a kernel
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The algorithm of --train-form-fusions; it reads the IR and does not change
// it.
//
// Every op of the block has a position: outside fusions its own place, in a
// fusion the place of the op that started it, its last. Every value is made at
// an earlier position than it is read at, so no fusion depends on itself. Ops
// are visited in reverse, so that the readers of a result are placed before the
// op is: it joins the first of its readers, or is computed again in several, or
// starts a fusion. Then fusions that share data are merged.
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_TRAIN_TRANSFORMS_FUSIONPLANNER_H
#define VERNIER_LIB_DIALECT_TRAIN_TRANSFORMS_FUSIONPLANNER_H

#include "FusionSpace.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"

namespace vernier::train {

/// A fusion to be.
struct FusionPlan {
  FusionSpace space;
  /// The index in the block of the op before which the fusion will stand.
  int64_t position = 0;
  /// Members and what their results are here.
  llvm::MapVector<mlir::Operation *, ValueClass> members;
  /// What members read, from memory or from each other.
  llvm::DenseSet<mlir::Value> operands;
  /// How much code the members make, in elementary ops.
  size_t work = 0;

  bool contains(mlir::Operation *op) const { return members.contains(op); }
};

/// Plans the fusions of a block whose ops have been simplified.
class FusionPlanner {
public:
  explicit FusionPlanner(mlir::Block &block) : block(block) {}

  /// The fusions, by position.
  llvm::ArrayRef<FusionPlan *> run();

  /// The op before which the fusion stands.
  mlir::Operation *getInsertionPoint(const FusionPlan &plan) const {
    return ops[plan.position];
  }
  /// The fusion that writes the op's result, if any does.
  FusionPlan *getHome(mlir::Operation *op) const {
    return states.lookup(op).home;
  }
  /// The place of the op in the block.
  int64_t getIndex(mlir::Operation *op) const {
    return states.lookup(op).index;
  }
  /// Whether a fusion other than `plan`, or an op outside fusions, reads the
  /// result of its member `op` from memory.
  bool isReadOutside(mlir::Operation *op, const FusionPlan &plan) const;
  /// Erase the planned ops, once the fusions hold clones of them.
  void eraseMembers();
  /// Whether every reader clones the value: a splat constant.
  static bool isCloned(mlir::Value value);

private:
  struct OpState {
    int64_t index = 0;
    bool fusible = false;
    /// The fusion that writes the result.
    FusionPlan *home = nullptr;
    /// All fusions that compute the op.
    llvm::SmallVector<FusionPlan *, 2> plans;
  };
  /// A fusion that reads the result of the op being placed.
  struct Reader {
    FusionPlan *plan;
    /// How the op can join it, if it can.
    std::optional<FusionFit> fit;
    /// Bytes read if it does.
    int64_t cost = 0;
  };
  /// All that reads the result of the op being placed.
  struct Readers {
    llvm::SmallVector<Reader, 4> plans;
    /// The first position at which the result is read.
    int64_t firstPosition = INT64_MAX;
    /// An op outside fusions reads the result.
    bool hasOutside = false;
  };

  void place(mlir::Operation *op);
  Readers collectReaders(mlir::Operation *op);
  /// Whether computing the op in every reader costs less than writing it.
  bool shouldRecompute(mlir::Operation *op, const Readers &readers,
                       const Reader *home);
  void join(FusionPlan &plan, mlir::Operation *op, const FusionFit &fit);
  FusionPlan &start(mlir::Operation *op);
  int64_t getCost(mlir::Value value, const FusionPlan &plan, int depth) const;
  int64_t getOperandCost(mlir::Operation *op, const FusionPlan &plan,
                         int depth) const;

  void mergeAll();
  bool tryMerge(FusionPlan &first, FusionPlan &second);
  bool canMoveUp(const FusionPlan &second, const FusionPlan &first) const;
  bool canMoveDown(const FusionPlan &first, const FusionPlan &second) const;
  int64_t getPosition(mlir::Value value) const;

  mlir::Block &block;
  std::vector<mlir::Operation *> ops;
  /// How many contractions and transposes stand up to each op.
  std::vector<int64_t> libraryCalls;
  llvm::DenseMap<mlir::Operation *, OpState> states;
  std::vector<std::unique_ptr<FusionPlan>> plans;
  std::vector<FusionPlan *> order;
};

/// Bytes of a tensor in memory; booleans take one each.
int64_t getTensorBytes(mlir::Value value);

} // namespace vernier::train

#endif // VERNIER_LIB_DIALECT_TRAIN_TRANSFORMS_FUSIONPLANNER_H
