//===- TrainShapeOps.td - Broadcast, reduce, transpose, one-hot
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_TRAINSHAPEOPS_TD
#define VERNIER_DIALECT_TRAIN_IR_TRAINSHAPEOPS_TD

include "vernier/Dialect/Train/IR/TrainAttributes.td"

def Train_AnyTensor : StaticShapeTensorOf<[Train_Float, I1, I32, I64]>;

def Train_BroadcastOp : Train_Op<"broadcast", "Follow", 0, "Elementwise",
    [Train_DifferentiableInAnyType, CostOpInterface]> {
  let summary = "Repeats a tensor along new or unit dims";
  let description = [{
    Dim i of the input becomes dim `dims[i]` of the result; the input repeats
    along every other dim, and along dims where its extent is 1.

    Constraints:
    - (B1) `dims` has one entry for each input dim, strictly increasing, within
      the result's rank.
    - (B2) each input extent is 1 or equals the result's.
    - (B3) input and result have one element type.

    Example:
    ```mlir
    %y = train.broadcast %b dims = [1] : tensor<16xf32> -> tensor<8x16xf32>
    ```
  }];
  let arguments = (ins Train_AnyTensor:$input, DenseI64ArrayAttr:$dims);
  let results = (outs Train_AnyTensor:$result);
  let assemblyFormat = "$input `dims` `=` $dims attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Train_ReduceOp : Train_Op<"reduce", "FullInside", 1, "Reduction",
    [Train_Differentiable, Train_Costed]> {
  let summary = "Sum, mean or maximum over some dims";
  let description = [{
    Combines all elements along `dims` and drops those dims. Sums are kept in
    f32 and rounded once to the result's element type; the order of the additions
    is the device's own, a tree fixed by the shape alone. The gradient of `max`
    is shared equally among equal maxima.

    Constraints:
    - (R1) `dims` is strictly increasing and within the input's rank.
    - (R2) the result's shape is the input's without `dims`.

    Example:
    ```mlir
    %s = train.reduce sum %x dims = [0] : tensor<8x16xbf16> -> tensor<16xf32>
    ```
  }];
  let arguments = (ins Train_ReduceKindAttr:$kind, Train_FloatTensor:$input,
                       DenseI64ArrayAttr:$dims);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = "custom<ReduceKind>($kind) $input `dims` `=` $dims attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Train_TransposeOp : Train_Op<"transpose", "Follow", 0, "Call",
    [Train_DifferentiableInAnyType, CostOpInterface]> {
  let summary = "Permutes dims";
  let description = [{
    Dim i of the result is dim `permutation[i]` of the input. A transpose of the
    last two dims in front of a contraction becomes its transpose flag.

    Constraints:
    - (T1) `permutation` is a permutation of the input's dims.
    - (T2) the result's extents are the input's, permuted; one element type.

    Example:
    ```mlir
    %y = train.transpose %x permutation = [1, 0] : tensor<8x16xf32> -> tensor<16x8xf32>
    ```
  }];
  let arguments = (ins Train_AnyTensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs Train_AnyTensor:$result);
  let assemblyFormat = "$input `permutation` `=` $permutation attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Train_OneHotOp : Train_Op<"one_hot", "Full", 0, "Elementwise", [CostOpInterface]> {
  let summary = "1 at each label, 0 elsewhere";
  let description = [{
    result(n, c) = 1 if labels(n) = c, else 0. A primitive of fusions: nothing is
    stored.

    Constraints:
    - (H1) labels is (N) and the result is (N, C).

    Example:
    ```mlir
    %t = train.one_hot %labels : tensor<8xi32> -> tensor<8x10xf32>
    ```
  }];
  let arguments = (ins Train_IndexTensor:$labels);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = "$labels attr-dict `:` type($labels) `->` type($result)";
  let hasVerifier = 1;
}

#endif // VERNIER_DIALECT_TRAIN_IR_TRAINSHAPEOPS_TD
