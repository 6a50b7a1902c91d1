//===- TrainConvolutionOps.td - Convolutions over images
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_TRAINCONVOLUTIONOPS_TD
#define VERNIER_DIALECT_TRAIN_IR_TRAINCONVOLUTIONOPS_TD

include "vernier/Dialect/Train/IR/TrainAttributes.td"

defvar Train_ConvolutionAttributes = (ins
    DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
    DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$padding,
    DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilation,
    DefaultValuedAttr<I64Attr, "1">:$groups,
    OptionalAttr<TypeAttr>:$accumulate_type, UnitAttr:$tf32);

/// The sums that the three ops share; they differ in which of the three tensors
/// is the result.
class Train_ConvolutionOp<string mnemonic, list<Trait> traits = []>
    : Train_Op<mnemonic, "Low", 1, "Contraction",
               traits # [Train_Costed,
                         DeclareOpInterfaceMethods<ContractionOpInterface,
                                                   ["isMatrixProduct"]>]> {
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = [{
    operands (`strides` `=` $strides^)? (`padding` `=` $padding^)?
    (`dilation` `=` $dilation^)? (`groups` `=` $groups^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = interfaceDeclarations # [{
    /// The three tensors' extents and how the kernel moves.
    ::vernier::train::Convolution getConvolution();
  }];
}

def Train_Conv2dOp : Train_ConvolutionOp<"conv2d", [Train_DifferentiableInAnyType]> {
  let summary = "2-D convolution of images";
  let description = [{
    The sum, for each place of the kernel, of the products of kernel and image:
    y(n, p, q, o) = sum over (i, j, c) of x(n, p s0 + i d0 - top, q s1 + j d1 -
    left, c) * w(o, i, j, c), where x is 0 outside of the image (a
    cross-correlation, as in PyTorch and ONNX). Images are (N, H, W, C), channels
    last, so that all channels of a pixel are one row: biases and batch
    statistics are rows and columns of fusions, and a 1x1 convolution is a matrix
    product. Weights are (O, KH, KW, C / groups), `strides` [s0, s1], `padding`
    [top, left, bottom, right] (ONNX's order), `dilation` [d0, d1]. With `groups`
    G the channels of image and result are cut into G equal parts, part g of the
    result made from part g of the image; G = C is a depthwise convolution.

    Sums, accumulate type, `tf32` and subnormals as in `train.matmul`. A bias is
    added behind it: train.broadcast and arith.addf join the next fusion.

    Constraints:
    - (V1) image, weight and result have rank 4; image and weight one element
      type.
    - (V2) strides, dilation and groups are positive, padding is not negative.
    - (V3) `groups` divides C and O; the weight has C / groups channels.
    - (V4) the result is (N, P, Q, O) with P = floor((H + top + bottom -
      d0 (KH - 1) - 1) / s0) + 1, Q likewise, both at least 1.
    - (V5) `tf32` needs f32 operands.

    Example:
    ```mlir
    %y = train.conv2d %x, %w padding = [1, 1, 1, 1] : (tensor<2x8x8x3xf32>, tensor<16x3x3x3xf32>) -> tensor<2x8x8x16xf32>
    ```
  }];
  let arguments = !con((ins Train_FloatTensor:$input, Train_FloatTensor:$weight),
                       Train_ConvolutionAttributes);
}

def Train_Conv2dInputGradientOp : Train_ConvolutionOp<"conv2d_input_gradient"> {
  let summary = "Gradient of a 2-D convolution with respect to its image";
  let description = [{
    The adjoint of `train.conv2d` in the image (a transposed convolution):
    dx(n, h, w, c) = sum of g(n, p, q, o) * weight(o, i, j, c) over all (p, q, o,
    i, j) that multiply x(n, h, w, c) in the convolution with the same attributes.

    Constraints:
    - (V1) to (V5) of `train.conv2d`, with the gradient in the place of its
      result and the result in that of its image.

    Example:
    ```mlir
    %dx = train.conv2d_input_gradient %g, %w padding = [1, 1, 1, 1] : (tensor<2x8x8x16xf32>, tensor<16x3x3x3xf32>) -> tensor<2x8x8x3xf32>
    ```
  }];
  let arguments = !con((ins Train_FloatTensor:$gradient, Train_FloatTensor:$weight),
                       Train_ConvolutionAttributes);
}

def Train_Conv2dWeightGradientOp : Train_ConvolutionOp<"conv2d_weight_gradient"> {
  let summary = "Gradient of a 2-D convolution with respect to its weight";
  let description = [{
    The adjoint of `train.conv2d` in the weight: dw(o, i, j, c) = sum over (n, p,
    q) of g(n, p, q, o) * x(n, p s0 + i d0 - top, q s1 + j d1 - left, c).

    Constraints:
    - (V1) to (V5) of `train.conv2d`, with the gradient in the place of its
      result and the result in that of its weight.

    Example:
    ```mlir
    %dw = train.conv2d_weight_gradient %x, %g padding = [1, 1, 1, 1] : (tensor<2x8x8x3xf32>, tensor<2x8x8x16xf32>) -> tensor<16x3x3x3xf32>
    ```
  }];
  let arguments = !con((ins Train_FloatTensor:$input, Train_FloatTensor:$gradient),
                       Train_ConvolutionAttributes);
}

#endif // VERNIER_DIALECT_TRAIN_IR_TRAINCONVOLUTIONOPS_TD
