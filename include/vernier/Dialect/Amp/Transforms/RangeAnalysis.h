//===- RangeAnalysis.h - Bounds of every value of a function
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_AMP_TRANSFORMS_RANGEANALYSIS_H
#define VERNIER_DIALECT_AMP_TRANSFORMS_RANGEANALYSIS_H

#include "vernier/Interfaces/Interval.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace vernier::amp {

/// The attribute `train.range = [low, high]` of an argument or a global, if it
/// has one. The dialect has verified it.
std::optional<Interval> getDeclaredRange(mlir::Attribute attribute,
                                         mlir::Type type);

/// What a profile says of the elements of a tensor.
struct MeasuredRange {
  Interval range;
  double rms = 0;
};

/// The distribution that the runtime draws the initial value of a global of
/// `type` from: its bounds, and its standard deviation if it is known.
struct InitialDistribution {
  Interval range;
  double mean = 0, stddev = 0;
  bool isNormal = false, isUniform = false;
};
InitialDistribution getInitialDistribution(mlir::Attribute initializer,
                                           mlir::RankedTensorType type);

/// What bounds may rest on beside declared ranges.
struct RangeAssumptions {
  /// Globals have the bounds of their initialisers: the bounds of a first step.
  /// Frozen globals have them anyway.
  bool initialValues = false;
  /// Inputs by their `train.name`, and globals by their symbol, that stay
  /// within what was measured. Comes before `initialValues`.
  llvm::StringMap<MeasuredRange> inputs, globals;
  /// Other values that do: what contractions read and write.
  llvm::DenseMap<mlir::Value, MeasuredRange> values;
};

/// One walk over a function in order, from the declared ranges of its
/// arguments and globals to bounds of every value.
class RangeAnalysis {
public:
  /// Without assumptions, the bounds hold in every step. `assumptions` must
  /// outlive this call alone.
  static RangeAnalysis run(mlir::FunctionOpInterface function,
                           const RangeAssumptions &assumptions);

  /// The bounds of `value` as it is stored.
  Interval getRange(mlir::Value value) const;
  /// The bounds of `value` before it was rounded to its element type.
  Interval getExactRange(mlir::Value value) const;

  /// Where the bounds of `value` come from: `value`, the operand of its op that
  /// is bounded worst, and so on, as far as something is bounded worse than a
  /// constant.
  llvm::SmallVector<mlir::Value> getChain(mlir::Value value) const;

private:
  void addArguments(mlir::FunctionOpInterface function);
  void addLoad(mlir::ml_program::GlobalLoadOp load);
  void addResults(mlir::Operation &op);
  void add(mlir::Value value, Interval exact);

  const RangeAssumptions *assumptions = nullptr;
  llvm::DenseMap<mlir::Value, Interval> exact, stored;
  /// What this function has written to a global so far.
  llvm::DenseMap<mlir::StringAttr, Interval> globals;
};

} // namespace vernier::amp

#endif // VERNIER_DIALECT_AMP_TRANSFORMS_RANGEANALYSIS_H
