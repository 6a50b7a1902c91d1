//===- TrainActivationOps.td - Activations, softmax, normalisations
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_TRAINACTIVATIONOPS_TD
#define VERNIER_DIALECT_TRAIN_IR_TRAINACTIVATIONOPS_TD

include "vernier/Dialect/Train/IR/TrainAttributes.td"

//===----------------------------------------------------------------------===//
// Activations: computed in f32, rounded once
//===----------------------------------------------------------------------===//

class Train_ActivationOp<string mnemonic>
    : Train_Op<mnemonic, "Follow", 0, "Composite",
               [SameOperandsAndResultType, Train_Differentiable, CostOpInterface]> {
  let arguments = (ins Train_FloatTensor:$input);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}

def Train_ReluOp : Train_ActivationOp<"relu"> {
  let summary = "Rectified linear unit";
  let description = [{
    max(x, 0), elementwise; NaN stays NaN. The gradient passes where the result
    is positive or NaN, and is 0 at 0.

    Example:
    ```mlir
    %y = train.relu %x : tensor<8x16xf32>
    ```
  }];
}

def Train_GeluOp : Train_ActivationOp<"gelu"> {
  let summary = "Gaussian error linear unit";
  let description = [{
    x * Phi(x) with the normal distribution function Phi, elementwise: exactly,
    0.5 x (1 + erf(x / sqrt 2)), or in the `tanh` form,
    0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).

    Example:
    ```mlir
    %y = train.gelu %x {form = #train<gelu_form tanh>} : tensor<8x16xbf16>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$input,
                       DefaultValuedAttr<Train_GeluFormAttr, "GeluForm::Erf">:$form);
}

def Train_SiluOp : Train_ActivationOp<"silu"> {
  let summary = "Sigmoid linear unit";
  let description = [{
    x / (1 + exp(-x)), elementwise.

    Example:
    ```mlir
    %y = train.silu %x : tensor<8x16xf32>
    ```
  }];
}

def Train_SigmoidOp : Train_ActivationOp<"sigmoid"> {
  let summary = "Logistic function";
  let description = [{
    1 / (1 + exp(-x)), elementwise.

    Example:
    ```mlir
    %y = train.sigmoid %x : tensor<8x16xf32>
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Softmax and normalisations over the last dim
//===----------------------------------------------------------------------===//

class Train_RowOp<string mnemonic, list<Trait> traits = []>
    : Train_Op<mnemonic, "FullInside", 1, "Composite",
               traits # [Train_Differentiable, Train_Costed]> {
  let results = (outs Train_FloatTensor:$result);
}

class Train_SoftmaxLikeOp<string mnemonic>
    : Train_RowOp<mnemonic, [SameOperandsAndResultShape]> {
  let arguments = (ins Train_FloatTensor:$input);
  let assemblyFormat = "$input attr-dict `:` functional-type($input, $result)";
  let hasVerifier = 1;
}

def Train_SoftmaxOp : Train_SoftmaxLikeOp<"softmax"> {
  let summary = "Softmax over the last dim";
  let description = [{
    exp(x - max) / sum(exp(x - max)) over the last dim, computed in f32 and
    rounded once to the result's element type.

    Constraints:
    - (S1) the input has rank 1 or more.

    Example:
    ```mlir
    %y = train.softmax %x : (tensor<8x10xbf16>) -> tensor<8x10xbf16>
    ```
  }];
}

def Train_LogSoftmaxOp : Train_SoftmaxLikeOp<"log_softmax"> {
  let summary = "Logarithm of softmax over the last dim";
  let description = [{
    x - max - log(sum(exp(x - max))) over the last dim, computed in f32 and
    rounded once to the result's element type.

    Constraints:
    - (S1) the input has rank 1 or more.

    Example:
    ```mlir
    %y = train.log_softmax %x : (tensor<8x10xf32>) -> tensor<8x10xf32>
    ```
  }];
}

def Train_LayerNormOp : Train_RowOp<"layer_norm"> {
  let summary = "Layer normalisation over the last dim";
  let description = [{
    (x - mean) / sqrt(var + epsilon) * scale + bias over the last dim C, with the
    biased variance, computed in f32 and rounded once. Ba, Kiros, Hinton 2016.

    Constraints:
    - (N1) scale and bias are (C) with C the last dim of the input.
    - (N2) the result has the input's shape.
    - (N3) all types are f64, or none is.

    Example:
    ```mlir
    %y = train.layer_norm %x, %g, %b {epsilon = 1.0e-5 : f64} : (tensor<8x16xbf16>, tensor<16xf32>, tensor<16xf32>) -> tensor<8x16xbf16>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$input, Train_FloatTensor:$scale,
                       Train_FloatTensor:$bias,
                       DefaultValuedAttr<F64Attr, "1.0e-5">:$epsilon);
  let assemblyFormat = [{
    $input `,` $scale `,` $bias attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Train_RmsNormOp : Train_RowOp<"rms_norm"> {
  let summary = "Root-mean-square normalisation over the last dim";
  let description = [{
    x / sqrt(mean(x^2) + epsilon) * scale over the last dim C, computed in f32
    and rounded once. Zhang and Sennrich 2019.

    Constraints:
    - (N1) scale is (C) with C the last dim of the input.
    - (N2) the result has the input's shape.
    - (N3) all types are f64, or none is.

    Example:
    ```mlir
    %y = train.rms_norm %x, %g : (tensor<8x16xf32>, tensor<16xf32>) -> tensor<8x16xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$input, Train_FloatTensor:$scale,
                       DefaultValuedAttr<F64Attr, "1.0e-6">:$epsilon);
  let assemblyFormat = [{
    $input `,` $scale attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // VERNIER_DIALECT_TRAIN_IR_TRAINACTIVATIONOPS_TD
