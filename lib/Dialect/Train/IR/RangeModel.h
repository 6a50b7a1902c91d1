//===- RangeModel.h - How the bounds of train ops are written down
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_TRAIN_IR_RANGEMODEL_H
#define VERNIER_LIB_DIALECT_TRAIN_IR_RANGEMODEL_H

#include "vernier/Dialect/Train/IR/TrainDialect.h"
#include "vernier/Interfaces/RangeOpInterface.h"

namespace vernier::train {

/// A model by its op's class: `infer(op, operands, results)`.
template <typename OpT>
struct RangeModel : RangeOpInterface::ExternalModel<RangeModel<OpT>, OpT> {
  void inferRanges(mlir::Operation *op, llvm::ArrayRef<Interval> operands,
                   llvm::MutableArrayRef<Interval> results) const {
    infer(mlir::cast<OpT>(op), operands, results);
  }
  static void infer(OpT op, llvm::ArrayRef<Interval> operands,
                    llvm::MutableArrayRef<Interval> results);
};

template <typename... OpTs> void attachRanges(mlir::MLIRContext &context) {
  (OpTs::template attachInterface<RangeModel<OpTs>>(context), ...);
}

/// The error of an f32 sum of `count` positive terms, relative to it.
double getSumSlack(int64_t count);
/// `x` less the mean of `count` elements of it, which is an f32 sum.
Interval centre(const Interval &x, int64_t count);
/// x / sqrt(mean(x^2) + epsilon), over `count` elements.
Interval normalize(const Interval &x, int64_t count, double epsilon);

/// The models of contractions, and of what else works on images and tables.
void attachContractionRanges(mlir::MLIRContext &context);
void attachImageRanges(mlir::MLIRContext &context);

} // namespace vernier::train

/// The body of the model of one op, whose operands have the bounds `x`.
#define INFER(OP)                                                              \
  template <>                                                                  \
  void RangeModel<OP>::infer([[maybe_unused]] OP op,                           \
                             [[maybe_unused]] ArrayRef<Interval> x,            \
                             MutableArrayRef<Interval> results)

#endif // VERNIER_LIB_DIALECT_TRAIN_IR_RANGEMODEL_H
