// RUN: vernier-opt %s --amp-autocast --amp-materialize-casts --amp-verify-precision | FileCheck %s

ml_program.global private mutable @mean(#train.constant<0.0>) : tensor<8xf32> {train.role = "statistic"}

// Batch norm reads and writes 16 bits, its statistics stay f32 to the bit.
// CHECK-LABEL: func.func @statistics
// CHECK: train.batch_norm {{.*}}reason = "reads and writes bf16, computes in f32"{{.*}} : (tensor<2x4x4x8xbf16>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x4x4x8xbf16>, tensor<8xf32>, tensor<8xf32>)
// CHECK: ml_program.global_store @mean = %{{.*}} : tensor<8xf32>
func.func @statistics(%x: tensor<2x4x4x3xf32>, %w: tensor<8x3x3x3xf32>, %g: tensor<8xf32>) -> tensor<2x4x4x8xf32> {
  %mean = ml_program.global_load @mean : tensor<8xf32>
  %h = train.conv2d %x, %w padding = [1, 1, 1, 1] : (tensor<2x4x4x3xf32>, tensor<8x3x3x3xf32>) -> tensor<2x4x4x8xf32>
  %y, %m, %v = train.batch_norm %h, %g, %g, %mean, %g : (tensor<2x4x4x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x4x4x8xf32>, tensor<8xf32>, tensor<8xf32>)
  ml_program.global_store @mean = %m : tensor<8xf32>
  return %y : tensor<2x4x4x8xf32>
}

// A slice follows what it is cut from, and padding has the type of what it
// surrounds.
// CHECK-LABEL: func.func @slices
// CHECK: tensor.extract_slice {{.*}} : tensor<2x4x4x8xbf16> to tensor<2x4x4x4xbf16>
// CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : bf16
// CHECK: tensor.pad
// CHECK: tensor.yield %[[ZERO]] : bf16
// CHECK-NEXT: } {amp.precision = {{.*}}"every operand is bf16">} : tensor<2x4x4x4xbf16> to tensor<2x6x4x4xbf16>
func.func @slices(%x: tensor<2x4x4x3xf32>, %w: tensor<8x3x3x3xf32>) -> tensor<2x6x4x4xf32> {
  %zero = arith.constant 0.0 : f32
  %h = train.conv2d %x, %w padding = [1, 1, 1, 1] : (tensor<2x4x4x3xf32>, tensor<8x3x3x3xf32>) -> tensor<2x4x4x8xf32>
  %s = tensor.extract_slice %h[0, 0, 0, 4] [2, 4, 4, 4] [1, 1, 1, 1] : tensor<2x4x4x8xf32> to tensor<2x4x4x4xf32>
  %p = tensor.pad %s low[0, 1, 0, 0] high[0, 1, 0, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %zero : f32
  } : tensor<2x4x4x4xf32> to tensor<2x6x4x4xf32>
  return %p : tensor<2x6x4x4xf32>
}

// Operands of two types meet in the wider one.
// CHECK-LABEL: func.func @concat
// CHECK: tensor.concat {{.*}}rule = "vernier/tensor.concat: widest", reason = "operand 1 is f32">} : (tensor<2x4x4x8xf32>, tensor<2x4x4x3xf32>) -> tensor<2x4x4x11xf32>
// CHECK: tensor.concat {{.*}}reason = "every operand is bf16">} : (tensor<2x4x4x8xbf16>, tensor<2x4x4x8xbf16>)
func.func @concat(%x: tensor<2x4x4x3xf32>, %w: tensor<8x3x3x3xf32>) -> (tensor<2x4x4x11xf32>, tensor<2x4x4x16xf32>) {
  %h = train.conv2d %x, %w padding = [1, 1, 1, 1] : (tensor<2x4x4x3xf32>, tensor<8x3x3x3xf32>) -> tensor<2x4x4x8xf32>
  %y = tensor.concat dim(3) %h, %x : (tensor<2x4x4x8xf32>, tensor<2x4x4x3xf32>) -> tensor<2x4x4x11xf32>
  %z = tensor.concat dim(3) %h, %h : (tensor<2x4x4x8xf32>, tensor<2x4x4x8xf32>) -> tensor<2x4x4x16xf32>
  return %y, %z : tensor<2x4x4x11xf32>, tensor<2x4x4x16xf32>
}
