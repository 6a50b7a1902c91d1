//===- Convolution.h - Extents of convolutions and windows
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_CONVOLUTION_H
#define VERNIER_DIALECT_TRAIN_IR_CONVOLUTION_H

#include "mlir/IR/BuiltinTypes.h"

namespace vernier::train {

/// What a convolution multiplies, whichever of its three tensors is the result.
struct Convolution {
  mlir::RankedTensorType image;  ///< (N, H, W, C)
  mlir::RankedTensorType weight; ///< (O, KH, KW, C / groups)
  mlir::RankedTensorType output; ///< (N, P, Q, O)
  llvm::ArrayRef<int64_t> strides, padding, dilation;
  int64_t groups;

  /// Multiply-adds of all sums, padding included.
  int64_t countProducts() const {
    return output.getNumElements() * weight.getNumElements() /
           weight.getDimSize(0);
  }
};

/// The number of places of a window of `window` elements, `dilation` apart,
/// over `extent` elements and the padding on both sides.
inline int64_t countPlaces(int64_t extent, int64_t window, int64_t stride,
                           int64_t dilation, int64_t padding) {
  int64_t room = extent + padding - dilation * (window - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

} // namespace vernier::train

#endif // VERNIER_DIALECT_TRAIN_IR_CONVOLUTION_H
