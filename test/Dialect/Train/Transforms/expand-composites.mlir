// RUN: vernier-opt %s --split-input-file --train-expand-composites | FileCheck %s

// The maximum with 0 is exact in 16 bits: nothing is widened.
// CHECK-LABEL: func @relu
// CHECK: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<8x16xbf16>
// CHECK: arith.maximumf %arg0, %[[ZERO]] : tensor<8x16xbf16>
func.func @relu(%x: tensor<8x16xbf16>) -> tensor<8x16xbf16> {
  %y = train.relu %x : tensor<8x16xbf16>
  return %y : tensor<8x16xbf16>
}

// -----

// Operands are widened, everything is computed in f32, and the result is rounded
// once.
// CHECK-LABEL: func @softmax
// CHECK: %[[X:.*]] = arith.extf %arg0
// CHECK: %[[MAX:.*]] = train.reduce max %[[X]] dims = [1] : tensor<8x10xf32> -> tensor<8xf32>
// CHECK: train.broadcast %[[MAX]] dims = [0]
// CHECK: math.exp %{{.*}} : tensor<8x10xf32>
// CHECK: %[[Y:.*]] = arith.divf
// CHECK: %[[R:.*]] = arith.truncf %[[Y]] : tensor<8x10xf32> to tensor<8x10xbf16>
// CHECK-NEXT: return %[[R]]
func.func @softmax(%x: tensor<8x10xbf16>) -> tensor<8x10xbf16> {
  %y = train.softmax %x : (tensor<8x10xbf16>) -> tensor<8x10xbf16>
  return %y : tensor<8x10xbf16>
}

// -----

// f64 stays f64. In the tail 1 + erf would cancel.
// CHECK-LABEL: func @reference
// CHECK-NOT: arith.{{extf|truncf}}
// CHECK: math.erfc %{{.*}} : tensor<8xf64>
func.func @reference(%x: tensor<8xf64>) -> tensor<8xf64> {
  %y = train.gelu %x : tensor<8xf64>
  return %y : tensor<8xf64>
}

// -----

// The score of the label is selected, not multiplied, so that -inf elsewhere does
// no harm; the rows' losses are reduced after all rows are done.
// CHECK-LABEL: func @cross_entropy
// CHECK: train.one_hot %arg1
// CHECK: arith.select
// CHECK: %[[ROWS:.*]] = arith.subf %{{.*}} : tensor<8xf32>
// CHECK: train.reduce mean %[[ROWS]] dims = [0] : tensor<8xf32> -> tensor<f32>
func.func @cross_entropy(%x: tensor<8x10xbf16>, %y: tensor<8xi32>) -> tensor<f32> {
  %loss = train.cross_entropy %x, %y : (tensor<8x10xbf16>, tensor<8xi32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// Bias corrections are computed once, at rank 0, and repeated; a 16-bit gradient
// is widened where it is read.
// CHECK-LABEL: func @update
// CHECK: arith.extf %arg1 : tensor<4x4xbf16> to tensor<4x4xf32>
// CHECK: math.expm1 %{{.*}} : tensor<f32>
// CHECK: train.broadcast %{{.*}} dims = [] : tensor<f32> -> tensor<4x4xf32>
func.func @update(%p: tensor<4x4xf32>, %g: tensor<4x4xbf16>, %lr: tensor<f32>, %t: tensor<i32>,
                  %m: tensor<4x4xf32>, %v: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) {
  %p1, %m1, %v1 = train.update #train.adamw<> %p, %g, %lr, %t states(%m, %v) : (tensor<4x4xf32>, tensor<4x4xbf16>, tensor<f32>, tensor<i32>, tensor<4x4xf32>, tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>)
  return %p1, %m1, %v1 : tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>
}

// -----

// A large reduction goes in stages, a long vector as rows.
// CHECK-LABEL: func @all_finite
// CHECK: tensor.expand_shape %arg1 {{.*}} : tensor<8192xf16> into tensor<8x1024xf16>
// CHECK: train.reduce max %{{.*}} dims = [1] : tensor<8x1024xf32> -> tensor<8xf32>
// CHECK: train.reduce max %{{.*}} dims = [0] : tensor<8xf32> -> tensor<f32>
// CHECK: arith.cmpf oeq
func.func @all_finite(%a: tensor<4x4xf16>, %b: tensor<8192xf16>) -> tensor<i1> {
  %ok = amp.all_finite %a, %b : (tensor<4x4xf16>, tensor<8192xf16>) -> tensor<i1>
  return %ok : tensor<i1>
}

// -----

// What an op of reverse mode expands into is reverse mode.
// CHECK-LABEL: func @backward
// CHECK: arith.maximumf {{.*}} {train.backward}
func.func @backward(%x: tensor<8xf32>) -> tensor<8xf32> {
  %y = train.relu %x {train.backward} : tensor<8xf32>
  return %y : tensor<8xf32>
}
