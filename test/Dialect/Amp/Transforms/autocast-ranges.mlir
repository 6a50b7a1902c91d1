// RUN: vernier-opt %s -split-input-file --amp-autocast=policy=f16 --remark-format=emitRemark --remarks-filter=amp-keep-range -verify-diagnostics | FileCheck %s

// A square of numbers up to 300 is up to 90,000, by the range that is declared: it
// is written in f32, and what reads it computes in f32.
// CHECK-LABEL: func.func @declared
func.func @declared(%x: tensor<4x8xf32> {train.range = [-300.0, 300.0]}, %w: tensor<8x8xf32> {train.range = [-1.0, 1.0]}) -> tensor<4x8xf32> {
  // CHECK: train.matmul {{.*}}operand = f16, accumulate = f32, result = f16
  %y = train.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  // CHECK: train.relu {{.*}}operand = f16
  %r = train.relu %y : tensor<4x8xf32>
  // CHECK: train.matmul {{.*}}operand = f16, accumulate = f32, result = f32
  // expected-remark @below {{'train.matmul' writes f32}}
  %z = train.matmul %r, %y {transpose_rhs} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x4xf32>
  return %r : tensor<4x8xf32>
}

// -----

// What does not fit is not read in f16 either.
// CHECK-LABEL: func.func @operand
func.func @operand(%x: tensor<4x8xf32> {train.range = [0.0, 70000.0]}, %w: tensor<8x8xf32> {train.range = [-1.0, 1.0]}) -> tensor<4x8xf32> {
  // CHECK: train.matmul {{.*}}operand = f32, accumulate = f32, result = f32
  // expected-remark @below {{'train.matmul' computes in f32}}
  %y = train.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// -----

// Bounds alone are no reason where they rest on initial values and have grown
// through sums: what is likely is far below. Nothing is known of the input.
// CHECK-LABEL: func.func @predict
ml_program.global private mutable @w(#train.kaiming) : tensor<64x64xf32> {train.role = "parameter"}
func.func @predict(%x: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %w = ml_program.global_load @w : tensor<64x64xf32>
  // CHECK-COUNT-3: train.linear {{.*}}operand = f16, accumulate = f32, result = f16
  %a = train.linear %x, %w : (tensor<8x64xf32>, tensor<64x64xf32>) -> tensor<8x64xf32>
  %b = train.linear %a, %w : (tensor<8x64xf32>, tensor<64x64xf32>) -> tensor<8x64xf32>
  %c = train.linear %b, %w : (tensor<8x64xf32>, tensor<64x64xf32>) -> tensor<8x64xf32>
  return %c : tensor<8x64xf32>
}

// -----

// Large initial weights are: the second product is likely to be beyond f16 for
// inputs of order 1.
// CHECK-LABEL: func.func @predict
ml_program.global private mutable @w(#train.normal<0.0, 100.0>) : tensor<64x64xf32> {train.role = "parameter"}
func.func @predict(%x: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %w = ml_program.global_load @w : tensor<64x64xf32>
  // CHECK: train.linear {{.*}}operand = f16, accumulate = f32, result = f16
  %a = train.linear %x, %w : (tensor<8x64xf32>, tensor<64x64xf32>) -> tensor<8x64xf32>
  // CHECK: train.linear {{.*}}operand = f16, accumulate = f32, result = f32
  // expected-remark @below {{'train.linear' writes f32}}
  %b = train.linear %a, %w : (tensor<8x64xf32>, tensor<64x64xf32>) -> tensor<8x64xf32>
  return %b : tensor<8x64xf32>
}

// -----

// Layers that begin as all but nothing vanish in f16.
// CHECK-LABEL: func.func @predict
ml_program.global private mutable @w(#train.normal<0.0, 1.0e-7>) : tensor<64x64xf32> {train.role = "parameter"}
func.func @predict(%x: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %w = ml_program.global_load @w : tensor<64x64xf32>
  // CHECK: train.linear {{.*}}operand = f32, accumulate = f32, result = f32
  // expected-remark @below {{'train.linear' computes in f32}}
  %a = train.linear %x, %w : (tensor<8x64xf32>, tensor<64x64xf32>) -> tensor<8x64xf32>
  return %a : tensor<8x64xf32>
}
