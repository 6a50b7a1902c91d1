//===- TrainContractionOps.td - Matmul and linear
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_TRAINCONTRACTIONOPS_TD
#define VERNIER_DIALECT_TRAIN_IR_TRAINCONTRACTIONOPS_TD

include "vernier/Dialect/Train/IR/TrainAttributes.td"

class Train_ContractionOp<string mnemonic, list<Trait> traits = []>
    : Train_Op<mnemonic, "Low", 1, "Contraction",
               traits # [Train_DifferentiableInAnyType, Train_Costed,
                         DeclareOpInterfaceMethods<ContractionOpInterface>]> {
  let hasVerifier = 1;
}

def Train_MatmulOp : Train_ContractionOp<"matmul"> {
  let summary = "Batched matrix product";
  let description = [{
    The matrix product of the last two dims, for each index of the leading
    (batch) dims: result(..., m, n) = sum over k of lhs(..., m, k) *
    rhs(..., k, n). `transpose_lhs` and `transpose_rhs` say that an operand is
    stored with its last two dims swapped. Products are exact, sums are kept in
    `accumulate_type` (f32 unless given), then rounded once to the result's type,
    which may be wider than the operands'. With `tf32` the f32 operands are first
    rounded to 10 mantissa bits (nearest even). `epilogue` is applied to the sums
    before that rounding. Where the target multiplies bf16 natively (AVX512-BF16,
    AMX), subnormal operands and sums, those on the way included, are 0.

    Constraints:
    - (M1) lhs and rhs have one element type and rank 2 or more.
    - (M2) the batch dims are equal, or rhs has rank 2 and serves every batch.
    - (M3) the contracted extents are equal.
    - (M4) the result has shape (batch..., M, N).
    - (M5) `tf32` needs f32 operands.

    Example:
    ```mlir
    %c = train.matmul %a, %b {transpose_rhs} : (tensor<8x16xbf16>, tensor<4x16xbf16>) -> tensor<8x4xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$lhs, Train_FloatTensor:$rhs,
                       UnitAttr:$transpose_lhs, UnitAttr:$transpose_rhs,
                       OptionalAttr<TypeAttr>:$accumulate_type, UnitAttr:$tf32,
                       DefaultValuedAttr<Train_EpilogueAttr, "Epilogue::None">:$epilogue);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
}

def Train_LinearOp : Train_ContractionOp<"linear"> {
  let summary = "Affine map of the last dim";
  let description = [{
    y(..., n) = sum over k of x(..., k) * weight(n, k) + bias(n), with the weight
    stored (out features, in features) as PyTorch does. The bias is added to the
    sums in `accumulate_type` (f32 unless given) before they are rounded once to
    the result's type. `tf32`, `epilogue` and subnormals as in `train.matmul`.

    Constraints:
    - (L1) input and weight have one element type; the bias has that or f32.
    - (L2) weight is (N, K), bias is (N), input is (..., K).
    - (L3) the result has shape (..., N).
    - (L4) `tf32` needs f32 operands.

    Example:
    ```mlir
    %y = train.linear %x, %w, %b : (tensor<8x16xf32>, tensor<4x16xf32>, tensor<4xf32>) -> tensor<8x4xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$input, Train_FloatTensor:$weight,
                       Optional<Train_FloatTensor>:$bias,
                       OptionalAttr<TypeAttr>:$accumulate_type, UnitAttr:$tf32,
                       DefaultValuedAttr<Train_EpilogueAttr, "Epilogue::None">:$epilogue);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $weight (`,` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
}

#endif // VERNIER_DIALECT_TRAIN_IR_TRAINCONTRACTIONOPS_TD
