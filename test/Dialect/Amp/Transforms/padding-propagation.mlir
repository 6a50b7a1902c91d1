// RUN: vernier-opt %s -split-input-file --amp-pad-for-tensor-cores | FileCheck %s

// A slice and the pad of the next contraction cancel, through ops that keep zeros.
// Only the argument is padded by a copy.
// CHECK-LABEL: func.func @chain
// CHECK-COUNT-1: tensor.pad
// CHECK-NOT: tensor.pad
// CHECK: train.relu {{.*}} : tensor<8x16xbf16>
// CHECK-NOT: tensor.extract_slice
// CHECK: return
ml_program.global private mutable @w1(#train.kaiming) : tensor<10x13xbf16> {train.role = "parameter"}
ml_program.global private mutable @w2(#train.kaiming) : tensor<16x10xbf16> {train.role = "parameter"}
func.func @chain(%x: tensor<8x13xbf16>) -> tensor<8x16xbf16> {
  %w1 = ml_program.global_load @w1 : tensor<10x13xbf16>
  %w2 = ml_program.global_load @w2 : tensor<16x10xbf16>
  %h = train.linear %x, %w1 : (tensor<8x13xbf16>, tensor<10x13xbf16>) -> tensor<8x10xbf16>
  %r = train.relu %h : tensor<8x10xbf16>
  %y = train.linear %r, %w2 : (tensor<8x10xbf16>, tensor<16x10xbf16>) -> tensor<8x16xbf16>
  return %y : tensor<8x16xbf16>
}

// -----

// sigmoid(0) is not 0: a mask in the same kernel makes the zeros.
// CHECK-LABEL: func.func @masked
// CHECK: %[[S:.*]] = train.sigmoid {{.*}} : tensor<8x16xbf16>
// CHECK: %[[Z:.*]] = arith.select %{{.*}}, %[[S]], %{{.*}} : tensor<8x16xi1>, tensor<8x16xbf16>
// CHECK: train.linear %[[Z]]
func.func @masked(%x: tensor<8x16xbf16>, %w1: tensor<10x16xbf16>, %w2: tensor<16x10xbf16>) -> tensor<8x16xbf16> {
  %h = train.linear %x, %w1 : (tensor<8x16xbf16>, tensor<10x16xbf16>) -> tensor<8x10xbf16>
  %s = train.sigmoid %h : tensor<8x10xbf16>
  %y = train.linear %s, %w2 : (tensor<8x10xbf16>, tensor<16x10xbf16>) -> tensor<8x16xbf16>
  return %y : tensor<8x16xbf16>
}

// -----

// AdamW keeps the zeros of a parameter and its moments: nothing is padded in a step
// but the gradient, which is an argument here.
// CHECK: ml_program.global {{.*}} @w{{.*}} : tensor<16x16xf32> {train.logical_shape = array<i64: 16, 13>
// CHECK: ml_program.global {{.*}} @m{{.*}} : tensor<16x16xf32> {train.logical_shape = array<i64: 16, 13>
// CHECK: ml_program.global {{.*}} @v{{.*}} : tensor<16x16xf32> {train.logical_shape = array<i64: 16, 13>
// CHECK-LABEL: func.func @adamw
// CHECK: %[[P:.*]], %[[S:.*]]:2 = train.update
// CHECK: ml_program.global_store @w = %[[P]] : tensor<16x16xf32>
// CHECK: ml_program.global_store @m = %[[S]]#0 : tensor<16x16xf32>
ml_program.global private mutable @w(#train.kaiming) : tensor<16x13xf32> {train.role = "parameter"}
ml_program.global private mutable @m(#train.constant<0.0>) : tensor<16x13xf32> {train.role = "moment"}
ml_program.global private mutable @v(#train.constant<0.0>) : tensor<16x13xf32> {train.role = "moment"}
func.func @adamw(%x: tensor<8x13xf32>, %g: tensor<16x13xf32>, %lr: tensor<f32>, %t: tensor<i32>) -> tensor<8x16xf32> {
  %w = ml_program.global_load @w : tensor<16x13xf32>
  %m = ml_program.global_load @m : tensor<16x13xf32>
  %v = ml_program.global_load @v : tensor<16x13xf32>
  %y = train.linear %x, %w {tf32} : (tensor<8x13xf32>, tensor<16x13xf32>) -> tensor<8x16xf32>
  %p1, %m1, %v1 = train.update #train.adamw<> %w, %g, %lr, %t states(%m, %v) : (tensor<16x13xf32>, tensor<16x13xf32>, tensor<f32>, tensor<i32>, tensor<16x13xf32>, tensor<16x13xf32>) -> (tensor<16x13xf32>, tensor<16x13xf32>, tensor<16x13xf32>)
  ml_program.global_store @w = %p1 : tensor<16x13xf32>
  ml_program.global_store @m = %m1 : tensor<16x13xf32>
  ml_program.global_store @v = %v1 : tensor<16x13xf32>
  return %y : tensor<8x16xf32>
}

// -----

// Adam with epsilon 0 divides zero by zero: its result is masked before it is stored.
// CHECK-LABEL: func.func @epsilon
// CHECK: %[[P:.*]], %{{.*}}:2 = train.update
// CHECK: %[[Z:.*]] = arith.select %{{.*}}, %[[P]], %
// CHECK: ml_program.global_store @w = %[[Z]] : tensor<16x16xf32>
ml_program.global private mutable @w(#train.kaiming) : tensor<16x13xf32> {train.role = "parameter"}
func.func @epsilon(%x: tensor<8x13xf32>, %g: tensor<16x13xf32>, %lr: tensor<f32>, %t: tensor<i32>, %m: tensor<16x13xf32>, %v: tensor<16x13xf32>) -> tensor<8x16xf32> {
  %w = ml_program.global_load @w : tensor<16x13xf32>
  %y = train.linear %x, %w {tf32} : (tensor<8x13xf32>, tensor<16x13xf32>) -> tensor<8x16xf32>
  %p1, %m1, %v1 = train.update #train.adam<epsilon = 0.0> %w, %g, %lr, %t states(%m, %v) : (tensor<16x13xf32>, tensor<16x13xf32>, tensor<f32>, tensor<i32>, tensor<16x13xf32>, tensor<16x13xf32>) -> (tensor<16x13xf32>, tensor<16x13xf32>, tensor<16x13xf32>)
  ml_program.global_store @w = %p1 : tensor<16x13xf32>
  return %y : tensor<8x16xf32>
}
