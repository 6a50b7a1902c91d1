//===- TrainChannelOps.td - Normalisation of channels
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_TRAINCHANNELOPS_TD
#define VERNIER_DIALECT_TRAIN_IR_TRAINCHANNELOPS_TD

include "vernier/Dialect/Train/IR/TrainAttributes.td"

class Train_ChannelOp<string mnemonic, list<Trait> traits = []>
    : Train_Op<mnemonic, "FullInside", 1, "Composite",
               traits # [Train_Differentiable, Train_Costed]> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Train_BatchNormOp : Train_ChannelOp<"batch_norm", [Train_Training]> {
  let summary = "Batch normalisation, in training";
  let description = [{
    (x - mean) / sqrt(var + epsilon) * scale + bias with mean and biased variance
    of each channel (the last dim) over all other dims, computed in f32 and
    rounded once. Ioffe and Szegedy 2015. The other two results are the running
    statistics after this batch, for `train.batch_norm_inference`: (1 - momentum)
    running + momentum statistic, with the unbiased variance (as PyTorch). They
    have no gradient. A model keeps them in two globals of role "statistic" that
    `@loss` loads and stores; a step that loss scaling skips leaves them as they
    are. Outside of `@step` the op is `train.batch_norm_inference`
    (`--train-evaluation-mode`).

    Constraints:
    - (N1) scale, bias and both statistics are (C) with C the last dim of the
      input, which has rank 2 or more.
    - (N2) the result has the input's shape.
    - (N3) the new statistics have the types of the old ones.

    Example:
    ```mlir
    %y, %m, %v = train.batch_norm %x, %g, %b, %mean, %var {momentum = 0.1 : f64} : (tensor<8x4x4x16xbf16>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> (tensor<8x4x4x16xbf16>, tensor<16xf32>, tensor<16xf32>)
    ```
  }];
  let arguments = (ins Train_FloatTensor:$input, Train_FloatTensor:$scale,
                       Train_FloatTensor:$bias, Train_FloatTensor:$running_mean,
                       Train_FloatTensor:$running_var,
                       DefaultValuedAttr<F64Attr, "1.0e-5">:$epsilon,
                       DefaultValuedAttr<F64Attr, "0.1">:$momentum);
  let results = (outs Train_FloatTensor:$result, Train_FloatTensor:$new_mean,
                      Train_FloatTensor:$new_var);
  let extraClassDeclaration = interfaceDeclarations # [{
    /// The statistics keep their type.
    ::llvm::SmallVector<::mlir::OpOperand *> getPrecisionOperands();
    ::llvm::SmallVector<::mlir::OpResult> getPrecisionResults() {
      return {::llvm::cast<::mlir::OpResult>(getResult())};
    }
  }];
}

def Train_BatchNormInferenceOp : Train_ChannelOp<"batch_norm_inference"> {
  let summary = "Batch normalisation with given statistics";
  let description = [{
    (x - mean) / sqrt(var + epsilon) * scale + bias for each channel (the last
    dim), computed in f32 and rounded once.

    Constraints:
    - (N1) scale, bias, mean and var are (C) with C the last dim of the input,
      which has rank 2 or more.
    - (N2) the result has the input's shape.

    Example:
    ```mlir
    %y = train.batch_norm_inference %x, %g, %b, %mean, %var : (tensor<8x4x4x16xbf16>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<8x4x4x16xbf16>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$input, Train_FloatTensor:$scale,
                       Train_FloatTensor:$bias, Train_FloatTensor:$mean,
                       Train_FloatTensor:$var,
                       DefaultValuedAttr<F64Attr, "1.0e-5">:$epsilon);
  let results = (outs Train_FloatTensor:$result);
  let extraClassDeclaration = interfaceDeclarations # [{
    /// The statistics keep their type.
    ::llvm::SmallVector<::mlir::OpOperand *> getPrecisionOperands();
  }];
}

def Train_GroupNormOp : Train_ChannelOp<"group_norm"> {
  let summary = "Group normalisation";
  let description = [{
    (x - mean) / sqrt(var + epsilon) * scale + bias, with mean and biased variance
    of each sample (the first dim) and each of `groups` equal parts of the
    channels (the last dim), computed in f32 and rounded once. Wu and He 2018.

    Constraints:
    - (N1) scale and bias are (C) with C the last dim of the input, which has
      rank 2 or more.
    - (N2) the result has the input's shape.
    - (N4) `groups` divides C.

    Example:
    ```mlir
    %y = train.group_norm %x, %g, %b {groups = 4 : i64} : (tensor<8x4x4x16xbf16>, tensor<16xf32>, tensor<16xf32>) -> tensor<8x4x4x16xbf16>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$input, Train_FloatTensor:$scale,
                       Train_FloatTensor:$bias, I64Attr:$groups,
                       DefaultValuedAttr<F64Attr, "1.0e-5">:$epsilon);
  let results = (outs Train_FloatTensor:$result);
}

#endif // VERNIER_DIALECT_TRAIN_IR_TRAINCHANNELOPS_TD
