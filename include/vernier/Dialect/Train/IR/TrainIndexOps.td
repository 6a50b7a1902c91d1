//===- TrainIndexOps.td - Indices, rows by index, dropout
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_TRAININDEXOPS_TD
#define VERNIER_DIALECT_TRAIN_IR_TRAININDEXOPS_TD

include "vernier/Dialect/Train/IR/TrainAttributes.td"

def Train_IotaOp : Train_Op<"iota", "Follow", 0, "Elementwise", [CostOpInterface]> {
  let summary = "The index of each element";
  let description = [{
    Each element is its own index in row-major order: 0, 1, 2, ... A primitive of
    fusions: nothing is stored.

    Example:
    ```mlir
    %i = train.iota : tensor<2x3xi32>
    ```
  }];
  let results = (outs Train_IndexTensor:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Train_ArgmaxOp : Train_Op<"argmax", "Follow", 0, "Composite", [CostOpInterface]> {
  let summary = "Index of the largest element of each row";
  let description = [{
    The index along the last dim of the largest element, the first among equals; a
    NaN counts as the largest (as NumPy). It has no gradient.

    Constraints:
    - (A1) the result has the input's shape without the last dim, which is at
      least 1 and less than 2^24.

    Example:
    ```mlir
    %i = train.argmax %x : tensor<8x10xf32> -> tensor<8xi32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$input);
  let results = (outs Train_IndexTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Train_AccuracyOp : Train_Op<"accuracy", "FullInside", 1, "Composite", [CostOpInterface]> {
  let summary = "Share of the rows whose largest score is at the label";
  let description = [{
    The mean over the rows of 1 where `train.argmax` of the scores is the label, 0
    elsewhere. It has no gradient.

    Constraints:
    - (A2) logits are (N, C), labels (N), and the result is a scalar of f32.

    Example:
    ```mlir
    %a = train.accuracy %x, %labels : (tensor<8x10xbf16>, tensor<8xi32>) -> tensor<f32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$logits, Train_IndexTensor:$labels);
  let results = (outs Train_FloatScalar:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let extraClassDeclaration = interfaceDeclarations # [{
    bool keepsFullPrecisionResult() { return true; }
  }];
}

def Train_GatherOp : Train_Op<"gather", "Follow", 0, "Call",
    [Train_Differentiable, CostOpInterface]> {
  let summary = "Rows of a table by index";
  let description = [{
    result(i..., d...) = table(indices(i...), d...): an embedding look-up. The row
    of an index outside of the table is zero.

    Constraints:
    - (I1) the table has rank 1 or more and the result's shape is that of the
      indices, then that of a row of the table.
    - (I2) table and result have one element type.

    Example:
    ```mlir
    %e = train.gather %table, %i : (tensor<100x16xf32>, tensor<4x8xi32>) -> tensor<4x8x16xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$table, Train_IndexTensor:$indices);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Train_ScatterAddOp : Train_Op<"scatter_add", "FullInside", 1, "Call",
    [Train_Differentiable, Train_Costed]> {
  let summary = "Sums rows by index";
  let description = [{
    result(v, d...) is the sum of updates(i..., d...) over all i with indices(i...)
    = v, in the order of i, kept in f32 and rounded once: the adjoint of
    `train.gather`. Updates of an index outside of the result are dropped.

    Constraints:
    - (I1) the result has rank 1 or more and the shape of the updates is that of
      the indices, then that of a row of the result.

    Example:
    ```mlir
    %t = train.scatter_add %u, %i : (tensor<4x8x16xbf16>, tensor<4x8xi32>) -> tensor<100x16xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$updates, Train_IndexTensor:$indices);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Train_DropoutOp : Train_Op<"dropout", "FullInside", 1, "Composite",
    [Train_Differentiable, Train_Training, Train_Costed]> {
  let summary = "Zeros at random, the rest scaled up";
  let description = [{
    Each element is 0 with probability `rate`, else x / (1 - rate), computed in
    f32 and rounded once. Element i is kept if the first word of
    Philox2x32-10(counter = (i, step), key = `seed`) is at least rate 2^32 (Salmon
    et al. 2011): the choice depends on nothing but these numbers, no mask is
    stored, and the gradient makes the same choice again. `step` is a counter that
    the model keeps in a global of role "counter", which `@loss` loads, and stores
    with 1 added; a step that loss scaling skips leaves it as it is. Two dropouts
    of one model have different seeds. Outside of `@step` nothing is dropped
    (`--train-evaluation-mode`).

    Constraints:
    - (D1) 0 <= rate < 1, and fewer than 2^31 elements.
    - (D2) the result has the input's shape.

    Example:
    ```mlir
    %y = train.dropout %x step %n {rate = 0.1 : f64, seed = 7 : i32} : (tensor<8x16xbf16>, tensor<i32>) -> tensor<8x16xbf16>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$input, Train_StepScalar:$step,
                       F64Attr:$rate, I32Attr:$seed);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = "$input `step` $step attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif // VERNIER_DIALECT_TRAIN_IR_TRAININDEXOPS_TD
