// RUN: rm -rf %t && mkdir %t

// What the stages promise holds behind their passes, and the check alone knows where
// it does not: each module that it refuses is one that every other verifier accepts.

// A model is as it was written: one attribute that nobody reads is refused.
// RUN: vernier-opt %s -o %t/model.mlir --verify-stage=model
// RUN: sed 's/train.matmul %[0-9]*, %[0-9]*/& {fast}/' %t/model.mlir > %t/broken-model.mlir
// RUN: vernier-opt %t/broken-model.mlir -o /dev/null
// RUN: not vernier-opt %t/broken-model.mlir --verify-stage=model 2>&1 | FileCheck %s --check-prefix=MODEL
// MODEL: error: unknown attribute 'fast' of 'train.matmul'

// Calls are inlined by import.
// RUN: vernier-opt %t/model.mlir -o %t/import.mlir --inline --canonicalize --cse --symbol-dce
// RUN: vernier-opt %t/import.mlir -o /dev/null --verify-stage=import
// RUN: not vernier-opt %t/model.mlir --verify-stage=import 2>&1 | FileCheck %s --check-prefix=IMPORT
// IMPORT: error: after import: a call remains; run --inline first

// Precisions are decided by autocast.
// RUN: vernier-opt %t/import.mlir -o %t/autocast.mlir --amp-autocast=policy=f16 --amp-materialize-casts
// RUN: vernier-opt %t/autocast.mlir -o /dev/null --verify-stage=autocast
// RUN: not vernier-opt %t/import.mlir --verify-stage=autocast 2>&1 | FileCheck %s --check-prefix=AUTOCAST
// AUTOCAST: error: after autocast: no precision decided for 'train.matmul'; run --amp-autocast

// The gradient is written out by differentiation.
// RUN: vernier-opt %t/autocast.mlir -o %t/attached.mlir --train-attach-optimizer=optimizer=sgd
// RUN: vernier-opt %t/attached.mlir -o %t/differentiate.mlir --train-differentiate --canonicalize --cse
// RUN: vernier-opt %t/differentiate.mlir -o /dev/null --verify-stage=differentiate
// RUN: not vernier-opt %t/attached.mlir --verify-stage=differentiate 2>&1 | FileCheck %s --check-prefix=DIFFERENTIATE
// DIFFERENTIATE: error: after differentiate: a train.gradient remains; run --train-differentiate

// Loss scaling gates every state change: a plain choice between old and new is none.
// RUN: vernier-opt %t/differentiate.mlir -o %t/loss-scaling.mlir --amp-loss-scaling
// RUN: vernier-opt %t/loss-scaling.mlir -o /dev/null --verify-stage=loss-scaling
// RUN: sed '/amp.gate.*tensor<f32>/s/amp.gate/arith.select/' %t/loss-scaling.mlir > %t/ungated.mlir
// RUN: vernier-opt %t/ungated.mlir -o /dev/null
// RUN: not vernier-opt %t/ungated.mlir --verify-stage=loss-scaling 2>&1 | FileCheck %s --check-prefix=SCALING
// SCALING: error: after loss-scaling: the state change is not gated by the step's amp.all_finite

// Evaluation drops nothing.
// RUN: vernier-opt %t/loss-scaling.mlir -o %t/evaluation.mlir --train-evaluation-mode
// RUN: vernier-opt %t/evaluation.mlir -o /dev/null --verify-stage=evaluation
// RUN: not vernier-opt %t/loss-scaling.mlir --verify-stage=evaluation 2>&1 | FileCheck %s --check-prefix=EVALUATION
// EVALUATION: error: after evaluation: 'train.dropout' in '@loss' belongs to training; run --train-evaluation-mode

// Padding has looked at each contraction.
// RUN: vernier-opt %t/evaluation.mlir -o %t/pad.mlir --attach-target=target=cuda:sm_90 --amp-pad-for-tensor-cores
// RUN: vernier-opt %t/pad.mlir -o /dev/null --verify-stage=pad
// RUN: not vernier-opt %t/evaluation.mlir --verify-stage=pad 2>&1 | FileCheck %s --check-prefix=PAD
// PAD: error: after pad: nobody has looked at the leading dimensions of 'train.matmul'; run --amp-pad-for-tensor-cores

// Everything is in a fusion or a call.
// RUN: vernier-opt %t/evaluation.mlir -o %t/legal.mlir \
// RUN:   --pass-pipeline='builtin.module(attach-target{target=cpu},func.func(train-legalize-contractions,train-expand-composites,canonicalize,cse,train-prepare-fusions))'
// RUN: vernier-opt %t/legal.mlir -o %t/codegen.mlir --pass-pipeline='builtin.module(func.func(train-form-fusions,train-fuse-padding))'
// RUN: vernier-opt %t/codegen.mlir -o /dev/null --verify-stage=codegen
// RUN: not vernier-opt %t/legal.mlir --verify-stage=codegen 2>&1 | FileCheck %s --check-prefix=CODEGEN
// CODEGEN: error: after codegen: '{{.*}}' is neither in a fusion nor a library call; run --train-form-fusions

// Every buffer of a plan has its place.
// RUN: vernier-opt %t/codegen.mlir -o %t/converted.mlir --convert-train-to-plan
// RUN: vernier-opt %t/converted.mlir -o /dev/null --plan-assign-buffers --verify-stage=plan
// RUN: not vernier-opt %t/converted.mlir --verify-stage=plan 2>&1 | FileCheck %s --check-prefix=PLAN
// PLAN: error: after plan: the buffer has no offset; run --plan-assign-buffers

// It changes nothing.
// RUN: vernier-opt %t/evaluation.mlir --verify-stage=evaluation | diff %t/evaluation.mlir -
module {
  ml_program.global private mutable @w(#train.constant<0.5>) : tensor<f32> {train.role = "parameter"}
  ml_program.global private mutable @n(dense<0> : tensor<i32>) : tensor<i32> {train.role = "counter"}

  func.func private @scale(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
    %w = ml_program.global_load @w : tensor<f32>
    %0 = train.broadcast %w dims = [] : tensor<f32> -> tensor<8x8xf32>
    %1 = arith.mulf %x, %0 : tensor<8x8xf32>
    return %1 : tensor<8x8xf32>
  }
  func.func @loss(%x: tensor<8x8xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
    %n = ml_program.global_load @n : tensor<i32>
    %0 = call @scale(%x) : (tensor<8x8xf32>) -> tensor<8x8xf32>
    %1 = train.dropout %0 step %n {rate = 0.5 : f64, seed = 1 : i32} : (tensor<8x8xf32>, tensor<i32>) -> tensor<8x8xf32>
    %2 = train.matmul %1, %1 : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    %3 = train.reduce mean %2 dims = [0, 1] : tensor<8x8xf32> -> tensor<f32>
    return %3 : tensor<f32>
  }
}
