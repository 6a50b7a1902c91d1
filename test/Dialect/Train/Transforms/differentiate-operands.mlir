// RUN: vernier-opt %s --train-identify-ops --train-differentiate --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s
// RUN: vernier-opt %s --train-differentiate | FileCheck %s --check-prefix=ORDER

// What computes a gradient of a contraction says of which operand it is, and of
// which parameter where that alone makes the operand. It stands where the forward op
// stands, and is called the same.
module {
  ml_program.global private mutable @w(#train.kaiming) : tensor<8x8xf32> {train.role = "parameter"}
  ml_program.global private mutable @b(#train.constant<0.0>) : tensor<8xf32> {train.role = "parameter"}
  ml_program.global private mutable @u(#train.kaiming) : tensor<4x3x3x2xf32> {train.role = "parameter"}

  func.func @loss(%x: tensor<8x8xf32>, %i: tensor<2x4x4x2xf32>) -> tensor<f32> {
    %w = ml_program.global_load @w : tensor<8x8xf32>
    %b = ml_program.global_load @b : tensor<8xf32>
    %u = ml_program.global_load @u : tensor<4x3x3x2xf32>
    %h = train.linear %x, %w, %b : (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<8x8xf32>
    %s = train.matmul %h, %h : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    %t = train.transpose %w permutation = [1, 0] : tensor<8x8xf32> -> tensor<8x8xf32>
    %p = train.matmul %t, %s : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
    %c = train.conv2d %i, %u : (tensor<2x4x4x2xf32>, tensor<4x3x3x2xf32>) -> tensor<2x2x2x4xf32>
    %0 = train.reduce sum %p dims = [0, 1] : tensor<8x8xf32> -> tensor<f32>
    %1 = train.reduce sum %c dims = [0, 1, 2, 3] : tensor<2x2x2x4xf32> -> tensor<f32>
    %2 = arith.addf %0, %1 : tensor<f32>
    return %2 : tensor<f32>
  }

  // CHECK-LABEL: func.func @step
  // CHECK: train.conv2d_weight_gradient {{.*}} loc(fused<#train.gradient_of<rhs, parameter = "u">>[fused<#train.identity<"train.conv2d@u"
  // A parameter makes the left operand here, transposed; the right one is an activation.
  // CHECK: train.matmul {{.*}} loc(fused<#train.gradient_of<lhs, parameter = "w">>[fused<#train.identity<"train.matmul#2"
  // CHECK: train.matmul {{.*}} loc(fused<#train.gradient_of<rhs>>[fused<#train.identity<"train.matmul#2"
  // CHECK: train.matmul {{.*}} loc(fused<#train.gradient_of<lhs>>[fused<#train.identity<"train.matmul",
  // CHECK: train.matmul {{.*}} loc(fused<#train.gradient_of<rhs>>[fused<#train.identity<"train.matmul",
  // CHECK: train.reduce {{.*}} loc(fused<#train.gradient_of<bias, parameter = "b">>[fused<#train.identity<"train.linear@w"
  // CHECK: train.matmul {{.*}} loc(fused<#train.gradient_of<rhs, parameter = "w">>[fused<#train.identity<"train.linear@w"

  // The order in which gradients are computed is that in which an overflow is met:
  // the sum of both gradients of @w comes last.
  // ORDER: func.func @step({{.*}}attributes {train.gradient_order = ["u", "b", "w"]}
  func.func @step(%x: tensor<8x8xf32>, %i: tensor<2x4x4x2xf32>) -> (tensor<f32>, tensor<8x8xf32>, tensor<8xf32>, tensor<4x3x3x2xf32>) {
    %loss, %dw, %db, %du = train.gradient @loss(%x, %i) wrt [@w, @b, @u]
        : (tensor<8x8xf32>, tensor<2x4x4x2xf32>) -> (tensor<f32>, tensor<8x8xf32>, tensor<8xf32>, tensor<4x3x3x2xf32>)
    return %loss, %dw, %db, %du : tensor<f32>, tensor<8x8xf32>, tensor<8xf32>, tensor<4x3x3x2xf32>
  }
}
