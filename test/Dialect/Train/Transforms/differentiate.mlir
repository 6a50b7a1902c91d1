// RUN: vernier-opt %s --split-input-file --train-differentiate --mlir-print-local-scope | FileCheck %s

ml_program.global private mutable @w(#train.kaiming) : tensor<2x4xf32> {train.role = "parameter"}
ml_program.global private mutable @b(#train.constant<0.0>) : tensor<2xf32> {train.role = "parameter"}

func.func @loss(%x: tensor<8x4xf32>, %y: tensor<8xi32>) -> (tensor<f32>, tensor<8x2xf32>) {
  %w = ml_program.global_load @w : tensor<2x4xf32>
  %b = ml_program.global_load @b : tensor<2xf32>
  %sums = train.linear %x, %w, %b : (tensor<8x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<8x2xf32>
  %z = train.relu %sums : tensor<8x2xf32>
  %loss = train.cross_entropy %z, %y : (tensor<8x2xf32>, tensor<8xi32>) -> tensor<f32>
  return %loss, %z : tensor<f32>, tensor<8x2xf32>
}

// The gradient becomes the callee's body and its reverse mode, marked as such.
// Relu asks its result, the weight's gradient is one contraction of the
// transposed result gradient with the input, and the data gets no gradient.
// CHECK-LABEL: func.func @step(
// CHECK-SAME: %[[X:.*]]: tensor<8x4xf32>, %[[Y:.*]]: tensor<8xi32>)
// CHECK: %[[SUMS:.*]] = train.linear %[[X]]
// CHECK: %[[Z:.*]] = train.relu %[[SUMS]]
// CHECK: %[[LOSS:.*]] = train.cross_entropy %[[Z]], %[[Y]]
// CHECK: train.seed {train.backward}
// CHECK: train.one_hot %[[Y]] {train.backward}
// CHECK: arith.cmpf oge, %{{.*}}, %[[Z]]
// CHECK: %[[DSUMS:.*]] = arith.select
// CHECK-DAG: %[[DB:.*]] = train.reduce sum %[[DSUMS]] dims = [0] {train.backward} : tensor<8x2xf32> -> tensor<2xf32>
// CHECK-DAG: %[[DW:.*]] = train.matmul %[[DSUMS]], %[[X]] {train.backward, transpose_lhs} : (tensor<8x2xf32>, tensor<8x4xf32>) -> tensor<2x4xf32>
// CHECK-NOT: train.matmul
// CHECK: return %[[LOSS]], %[[DW]], %[[DB]]
func.func @step(%x: tensor<8x4xf32>, %y: tensor<8xi32>) -> (tensor<f32>, tensor<2x4xf32>, tensor<2xf32>) {
  %loss, %z, %dw, %db = train.gradient @loss(%x, %y) wrt [@w, @b] : (tensor<8x4xf32>, tensor<8xi32>) -> (tensor<f32>, tensor<8x2xf32>, tensor<2x4xf32>, tensor<2xf32>)
  return %loss, %dw, %db : tensor<f32>, tensor<2x4xf32>, tensor<2xf32>
}

// -----

ml_program.global private mutable @w(#train.kaiming) : tensor<4xf32> {train.role = "parameter"}

func.func @loss(%x: tensor<4xbf16>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<4xf32>
  %low = arith.truncf %w : tensor<4xf32> to tensor<4xbf16>
  %a = arith.mulf %low, %x : tensor<4xbf16>
  %b = arith.addf %a, %low : tensor<4xbf16>
  %loss = train.reduce sum %b dims = [0] : tensor<4xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}

// A 16-bit value with two uses gets its gradient summed in f32. What it was rounded
// from, here the master, takes that sum as it is.
// CHECK-LABEL: func.func @step(
// CHECK-SAME: %[[X:.*]]: tensor<4xbf16>)
// CHECK: %[[G:.*]] = train.broadcast %{{.*}} dims = [] {train.backward} : tensor<bf16> -> tensor<4xbf16>
// CHECK: %[[DA:.*]] = arith.mulf %[[G]], %[[X]] {train.backward}
// CHECK-DAG: %[[WIDE_G:.*]] = arith.extf %[[G]] {train.backward}
// CHECK-DAG: %[[WIDE_DA:.*]] = arith.extf %[[DA]] {train.backward}
// CHECK: %[[SUM:.*]] = arith.addf %[[WIDE_G]], %[[WIDE_DA]] {train.backward} : tensor<4xf32>
// CHECK: return %[[SUM]]
func.func @step(%x: tensor<4xbf16>) -> tensor<4xf32> {
  %loss, %dw = train.gradient @loss(%x) wrt [@w] : (tensor<4xbf16>) -> (tensor<f32>, tensor<4xf32>)
  return %dw : tensor<4xf32>
}

// -----

ml_program.global private mutable @w(#train.kaiming) : tensor<4xf32> {train.role = "parameter"}

func.func @loss() -> (tensor<f32>, tensor<4xf32>) {
  %w = ml_program.global_load @w : tensor<4xf32>
  %again = ml_program.global_load @w : tensor<4xf32>
  %product = arith.mulf %w, %again : tensor<4xf32>
  %loss = train.reduce sum %product dims = [0] : tensor<4xf32> -> tensor<f32>
  %output = arith.remf %product, %w : tensor<4xf32>
  return %loss, %output : tensor<f32>, tensor<4xf32>
}

// All loads of a global share its gradient. An op off the path to the loss costs
// nothing and needs no gradient.
// CHECK-LABEL: func.func @step()
// CHECK: %[[FIRST:.*]] = ml_program.global_load @w
// CHECK: %[[SECOND:.*]] = ml_program.global_load @w
// CHECK: arith.remf
// CHECK: %[[G:.*]] = train.broadcast
// CHECK-DAG: %[[DFIRST:.*]] = arith.mulf %[[G]], %[[SECOND]]
// CHECK-DAG: %[[DSECOND:.*]] = arith.mulf %[[G]], %[[FIRST]]
// CHECK: %[[DW:.*]] = arith.addf %[[DSECOND]], %[[DFIRST]]
// CHECK-NEXT: return %[[DW]]
func.func @step() -> tensor<4xf32> {
  %loss, %output, %dw = train.gradient @loss() wrt [@w] : () -> (tensor<f32>, tensor<4xf32>, tensor<4xf32>)
  return %dw : tensor<4xf32>
}
