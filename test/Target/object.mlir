// RUN: vernier-compile %s --policy=f32 -o %t.vplan
// RUN: vernier-run %t.vplan info | FileCheck %s
// RUN: vernier-run %t.vplan bench --entry predict --steps 1
// REQUIRES: compiler

// A model of products alone has no kernels, and its plan no object.
// CHECK: predict (1 calls)
func.func @predict(%x: tensor<4x8xf32>, %w: tensor<8x4xf32>)
    -> tensor<4x4xf32> {
  %0 = train.matmul %x, %w : (tensor<4x8xf32>, tensor<8x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}
