// RUN: vernier-opt %s --split-input-file --train-form-fusions | FileCheck %s

// relu becomes the epilogue of the contraction before it.
// CHECK-LABEL: func @epilogue
// CHECK-NEXT: %[[Y:.*]] = train.linear %arg0, %arg1 {epilogue = #train<epilogue relu>}
// CHECK-NEXT: return %[[Y]]
func.func @epilogue(%x: tensor<8x16xf32>, %w: tensor<4x16xf32>) -> tensor<8x4xf32> {
  %h = train.linear %x, %w : (tensor<8x16xf32>, tensor<4x16xf32>) -> tensor<8x4xf32>
  %y = train.relu %h : tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

// A transpose of the last two dims becomes a flag.
// CHECK-LABEL: func @transpose
// CHECK-NEXT: train.matmul %arg0, %arg1 {transpose_rhs}
func.func @transpose(%a: tensor<8x16xf32>, %b: tensor<4x16xf32>) -> tensor<8x4xf32> {
  %t = train.transpose %b permutation = [1, 0] : tensor<4x16xf32> -> tensor<16x4xf32>
  %c = train.matmul %a, %t : (tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
  return %c : tensor<8x4xf32>
}

// -----

// Softmax is one fusion of rows: both reductions are over the last dim.
// CHECK-LABEL: func @softmax
// CHECK-NEXT: train.fusion rows rows = 8 cols = 10(%arg0) : (tensor<8x10xbf16>) -> tensor<8x10xbf16>
// CHECK: train.reduce max
// CHECK: train.reduce sum
// CHECK: return
func.func @softmax(%x: tensor<8x10xbf16>) -> tensor<8x10xbf16> {
  %y = train.softmax %x : (tensor<8x10xbf16>) -> tensor<8x10xbf16>
  return %y : tensor<8x10xbf16>
}

// -----

// Everything that an update changes is one flat fusion; the scalars it needs are
// another, of one element.
// CHECK-LABEL: func @update
// CHECK: %[[SCALARS:.*]]:2 = train.fusion flat rows = 1 cols = 1(%arg3, %arg2)
// CHECK: %[[NEW:.*]]:3 = train.fusion flat rows = 1 cols = 16(
// CHECK: return %[[NEW]]
func.func @update(%p: tensor<4x4xf32>, %g: tensor<4x4xbf16>, %lr: tensor<f32>, %t: tensor<i32>,
                  %m: tensor<4x4xf32>, %v: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) {
  %p1, %m1, %v1 = train.update #train.adam<> %p, %g, %lr, %t states(%m, %v) : (tensor<4x4xf32>, tensor<4x4xbf16>, tensor<f32>, tensor<i32>, tensor<4x4xf32>, tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>)
  return %p1, %m1, %v1 : tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>
}

// -----

// A bias gradient sums columns.
// CHECK-LABEL: func @bias_gradient
// CHECK-NEXT: train.fusion columns rows = 8 cols = 16(%arg0) : (tensor<8x16xbf16>) -> tensor<16xbf16>
func.func @bias_gradient(%g: tensor<8x16xbf16>) -> tensor<16xbf16> {
  %s = train.reduce sum %g dims = [0] : tensor<8x16xbf16> -> tensor<16xbf16>
  return %s : tensor<16xbf16>
}
