//===- KernelEmitter.h - Loop nests of the three schedules
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_CODEGEN_KERNELEMITTER_H
#define VERNIER_LIB_CODEGEN_KERNELEMITTER_H

#include "FusionGraph.h"
#include "Lanes.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"

namespace vernier {

/// Elements of a column block (flat, columns) or of one step along a row.
int64_t getBlockLanes(train::FusionSchedule schedule, int64_t vectorWidth);

/// Builds one kernel. Values are computed on demand, each in the frame of its
/// scope: ahead of the loops, at the head of a row or block, or in a loop
/// inside.
class KernelEmitter {
public:
  KernelEmitter(const FusionGraph &graph, train::FusionOp fusion,
                int64_t blockLanes);

  mlir::LogicalResult emit(llvm::StringRef name, mlir::ModuleOp kernels);

private:
  /// Where the values of a scope go, and those that are there already.
  struct Frame {
    mlir::OpBuilder::InsertPoint point;
    llvm::DenseMap<FusionNode *, mlir::Value> values;
  };
  /// A run of digits that an access goes through at one stride.
  struct Term {
    int64_t base, extent, stride;
  };
  using Values = llvm::SmallVector<mlir::Value>;
  using LoopBody = llvm::function_ref<Values(mlir::Value, mlir::ValueRange)>;
  using PointBody = llvm::function_ref<Values()>;

  // Loops.
  Values emitLoop(mlir::Value lower, mlir::Value upper, int64_t step,
                  mlir::ValueRange inits, LoopBody body);
  void openFrame(Scope scope);
  void withOuterBefore(llvm::function_ref<void()> emitLoops);

  // Schedules.
  void emitBlocks();
  void emitBlock(mlir::Value column, int64_t lanes, int64_t tail);
  void emitRows();
  void emitRow();
  Values emitColumnSteps(llvm::ArrayRef<FusionNode *> reduces);
  void emitRowPass(llvm::ArrayRef<FusionNode *> reduces);
  void emitBlockPass(llvm::ArrayRef<FusionNode *> reduces);
  llvm::SmallVector<FusionNode *> reducesOfLevel(int64_t level) const;

  // Reductions.
  /// A loop that combines the operands of `reduces` over `trips` steps;
  /// `setPoint` is told each step's index.
  struct Walk {
    llvm::ArrayRef<FusionNode *> reduces;
    int64_t trips, step, lanes;
    llvm::function_ref<void(mlir::Value)> setPoint;
  };
  Values accumulate(const Walk &walk);
  Values accumulateRange(const Walk &walk, mlir::Value lower, mlir::Value upper,
                         int64_t trips);
  Values accumulateSteps(const Walk &walk, mlir::Value lower,
                         mlir::Value upper);
  mlir::Value combine(FusionNode *reduce, mlir::Value a, mlir::Value b);
  mlir::Value identity(FusionNode *reduce, int64_t lanes);
  mlir::Value pad(FusionNode *reduce, mlir::Value value, int64_t lanes);
  mlir::Value combineLanes(FusionNode *reduce, mlir::Value vector);
  mlir::Value finish(FusionNode *reduce, mlir::Value value);

  // Values.
  mlir::Value evaluate(FusionNode *node);
  mlir::Value compute(FusionNode *node);
  mlir::Value computeConstant(FusionNode *node);
  mlir::Value computeLoad(FusionNode *node);
  mlir::Value computeIndices(FusionNode *node, mlir::Type element);
  mlir::Value computeOneHot(FusionNode *node);
  mlir::Value computeElementwise(FusionNode *node);
  void storeResults(Scope scope);
  void storeZeros();

  // Indices.
  llvm::SmallVector<Term> termsOf(const Access &access, bool rowTerms) const;
  mlir::Value indexAt(const Access &access, mlir::Value atRow,
                      mlir::Value atColumn);
  enum class Pattern { Same, Consecutive, Any };
  Pattern patternOf(const Access &access) const;

  const FusionGraph &graph;
  train::FusionOp fusion;
  int64_t blockLanes;
  mlir::OpBuilder builder;
  LaneBuilder b;

  Frame frames[3];
  llvm::SmallVector<mlir::Value> pointers;
  mlir::Value begin, end;
  /// The point: first column of `lanes`, its row; null outside of the loops.
  mlir::Value row, column;
  int64_t lanes = 1;
  /// The column where the last, narrower step begins; -1 in the others, which
  /// begin at multiples of `lanes`.
  int64_t tailStart = -1;
};

} // namespace vernier

#endif // VERNIER_LIB_CODEGEN_KERNELEMITTER_H
