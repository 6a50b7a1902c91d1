//===- TrainOps.td - All ops of the train dialect
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_TRAINOPS_TD
#define VERNIER_DIALECT_TRAIN_IR_TRAINOPS_TD

include "vernier/Dialect/Train/IR/TrainActivationOps.td"
include "vernier/Dialect/Train/IR/TrainChannelOps.td"
include "vernier/Dialect/Train/IR/TrainContractionOps.td"
include "vernier/Dialect/Train/IR/TrainConvolutionOps.td"
include "vernier/Dialect/Train/IR/TrainIndexOps.td"
include "vernier/Dialect/Train/IR/TrainLossOps.td"
include "vernier/Dialect/Train/IR/TrainOptimizerOps.td"
include "vernier/Dialect/Train/IR/TrainPoolingOps.td"
include "vernier/Dialect/Train/IR/TrainShapeOps.td"

def Train_FusionOp : Op<Train_Dialect, "fusion",
    [IsolatedFromAbove, Pure, SingleBlock, FusionOpInterface]> {
  let summary = "Ops that run as one kernel";
  let description = [{
    A region of primitives that codegen turns into one loop nest: an elementwise
    body with at most one reduction pattern. The schedule says over what it
    loops, the same for every target:

    | schedule | iterates over | holds |
    |---|---|---|
    | `flat` | `cols` elements | elementwise ops on tensors of one shape, with scalars |
    | `rows` | `rows` rows of `cols` elements | elementwise ops with any broadcast; reductions over the last `cols` elements of a row |
    | `columns` | `cols` columns of `rows` elements | elementwise ops; reductions over the first dims |

    Values inside keep their tensor types; casts inside are real roundings.

    Constraints:
    - (F1) the block arguments have the types of the inputs, the yielded values
      those of the results.
    - (F2) only primitives inside: `arith`, `math`, `train.broadcast`,
      `train.reduce`, `train.one_hot`, `train.iota`, `tensor` reshapes.
    - (F3) reductions match the schedule.

    Example:
    ```mlir
    %y = train.fusion flat rows = 1 cols = 128 (%x) : (tensor<8x16xf32>) -> tensor<8x16xf32> {
    ^bb0(%a: tensor<8x16xf32>):
      %e = math.exp %a : tensor<8x16xf32>
      train.yield %e : tensor<8x16xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$inputs, Train_FusionScheduleAttr:$schedule,
                       I64Attr:$rows, I64Attr:$cols);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    custom<FusionSchedule>($schedule) `rows` `=` custom<PlainI64>($rows) `cols` `=` custom<PlainI64>($cols)
    `(` $inputs `)` `:` functional-type($inputs, $outputs) attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::vernier::FusionKind getFusionKind() { return ::vernier::FusionKind::Opaque; }
  }];
}

def Train_YieldOp : Op<Train_Dialect, "yield",
    [Pure, Terminator, ReturnLike, ParentOneOf<["FusionOp"]>]> {
  let summary = "Results of a fusion";
  let description = [{
    Ends the body of a `train.fusion`; its operands are the fusion's results.

    Example:
    ```mlir
    %y = train.fusion flat rows = 1 cols = 128 (%x) : (tensor<8x16xf32>) -> tensor<8x16xf32> {
    ^bb0(%a: tensor<8x16xf32>):
      %e = math.exp %a : tensor<8x16xf32>
      train.yield %e : tensor<8x16xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

#endif // VERNIER_DIALECT_TRAIN_IR_TRAINOPS_TD
