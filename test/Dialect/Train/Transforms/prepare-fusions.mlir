// RUN: vernier-opt %s --split-input-file --train-prepare-fusions | FileCheck %s

// The library reads a transposed operand where it is; a cast between the two
// moves to the other side.
// CHECK-LABEL: func.func @transpose
// CHECK-NEXT: %[[W:.*]] = arith.truncf %arg1 : tensor<4x16xf32> to tensor<4x16xbf16>
// CHECK-NEXT: train.matmul %arg0, %[[W]] {{.*}}transpose_rhs
// CHECK-NOT: train.transpose
func.func @transpose(%x: tensor<8x16xbf16>, %w: tensor<4x16xf32>) -> tensor<8x4xbf16> {
  %t = train.transpose %w permutation = [1, 0] : tensor<4x16xf32> -> tensor<16x4xf32>
  %c = arith.truncf %t : tensor<16x4xf32> to tensor<16x4xbf16>
  %y = train.matmul %x, %c : (tensor<8x16xbf16>, tensor<16x4xbf16>) -> tensor<8x4xbf16>
  return %y : tensor<8x4xbf16>
}

// -----

// The library does relu on the way out, unless somebody reads what was before.
// CHECK-LABEL: func.func @relu
// CHECK: train.linear {{.*}}epilogue = #train<epilogue relu>
// CHECK-NEXT: return
// CHECK-LABEL: func.func @read_before
// CHECK: arith.maximumf
func.func @relu(%x: tensor<8x16xf32>, %w: tensor<4x16xf32>) -> tensor<8x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<8x4xf32>
  %y = train.linear %x, %w : (tensor<8x16xf32>, tensor<4x16xf32>) -> tensor<8x4xf32>
  %r = arith.maximumf %y, %zero : tensor<8x4xf32>
  return %r : tensor<8x4xf32>
}
func.func @read_before(%x: tensor<8x16xf32>, %w: tensor<4x16xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %zero = arith.constant dense<0.0> : tensor<8x4xf32>
  %y = train.linear %x, %w : (tensor<8x16xf32>, tensor<4x16xf32>) -> tensor<8x4xf32>
  %r = arith.maximumf %y, %zero : tensor<8x4xf32>
  return %y, %r : tensor<8x4xf32>, tensor<8x4xf32>
}

// -----

// A reshape between two elementwise ops moves to what is in memory.
// CHECK-LABEL: func.func @reshape
// CHECK-NEXT: %[[X:.*]] = tensor.collapse_shape %arg0
// CHECK-NEXT: %[[E:.*]] = math.exp %[[X]] : tensor<32xf32>
// CHECK-NEXT: math.sqrt %[[E]] : tensor<32xf32>
func.func @reshape(%x: tensor<8x4xf32>) -> tensor<32xf32> {
  %e = math.exp %x : tensor<8x4xf32>
  %r = tensor.collapse_shape %e [[0, 1]] : tensor<8x4xf32> into tensor<32xf32>
  %s = math.sqrt %r : tensor<32xf32>
  return %s : tensor<32xf32>
}

// -----

// A reduction in the middle is one over the last dims of a transpose, one over
// an extent of 1 a change of shape.
// CHECK-LABEL: func.func @reduce
// CHECK: %[[T:.*]] = train.transpose %arg0 permutation = [0, 2, 1]
// CHECK: train.reduce sum %[[T]] dims = [2]
// CHECK-LABEL: func.func @unit
// CHECK-NOT: train.reduce
// CHECK: tensor.collapse_shape
func.func @reduce(%x: tensor<2x8x4xf32>) -> tensor<2x4xf32> {
  %s = train.reduce sum %x dims = [1] : tensor<2x8x4xf32> -> tensor<2x4xf32>
  return %s : tensor<2x4xf32>
}
func.func @unit(%x: tensor<8x1xf32>) -> tensor<8xf32> {
  %s = train.reduce sum %x dims = [1] : tensor<8x1xf32> -> tensor<8xf32>
  return %s : tensor<8xf32>
}
