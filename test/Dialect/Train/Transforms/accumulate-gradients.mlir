// RUN: vernier-opt %s --train-accumulate-gradients=steps=4 | FileCheck %s
// RUN: vernier-opt %s --train-accumulate-gradients=steps=4 --train-differentiate | FileCheck %s --check-prefix=DIFF
// RUN: vernier-opt %s --train-accumulate-gradients=steps=1 | FileCheck %s --check-prefix=ONE

// Each parameter gets a sum in f32 beside it; micro-batches are counted. A window
// of one is a plain step.
// CHECK: ml_program.global private mutable @w(
// CHECK: ml_program.global private mutable @w.grad(dense<0.000000e+00> : tensor<8x4xf32>) : tensor<8x4xf32> {train.role = "accumulator"}
// CHECK: ml_program.global private mutable @train.micro_step(dense<0> : tensor<i32>) : tensor<i32> {train.role = "accumulator"}
// ONE-NOT: accumulate
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<8x4xf32> {train.role = "parameter"}

func.func @loss(%x: tensor<8x4xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
  %w = ml_program.global_load @w : tensor<8x4xf32>
  %loss = train.mse_loss %x, %w : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// All micro-batches but the last add to the sums. The loss counts a quarter: its
// seed is divided, after it is scaled.
// CHECK-LABEL: func.func @accumulate(%arg0: tensor<8x4xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"})
// CHECK: %[[G:.*]]:2 = train.gradient @loss(%arg0) wrt [@w] {micro_batches = 4 : i64}
// CHECK: %[[SUM:.*]] = ml_program.global_load @w.grad
// CHECK: %[[MORE:.*]] = arith.addf %[[SUM]], %[[G]]#1
// CHECK: ml_program.global_store @w.grad = %[[MORE]]
// CHECK: ml_program.global_store @train.micro_step = %{{.*}}
// CHECK: return %[[G]]#0 : tensor<f32>
// DIFF-LABEL: func.func @accumulate
// DIFF: %[[SEED:.*]] = train.seed
// DIFF: %[[FOUR:.*]] = arith.constant {{.*}}dense<4.000000e+00> : tensor<f32>
// DIFF: arith.divf %[[SEED]], %[[FOUR]]

// The last one hands the sums to the update and clears them.
// CHECK-LABEL: func.func @step
func.func @step(%x: tensor<8x4xf32> {train.name = "x"}) -> tensor<f32> {
  %lr = arith.constant dense<0.1> : tensor<f32>
  %t = arith.constant dense<1> : tensor<i32>
  // CHECK: %[[G:.*]]:2 = train.gradient @loss
  // CHECK: %[[SUM:.*]] = ml_program.global_load @w.grad
  // CHECK: %[[ALL:.*]] = arith.addf %[[SUM]], %[[G]]#1
  // CHECK: %[[ZERO:.*]] = arith.constant dense<0.000000e+00>
  // CHECK: ml_program.global_store @w.grad = %[[ZERO]]
  // CHECK: %[[NONE:.*]] = arith.constant dense<0> : tensor<i32>
  // CHECK: ml_program.global_store @train.micro_step = %[[NONE]]
  %loss, %dw = train.gradient @loss(%x) wrt [@w] : (tensor<8x4xf32>) -> (tensor<f32>, tensor<8x4xf32>)
  %w = ml_program.global_load @w : tensor<8x4xf32>
  // CHECK: train.update #train.sgd<> %{{.*}}, %[[ALL]],
  %w1 = train.update #train.sgd<> %w, %dw, %lr, %t : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<f32>, tensor<i32>) -> tensor<8x4xf32>
  ml_program.global_store @w = %w1 : tensor<8x4xf32>
  return %loss : tensor<f32>
}
