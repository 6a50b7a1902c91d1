// RUN: vernier-opt %s --train-keep-low-precision-copies | FileCheck %s

// A parameter that is only read rounded is read from its copy; one that is also
// read in f32 is loaded for that.
// CHECK: ml_program.global private mutable @w({{.*}}) : tensor<4x8xf32> {train.role = "parameter"}
// CHECK-NEXT: ml_program.global private mutable @w.bf16 : tensor<4x8xbf16> {train.copy_of = @w, train.role = "copy"}
// CHECK: @frozen.f16 : tensor<8xf16> {train.copy_of = @frozen, train.role = "copy"}
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4x8xf32> {train.role = "parameter"}
ml_program.global private mutable @frozen(#train.constant<1.0>) : tensor<8xf32> {train.role = "frozen"}
ml_program.global private mutable @scale(#train.constant<1.0>) : tensor<f32> {train.role = "loss_scale"}

// CHECK-LABEL: func @predict
// CHECK-NEXT: %[[W:.*]] = ml_program.global_load @w.bf16
// CHECK-NEXT: %[[F:.*]] = ml_program.global_load @frozen.f16
// CHECK-NEXT: return %[[W]], %[[F]]
func.func @predict() -> (tensor<4x8xbf16>, tensor<8xf16>) {
  %w = ml_program.global_load @w : tensor<4x8xf32>
  %f = ml_program.global_load @frozen : tensor<8xf32>
  %r = arith.truncf %w : tensor<4x8xf32> to tensor<4x8xbf16>
  %s = arith.truncf %f : tensor<8xf32> to tensor<8xf16>
  return %r, %s : tensor<4x8xbf16>, tensor<8xf16>
}

// The step stores the rounded new value beside the new value.
// CHECK-LABEL: func @step
// CHECK: ml_program.global_store @w = %[[NEW:.*]] : tensor<4x8xf32>
// CHECK-NEXT: %[[ROUNDED:.*]] = arith.truncf %[[NEW]] : tensor<4x8xf32> to tensor<4x8xbf16>
// CHECK-NEXT: ml_program.global_store @w.bf16 = %[[ROUNDED]]
func.func @step() {
  %w = ml_program.global_load @w : tensor<4x8xf32>
  %new = arith.addf %w, %w : tensor<4x8xf32>
  ml_program.global_store @w = %new : tensor<4x8xf32>
  return
}

// A micro-batch changes no parameter: it reads the copy, and rounds nothing. In a
// window of N the weights are rounded once, by @step.
// CHECK-LABEL: func @accumulate
// CHECK-NEXT: %[[W:.*]] = ml_program.global_load @w.bf16
// CHECK-NEXT: return %[[W]]
func.func @accumulate() -> tensor<4x8xbf16> {
  %w = ml_program.global_load @w : tensor<4x8xf32>
  %r = arith.truncf %w : tensor<4x8xf32> to tensor<4x8xbf16>
  return %r : tensor<4x8xbf16>
}

// What is not a parameter has no copy.
// CHECK-LABEL: func @scale_of
// CHECK: arith.truncf
func.func @scale_of() -> tensor<f16> {
  %s = ml_program.global_load @scale : tensor<f32>
  %r = arith.truncf %s : tensor<f32> to tensor<f16>
  return %r : tensor<f16>
}

// CHECK-LABEL: func @refresh()
// CHECK: %[[M:.*]] = ml_program.global_load @w :
// CHECK-NEXT: %[[C:.*]] = arith.truncf %[[M]]
// CHECK-NEXT: ml_program.global_store @w.bf16 = %[[C]]
// CHECK: ml_program.global_store @frozen.f16
// CHECK-NEXT: return
