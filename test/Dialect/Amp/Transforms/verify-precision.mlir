// RUN: vernier-opt %s --amp-autocast=policy=vernier --amp-materialize-casts --amp-verify-precision | FileCheck %s
// RUN: vernier-opt %s --amp-autocast=policy=tf32 --amp-materialize-casts --amp-verify-precision | FileCheck %s
// RUN: vernier-opt %s --amp-autocast=policy=torch-cuda --amp-materialize-casts --amp-verify-precision | FileCheck %s

ml_program.global private mutable @w(#train.normal<0.0, 1.0>) : tensor<16x16xf32> {train.role = "parameter"}
ml_program.global private mutable @g(#train.constant<1.0>) : tensor<16xf32> {train.role = "parameter"}

// What autocast decides and materialises is true.
// CHECK-LABEL: func.func @loss
func.func @loss(%x: tensor<8x16xf32>, %y: tensor<8xi32>) -> (tensor<f32>, tensor<8x16xf32>) {
  %w = ml_program.global_load @w : tensor<16x16xf32>
  %g = ml_program.global_load @g : tensor<16xf32>
  %h = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %n = train.rms_norm %h, %g : (tensor<8x16xf32>, tensor<16xf32>) -> tensor<8x16xf32>
  %r = train.gelu %n : tensor<8x16xf32>
  %s = train.log_softmax %r : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %loss = train.cross_entropy %s, %y : (tensor<8x16xf32>, tensor<8xi32>) -> tensor<f32>
  return %loss, %s : tensor<f32>, tensor<8x16xf32>
}
