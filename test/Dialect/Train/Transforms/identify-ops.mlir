// RUN: vernier-opt %s --train-identify-ops --inline --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s
// RUN: vernier-opt %s --train-identify-ops --train-identify-ops --inline --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s
// RUN: vernier-opt %s --train-identify-ops --inline --amp-autocast --amp-explain -o /dev/null 2>&1 | FileCheck %s --check-prefix=PATH

// An op is called what the model calls it, or by its kind and the state that it
// reads; where several are called the same they are counted, each function for
// itself. The function is the root of its own ops.
module {
  ml_program.global private mutable @w(#train.constant<0.0>) : tensor<4x4xf32> {train.role = "parameter"}

  func.func private @block(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
    %w = ml_program.global_load @w : tensor<4x4xf32>
    %y = train.linear %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %z = train.matmul %y, %y : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("scores")
    return %z : tensor<4x4xf32>
  }

  // Inlining makes a path of it: the path begins with the first call, for what
  // @block computes is the same to @loss and to @predict. A function that is
  // called itself, as @predict, begins its paths also where nobody calls it.
  func.func @predict(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
    %0 = call @block(%x) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %1 = call @block(%0) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %2 = train.relu %1 : tensor<4x4xf32>
    return %2 : tensor<4x4xf32>
  }
  func.func @loss(%x: tensor<4x4xf32>) -> tensor<f32> {
    %0 = call @predict(%x) : (tensor<4x4xf32>) -> tensor<4x4xf32>
    %1 = call @block(%0) : (tensor<4x4xf32>) -> tensor<4x4xf32> loc("head")
    %2 = arith.mulf %1, %1 : tensor<4x4xf32> loc("head/scores")
    %3 = arith.mulf %2, %1 : tensor<4x4xf32>
    %4 = arith.mulf %3, %1 : tensor<4x4xf32>
    %loss = train.reduce sum %4 dims = [0, 1] : tensor<4x4xf32> -> tensor<f32>
    return %loss : tensor<f32>
  }
}

// CHECK: ml_program.global {{.*}}@w{{.*}} loc(fused<#train.identity<"@w", op = "@w", root = "">>[
// CHECK-LABEL: func.func @predict
// CHECK: ml_program.global_load @w {{.*}} loc(callsite(fused<#train.identity<"@w", op = "@w", root = "block/">>[{{.*}}] at fused<#train.identity<"block", op = "func.call", root = "predict/">>[
// CHECK: train.linear {{.*}} loc(callsite(fused<#train.identity<"train.linear@w", op = "train.linear", root = "block/">>[
// CHECK: train.matmul {{.*}} loc(callsite(fused<#train.identity<"scores", op = "train.matmul", root = "block/">>["scores"] at
// CHECK: train.linear {{.*}} at fused<#train.identity<"block#2", op = "func.call", root = "predict/">>[
// CHECK: train.relu {{.*}} loc(fused<#train.identity<"train.relu", op = "train.relu", root = "predict/">>[
// CHECK-LABEL: func.func @loss
// CHECK: train.linear {{.*}} loc(callsite({{.*}} at callsite({{.*}} at fused<#train.identity<"predict", op = "func.call", root = "">>[

// A helper that is called twice is two rows, by one name wherever it is run; an op
// whose name reads as a path is none of the call's.
// PATH-LABEL: @predict
// PATH: train.linear {{.*}} predict/block/train.linear@w identify-ops.mlir:13:10
// PATH: train.matmul {{.*}} predict/block/scores {{ *}}vernier
// PATH: train.linear {{.*}} predict/block#2/train.linear@w
// PATH: train.matmul {{.*}} predict/block#2/scores {{ *}}vernier
// PATH: train.relu {{.*}} predict/train.relu
// PATH-LABEL: @loss
// PATH: train.linear {{.*}} predict/block/train.linear@w
// PATH: train.matmul {{.*}} predict/block/scores {{ *}}vernier
// PATH: train.linear {{.*}} predict/block#2/train.linear@w
// PATH: train.relu {{.*}} predict/train.relu
// PATH: train.linear {{.*}} head/train.linear@w
// PATH: train.matmul {{.*}} head/scores {{ *}}vernier
// PATH: arith.mulf {{.*}} loss/head.scores
// PATH: arith.mulf {{.*}} loss/arith.mulf identify
// PATH: arith.mulf {{.*}} loss/arith.mulf#2
// PATH: train.reduce {{.*}} loss/train.reduce
