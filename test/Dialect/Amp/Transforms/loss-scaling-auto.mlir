// RUN: vernier-opt %s -split-input-file --amp-analyze-ranges=warn=false --amp-loss-scaling=mode=auto | FileCheck %s

// Gradients that are multiples of the smallest f16 number need no scaler. A step
// that is not finite is skipped all the same.
// CHECK-NOT: amp.scale
// CHECK-LABEL: func.func @step
// CHECK-SAME: amp.cannot_underflow
// CHECK: amp.gate
// CHECK: return
ml_program.global private mutable @w(#train.normal<0.0, 1.0>) : tensor<4xf32> {train.role = "parameter"}
func.func @step(%g: tensor<4xf16> {train.range = [-1.0, 1.0]}, %lr: tensor<f32>, %t: tensor<i32>) {
  %seed = train.seed : tensor<f32>
  %seed16 = arith.truncf %seed : tensor<f32> to tensor<f16>
  %b = train.broadcast %seed16 dims = [] : tensor<f16> -> tensor<4xf16>
  %dw = arith.mulf %b, %g : tensor<4xf16>
  %w = ml_program.global_load @w : tensor<4xf32>
  %w1 = train.update #train.sgd<> %w, %dw, %lr, %t : (tensor<4xf32>, tensor<4xf16>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  ml_program.global_store @w = %w1 : tensor<4xf32>
  return
}

// -----

// Small gradients may underflow; they start from the largest scale that cannot
// overflow, 2^23, which is more than the usual 2^16.
// CHECK: @amp.scale(#train.constant<0x4160000000000000>)
// CHECK-LABEL: func.func @step
// CHECK-SAME: amp.safe_scale
// CHECK: amp.gate
ml_program.global private mutable @w(#train.normal<0.0, 1.0>) : tensor<4xf32> {train.role = "parameter"}
func.func @step(%g: tensor<4xf16> {train.range = [-1.0, 1.0]}, %lr: tensor<f32>, %t: tensor<i32>) {
  %seed = train.seed : tensor<f32>
  %small = arith.constant dense<0.004> : tensor<f32>
  %scaled = arith.mulf %seed, %small : tensor<f32>
  %seed16 = arith.truncf %scaled : tensor<f32> to tensor<f16>
  %b = train.broadcast %seed16 dims = [] : tensor<f16> -> tensor<4xf16>
  %dw = arith.mulf %b, %g : tensor<4xf16>
  %w = ml_program.global_load @w : tensor<4xf32>
  %w1 = train.update #train.sgd<> %w, %dw, %lr, %t : (tensor<4xf32>, tensor<4xf16>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  ml_program.global_store @w = %w1 : tensor<4xf32>
  return
}

// -----

// Nothing is known of the data, so that a gradient may overflow although none can
// underflow: the scaler stays, and begins as usual.
// CHECK: @amp.scale(#train.constant<6.553600e+04>)
// CHECK-LABEL: func.func @step
// CHECK-SAME: attributes {amp.cannot_underflow}
ml_program.global private mutable @w(#train.normal<0.0, 1.0>) : tensor<4xf32> {train.role = "parameter"}
func.func @step(%g: tensor<4xf16>, %lr: tensor<f32>, %t: tensor<i32>) {
  %seed = train.seed : tensor<f32>
  %seed16 = arith.truncf %seed : tensor<f32> to tensor<f16>
  %b = train.broadcast %seed16 dims = [] : tensor<f16> -> tensor<4xf16>
  %dw = arith.mulf %b, %g : tensor<4xf16>
  %w = ml_program.global_load @w : tensor<4xf32>
  %w1 = train.update #train.sgd<> %w, %dw, %lr, %t : (tensor<4xf32>, tensor<4xf16>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  ml_program.global_store @w = %w1 : tensor<4xf32>
  return
}

// -----

// Where the bound of what overflows is known, the first scale is below it.
// CHECK: @amp.scale(#train.constant<2.500000e-01>)
// CHECK-LABEL: func.func @step
// CHECK-SAME: amp.cannot_underflow, amp.safe_scale
ml_program.global private mutable @w(#train.normal<0.0, 1.0>) : tensor<4xf32> {train.role = "parameter"}
func.func @step(%n: tensor<4xi32> {train.range = [-131072, 131072]}, %lr: tensor<f32>, %t: tensor<i32>) {
  %seed = train.seed : tensor<f32>
  %large = arith.sitofp %n : tensor<4xi32> to tensor<4xf32>
  %b = train.broadcast %seed dims = [] : tensor<f32> -> tensor<4xf32>
  %product = arith.mulf %b, %large : tensor<4xf32>
  %dw = arith.truncf %product : tensor<4xf32> to tensor<4xf16>
  %w = ml_program.global_load @w : tensor<4xf32>
  %w1 = train.update #train.sgd<> %w, %dw, %lr, %t : (tensor<4xf32>, tensor<4xf16>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  ml_program.global_store @w = %w1 : tensor<4xf32>
  return
}
