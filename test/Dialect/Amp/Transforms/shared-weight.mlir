// RUN: vernier-opt %s --amp-autocast --amp-materialize-casts --train-attach-optimizer --train-differentiate | FileCheck %s

ml_program.global private mutable @w(#train.normal<0.0, 1.0>) : tensor<4x4xf32> {train.role = "parameter"}

// A weight that serves twice is cast once, and its two gradients are summed in f32,
// which is not rounded (PyTorch's cast cache sums them in 16 bits).
// CHECK-LABEL: func.func @step
// CHECK: %[[W:.*]] = ml_program.global_load @w
// CHECK: %[[W16:.*]] = arith.truncf %[[W]]
// CHECK: train.linear %{{.*}}, %[[W16]]
// CHECK: train.linear %{{.*}}, %[[W16]]
// CHECK-DAG: %[[A:.*]] = train.matmul {{.*}}transpose_lhs{{.*}} -> tensor<4x4xf32>
// CHECK-DAG: %[[B:.*]] = train.matmul {{.*}}transpose_lhs{{.*}} -> tensor<4x4xf32>
// CHECK: %[[SUM:.*]] = arith.addf %[[A]], %[[B]] {{.*}} : tensor<4x4xf32>
// CHECK: train.update {{.*}}, %[[SUM]],
func.func @loss(%x: tensor<2x4xf32>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<4x4xf32>
  %y = train.linear %x, %w : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  %z = train.linear %y, %w : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  %loss = train.mse_loss %z, %x : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
