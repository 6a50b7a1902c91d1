// RUN: vernier-opt %s | vernier-opt | FileCheck %s

// A model survives printing and parsing.
// CHECK-LABEL: module @classifier
module @classifier {
  // CHECK: ml_program.global private mutable @w(#train.kaiming<uniform = true>) : tensor<10x64xf32> {train.role = "parameter"}
  ml_program.global private mutable @w(#train.kaiming<uniform = true>) : tensor<10x64xf32> {train.role = "parameter"}
  // CHECK: func.func @loss
  func.func @loss(%x: tensor<32x64xf32> {train.name = "image"}, %y: tensor<32xi32> {train.name = "label"})
      -> (tensor<f32> {train.name = "loss"}, tensor<32x10xf32> {train.name = "logits"}) {
    %w = ml_program.global_load @w : tensor<10x64xf32>
    // CHECK: train.linear %{{.*}}, %{{.*}} : (tensor<32x64xf32>, tensor<10x64xf32>) -> tensor<32x10xf32>
    %logits = train.linear %x, %w : (tensor<32x64xf32>, tensor<10x64xf32>) -> tensor<32x10xf32>
    // CHECK: train.cross_entropy
    %loss = train.cross_entropy %logits, %y : (tensor<32x10xf32>, tensor<32xi32>) -> tensor<f32>
    return %loss, %logits : tensor<f32>, tensor<32x10xf32>
  }
}
