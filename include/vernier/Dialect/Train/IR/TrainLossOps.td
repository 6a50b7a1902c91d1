//===- TrainLossOps.td - Losses
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_TRAINLOSSOPS_TD
#define VERNIER_DIALECT_TRAIN_IR_TRAINLOSSOPS_TD

include "vernier/Dialect/Train/IR/TrainAttributes.td"

class Train_LossOp<string mnemonic, list<Trait> traits = []>
    : Train_Op<mnemonic, "FullInside", 1, "Composite",
               traits # [Train_Differentiable, Train_Costed]> {
  let results = (outs Train_FloatScalar:$loss);
  let hasVerifier = 1;
  // A loss is never written in 16 bits, whatever it reads.
  let extraClassDeclaration = interfaceDeclarations # [{
    bool keepsFullPrecisionResult() { return true; }
    void setResultPrecision(::mlir::FloatType) {}
  }];
}

def Train_CrossEntropyOp : Train_LossOp<"cross_entropy"> {
  let summary = "Cross entropy of class scores with class indices";
  let description = [{
    With p = softmax of the last dim of `logits` (N, C) and labels (N):
    each row's loss is -(1 - s) log p(label) - s / C * sum over c of log p(c),
    with the label smoothing s; the result is the mean (or sum) of the rows.
    Computed in f32. Labels lie in [0, C): the runtime checks its data once.

    Constraints:
    - (E1) logits is (N, C) and labels is (N).
    - (E2) 0 <= label_smoothing < 1.
    - (E3) the loss is a rank-0 tensor of f32 (f64 in exact references).

    Example:
    ```mlir
    %loss = train.cross_entropy %logits, %labels : (tensor<8x10xbf16>, tensor<8xi32>) -> tensor<f32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$logits, Train_IndexTensor:$labels,
                       DefaultValuedAttr<F64Attr, "0.0">:$label_smoothing,
                       DefaultValuedAttr<Train_ReductionAttr, "Reduction::Mean">:$reduction);
  let assemblyFormat = "$logits `,` $labels attr-dict `:` functional-type(operands, results)";
}

class Train_PairLossOp<string mnemonic> : Train_LossOp<mnemonic> {
  let arguments = (ins Train_FloatTensor:$input, Train_FloatTensor:$target,
                       DefaultValuedAttr<Train_ReductionAttr, "Reduction::Mean">:$reduction);
  let assemblyFormat = "$input `,` $target attr-dict `:` functional-type(operands, results)";
}

def Train_MseLossOp : Train_PairLossOp<"mse_loss"> {
  let summary = "Mean squared error";
  let description = [{
    The mean (or sum) over all elements of (input - target)^2, computed in f32.

    Constraints:
    - (E3) the loss is a rank-0 tensor of f32 (f64 in exact references).
    - (E4) input and target have one shape.

    Example:
    ```mlir
    %loss = train.mse_loss %y, %t : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<f32>
    ```
  }];
}

def Train_BceWithLogitsLossOp : Train_PairLossOp<"bce_with_logits_loss"> {
  let summary = "Binary cross entropy of scores before the sigmoid";
  let description = [{
    The mean (or sum) over all elements of max(x, 0) - x t + log1p(exp(-|x|)),
    computed in f32; finite for every finite x.

    Constraints:
    - (E3) the loss is a rank-0 tensor of f32 (f64 in exact references).
    - (E4) input and target have one shape.

    Example:
    ```mlir
    %loss = train.bce_with_logits_loss %x, %t {reduction = #train<reduction sum>} : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<f32>
    ```
  }];
}

#endif // VERNIER_DIALECT_TRAIN_IR_TRAINLOSSOPS_TD
