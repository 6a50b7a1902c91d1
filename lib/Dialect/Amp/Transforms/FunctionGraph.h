//===- FunctionGraph.h - The precision graph of a function
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_FUNCTIONGRAPH_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_FUNCTIONGRAPH_H

#include "Decider.h"

#include "vernier/Dialect/Amp/Transforms/PrecisionGraph.h"

namespace vernier::amp {

/// The precision graph of a function's forward part, and the way back from its
/// variables to the function's ops.
class FunctionGraph {
public:
  /// `compute` is the 16-bit type, `ranges` what is known of the values, or
  /// null. Check isExact() before anything else.
  FunctionGraph(mlir::FunctionOpInterface function,
                llvm::ArrayRef<Subject> subjects, mlir::FloatType compute,
                const RangeHazards *ranges);

  /// False if the function has values, or the policy has computations, of the
  /// other 16-bit type: two widths do not describe it.
  bool isExact() const { return !hasOtherNarrow; }
  const PrecisionGraph &getGraph() const { return graph; }

  /// What an assignment means for the subject at `index`, without a reason.
  Decision getDecision(size_t index,
                       const PrecisionGraph::Assignment &assignment) const;
  /// The op of the graph that stands for the subject, which must be decided.
  PrecisionGraph::Index getOp(size_t index) const { return opOfSubject[index]; }
  /// The assignment that the decisions on the ops amount to.
  PrecisionGraph::Assignment readDecisions() const;

private:
  using Index = PrecisionGraph::Index;

  void add(const Subject &subject);
  void addOthers(mlir::FunctionOpInterface function);
  PrecisionGraph::Op getShape(const Subject &subject);
  bool leavesRange(mlir::ValueRange values) const;
  PrecisionGraph::Op keepRange(const Subject &subject,
                               const PrecisionGraph::Op &shape) const;
  std::optional<Index> getValue(mlir::Value value);
  Index getFixed(mlir::FloatType type);
  mlir::FloatType getType(Width width) const {
    return width == Width::Narrow ? compute : f32;
  }

  llvm::ArrayRef<Subject> subjects;
  mlir::FloatType compute, f32;
  const RangeHazards *ranges;
  PrecisionGraph graph;
  ConstantTracker constants;
  llvm::DenseMap<mlir::Value, Index> values;
  /// A parameter is cast once however often it is loaded.
  llvm::DenseMap<mlir::Attribute, Index> loads;
  llvm::SmallVector<Index> opOfSubject;
  bool mergesLoads = true, hasOtherNarrow = false;
};

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_FUNCTIONGRAPH_H
