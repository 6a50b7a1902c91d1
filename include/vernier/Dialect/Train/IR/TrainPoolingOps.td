//===- TrainPoolingOps.td - Pooling of images
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_TRAINPOOLINGOPS_TD
#define VERNIER_DIALECT_TRAIN_IR_TRAINPOOLINGOPS_TD

include "vernier/Dialect/Train/IR/TrainAttributes.td"

defvar Train_PoolingAttributes = (ins
    DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$window,
    DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
    DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$padding,
    UnitAttr:$adaptive);

class Train_PoolingOp<string mnemonic, list<Trait> traits = []>
    : Train_Op<mnemonic, "Follow", 0, "Call", traits # [Train_Costed]> {
  let results = (outs Train_FloatTensor:$result);
  let hasVerifier = 1;
}

def Train_Pool2dOp : Train_PoolingOp<"pool2d", [Train_Differentiable]> {
  let summary = "Maximum or average of windows of images";
  let description = [{
    y(n, p, q, c) combines x(n, h, w, c) for h in [p s0 - top, p s0 - top +
    window0) and w likewise, as far as they lie in the image: `max` takes the
    largest (NaN wins), `average` the mean of those that are in the image
    (PyTorch's count_include_pad=False), computed in f32 and rounded once.
    Images are (N, H, W, C); `padding` is [top, left, bottom, right].

    With `adaptive` the windows follow from the extents: window p covers rows
    floor(p H / P) up to, not including, ceil((p + 1) H / P), as PyTorch's
    adaptive pooling.

    Constraints:
    - (Q1) image and result have rank 4, equal N and C and one element type.
    - (Q2) window and strides are positive; padding is not negative and smaller
      than the window.
    - (Q3) the result is (N, P, Q, C) with P = floor((H + top + bottom - window0)
      / s0) + 1, Q likewise, every window with a pixel of the image in it.
    - (Q4) `adaptive` stands without window, strides and padding, and P <= H,
      Q <= W.

    Example:
    ```mlir
    %y = train.pool2d max %x window = [2, 2] strides = [2, 2] : tensor<2x8x8x16xf32> -> tensor<2x4x4x16xf32>
    ```
  }];
  let arguments = !con((ins Train_PoolKindAttr:$kind, Train_FloatTensor:$input),
                       Train_PoolingAttributes);
  let assemblyFormat = [{
    custom<PoolKind>($kind) $input (`window` `=` $window^)? (`strides` `=` $strides^)?
    (`padding` `=` $padding^)? (`adaptive` $adaptive^)? attr-dict `:` type($input) `->` type($result)
  }];
}

def Train_Pool2dGradientOp : Train_PoolingOp<"pool2d_gradient"> {
  let summary = "Gradient of train.pool2d with respect to its image";
  let description = [{
    `max` gives the gradient of a window to its largest element, the first in
    row-major order among equals (as PyTorch); `average` gives an equal share to
    each element of the image in the window. Sums of overlapping windows are kept
    in f32, in the order of the windows, and rounded once. `input` is the image
    that was pooled; only `max` reads it.

    Constraints:
    - (Q1) to (Q4) of `train.pool2d`, with the gradient in the place of its
      result and the result in that of its image.
    - (Q5) `max` has an input of the result's type, `average` has none.

    Example:
    ```mlir
    %dx = train.pool2d_gradient average %g window = [2, 2] strides = [2, 2] : (tensor<2x4x4x16xf32>) -> tensor<2x8x8x16xf32>
    ```
  }];
  let arguments = !con((ins Train_PoolKindAttr:$kind, Train_FloatTensor:$gradient,
                            Optional<Train_FloatTensor>:$input),
                       Train_PoolingAttributes);
  let assemblyFormat = [{
    custom<PoolKind>($kind) $gradient (`,` $input^)? (`window` `=` $window^)? (`strides` `=` $strides^)?
    (`padding` `=` $padding^)? (`adaptive` $adaptive^)? attr-dict `:` functional-type(operands, results)
  }];
}

#endif // VERNIER_DIALECT_TRAIN_IR_TRAINPOOLINGOPS_TD
