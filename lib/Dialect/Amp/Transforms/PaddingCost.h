//===- PaddingCost.h - Whether padding a contraction pays
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PADDINGCOST_H
#define VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PADDINGCOST_H

#include "vernier/Interfaces/ContractionOpInterface.h"
#include "vernier/Target/TargetModel.h"

namespace vernier::amp {

/// One contraction as the cost model sees it.
struct PaddingProblem {
  ContractionDims dims;
  /// What is multiplied, and the bytes of an element in memory: tf32 lies
  /// there as f32.
  mlir::Type operandType;
  int64_t operandBytes = 4, resultBytes = 4;
  /// What would be padded or cut by a copy: nothing computes it padded.
  bool copiesLhs = false, copiesRhs = false, copiesResult = false;
  /// Leading dimensions are multiples of that many elements.
  int64_t multiple = 8;
};

/// The extents that a contraction is given, and the time it then takes.
struct PaddedExtents {
  int64_t m, n, k;
  double seconds;
};

/// One of the three tensors of a product in memory.
struct TensorTraffic {
  double bytes;
  /// Whether its rows begin at multiples of 16 bytes.
  bool isAligned;
  /// Read and written by copies that pad or cut it.
  double copiedBytes = 0;
};

/// A roofline: the larger of the time of the products and that of the bytes,
/// then that of the copies. Rows that begin at other than multiples of 16 bytes
/// take longer (TargetModel::getMisalignedSlowdown). Both operands, which come
/// first, go through the tensor cores once for each tile of the result, in
/// equal parts; the result goes to memory once.
double estimateSeconds(const TargetModel &target, mlir::Type operandType,
                       double flops,
                       const std::array<TensorTraffic, 3> &tensors);

/// The time of `problem` at other extents.
double estimateSeconds(const TargetModel &target, const PaddingProblem &problem,
                       int64_t m, int64_t n, int64_t k);

/// Whether padding saves a tenth, which is what PyTorch's Inductor asks of its
/// measurements (torch/_inductor/fx_passes/pad_mm.py).
inline bool paysOff(double padded, double real) { return padded * 1.1 <= real; }

/// The fastest choice of dims to pad among those that are leading dimensions
/// and larger than 1. Extents stay where it does not pay off.
PaddedExtents choosePadding(const TargetModel &target,
                            const PaddingProblem &problem);

} // namespace vernier::amp

#endif // VERNIER_LIB_DIALECT_AMP_TRANSFORMS_PADDINGCOST_H
