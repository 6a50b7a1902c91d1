//===- TrainOptimizerOps.td - Gradient, clipping, schedule, update
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_DIALECT_TRAIN_IR_TRAINOPTIMIZEROPS_TD
#define VERNIER_DIALECT_TRAIN_IR_TRAINOPTIMIZEROPS_TD

include "mlir/IR/SymbolInterfaces.td"
include "vernier/Dialect/Train/IR/TrainAttributes.td"

def Train_GradientOp : Op<Train_Dialect, "gradient",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Value and gradient of a function";
  let description = [{
    Calls `callee` and differentiates its first result, the loss, with respect to
    the globals of `wrt`. The results are those of the callee followed by one
    gradient for each global, of the global's type. `--train-differentiate`
    replaces it by the callee's body and its reverse mode. With `micro_batches`
    = n the gradient is that of loss / n: summed over n micro-batches, that of
    the mean loss.

    Constraints:
    - (G1) `callee` is a function whose inputs match the operands.
    - (G2) its first result, the loss, is a rank-0 floating tensor.
    - (G3) every entry of `wrt` is a mutable global of floating type.
    - (G4) the result types are the callee's, then the globals'.
    - (G5) micro_batches is 1 or more.

    Example:
    ```mlir
    ml_program.global private mutable @w(dense<1.0> : tensor<8x4xf32>) : tensor<8x4xf32>
    func.func @loss(%x: tensor<8x4xf32>) -> tensor<f32> {
      %w = ml_program.global_load @w : tensor<8x4xf32>
      %loss = train.mse_loss %x, %w : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<f32>
      return %loss : tensor<f32>
    }
    func.func @step(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
      %loss, %dw = train.gradient @loss(%x) wrt [@w] : (tensor<8x4xf32>) -> (tensor<f32>, tensor<8x4xf32>)
      return %dw : tensor<8x4xf32>
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyType>:$inputs,
                       TypedArrayAttrBase<FlatSymbolRefAttr, "globals">:$wrt,
                       DefaultValuedAttr<I64Attr, "1">:$micro_batches);
  let results = (outs Variadic<AnyType>:$outputs);
  let assemblyFormat = [{
    $callee `(` $inputs `)` `wrt` $wrt attr-dict `:` functional-type($inputs, $outputs)
  }];
}

def Train_SeedOp : Train_Op<"seed", "Full", 0, "Composite"> {
  let summary = "The gradient of the loss with respect to itself";
  let description = [{
    The constant 1 from which reverse mode starts. It marks the place where
    `--amp-loss-scaling` puts the scale.

    Example:
    ```mlir
    %s = train.seed : tensor<f32>
    ```
  }];
  let results = (outs Train_FloatScalar:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Train_ClipByGlobalNormOp : Train_Op<"clip_by_global_norm", "Full", 1, "Composite"> {
  let summary = "Scales gradients so that their global norm has a bound";
  let description = [{
    norm = sqrt of the sum of squares of all elements of all gradients, in f32;
    every gradient is multiplied by min(1, max_norm / (norm + 1e-6)), as
    torch.nn.utils.clip_grad_norm_ does. The last result is the norm.

    Constraints:
    - (C1) at least one gradient; `max_norm` > 0.
    - (C2) each clipped gradient has its gradient's shape and element type f32.

    Example:
    ```mlir
    %c, %norm = train.clip_by_global_norm %g {max_norm = 1.0 : f64} : (tensor<8x4xbf16>) -> (tensor<8x4xf32>, tensor<f32>)
    ```
  }];
  let arguments = (ins Variadic<Train_FloatTensor>:$gradients, F64Attr:$max_norm);
  let results = (outs Variadic<Train_FloatTensor>:$clipped, Train_FloatScalar:$norm);
  let assemblyFormat = "$gradients attr-dict `:` functional-type($gradients, results)";
  let hasVerifier = 1;
}

def Train_LearningRateOp : Train_Op<"learning_rate", "Full", 1, "Composite"> {
  let summary = "The learning rate of a step";
  let description = [{
    With the number t of the step (the first is 1), W = warmup_steps and
    T = total_steps: during warm-up (t < W) the rate is base * t / W. After it,
    with p = clamp((t - W) / (T - W), 0, 1): `constant` keeps base; `linear` goes
    to `final` as base + (final - base) p; `cosine` as
    final + (base - final) (1 + cos(pi p)) / 2.

    Constraints:
    - (S2) 0 <= warmup_steps; total_steps > warmup_steps unless constant.

    Example:
    ```mlir
    %lr = train.learning_rate %t {base = 1.0e-3 : f64, schedule = #train<schedule cosine>, total_steps = 1000 : i64, warmup_steps = 10 : i64} : (tensor<i32>) -> tensor<f32>
    ```
  }];
  let arguments = (ins Train_StepScalar:$step,
                       DefaultValuedAttr<Train_ScheduleAttr, "Schedule::Constant">:$schedule,
                       F64Attr:$base, DefaultValuedAttr<F64Attr, "0.0">:$final,
                       DefaultValuedAttr<I64Attr, "0">:$warmup_steps,
                       DefaultValuedAttr<I64Attr, "0">:$total_steps);
  let results = (outs 0DTensorOf<[F32]>:$result);
  let assemblyFormat = "$step attr-dict `:` functional-type($step, $result)";
  let hasVerifier = 1;
}

def Train_UpdateOp : Train_Op<"update", "Full", 1, "Composite",
    [CostOpInterface]> {
  let summary = "One optimizer's update of one parameter";
  let description = [{
    The parameter and the optimizer's states after a step, in f32. The gradient
    may be in 16 bits: it is widened where it is read. `step` is the number t of
    the step, the first being 1.

    Constraints:
    - (U1) parameter, gradient, states and their results have one shape.
    - (U2) the number of states is the optimizer's (see its attribute).
    - (U3) each global is stored by at most one update of a function.

    Example:
    ```mlir
    %p1, %m1, %v1 = train.update #train.adamw<> %p, %g, %lr, %t states(%m, %v) : (tensor<4x4xf32>, tensor<4x4xbf16>, tensor<f32>, tensor<i32>, tensor<4x4xf32>, tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>)
    ```
  }];
  let arguments = (ins Train_OptimizerAttr:$optimizer,
                       StaticShapeTensorOf<[F32]>:$parameter, Train_FloatTensor:$gradient,
                       0DTensorOf<[F32]>:$learning_rate, Train_StepScalar:$step,
                       Variadic<StaticShapeTensorOf<[F32]>>:$states);
  let results = (outs StaticShapeTensorOf<[F32]>:$new_parameter,
                      Variadic<StaticShapeTensorOf<[F32]>>:$new_states);
  let assemblyFormat = [{
    $optimizer $parameter `,` $gradient `,` $learning_rate `,` $step
    (`states` `(` $states^ `)`)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = interfaceDeclarations # [{
    /// How many states `optimizer` keeps for each parameter.
    static unsigned getStateCount(::mlir::Attribute optimizer);
  }];
}

#endif // VERNIER_DIALECT_TRAIN_IR_TRAINOPTIMIZEROPS_TD
