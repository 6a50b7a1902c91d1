// RUN: vernier-opt %s --split-input-file --train-differentiate | FileCheck %s

// The gradient of a broadcast sums over the copies; dims of extent 1 come back
// by a reshape.
ml_program.global private mutable @w(#train.kaiming) : tensor<1x4x1xf32>
func.func @loss() -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<1x4x1xf32>
  %y = train.broadcast %w dims = [0, 2, 3] : tensor<1x4x1xf32> -> tensor<3x2x4x5xf32>
  %z = arith.mulf %y, %y : tensor<3x2x4x5xf32>
  %loss = train.reduce sum %z dims = [0, 1, 2, 3] : tensor<3x2x4x5xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @broadcast
// CHECK: %[[SUM:.*]] = train.reduce sum {{.*}} dims = [0, 1, 3] {train.backward} : tensor<3x2x4x5xf32> -> tensor<4xf32>
// CHECK: %[[DW:.*]] = tensor.expand_shape %[[SUM]] {{\[\[}}0, 1, 2]] output_shape [1, 4, 1] {train.backward} : tensor<4xf32> into tensor<1x4x1xf32>
// CHECK: return %[[DW]]
func.func @broadcast() -> tensor<1x4x1xf32> {
  %loss, %dw = train.gradient @loss() wrt [@w] : () -> (tensor<f32>, tensor<1x4x1xf32>)
  return %dw : tensor<1x4x1xf32>
}

// -----

// One number repeated everywhere, with a unit dim: all dims are summed.
ml_program.global private mutable @w(#train.kaiming) : tensor<1xbf16>
func.func @loss() -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<1xbf16>
  %y = train.broadcast %w dims = [1] : tensor<1xbf16> -> tensor<2x4xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<2x4xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @broadcast_scalar
// CHECK: %[[SUM:.*]] = train.reduce sum {{.*}} dims = [0, 1] {train.backward} : tensor<2x4xbf16> -> tensor<bf16>
// CHECK: tensor.expand_shape %[[SUM]] [] output_shape [1]
func.func @broadcast_scalar() -> tensor<1xbf16> {
  %loss, %dw = train.gradient @loss() wrt [@w] : () -> (tensor<f32>, tensor<1xbf16>)
  return %dw : tensor<1xbf16>
}

// -----

// A mean divides in f32 before it rounds to the input's type and repeats.
ml_program.global private mutable @w(#train.kaiming) : tensor<2x4x8xbf16>
func.func @loss() -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<2x4x8xbf16>
  %y = train.reduce mean %w dims = [0, 2] : tensor<2x4x8xbf16> -> tensor<4xf32>
  %loss = train.reduce sum %y dims = [0] : tensor<4xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @mean
// CHECK: %[[N:.*]] = arith.constant {train.backward} dense<1.600000e+01> : tensor<4xf32>
// CHECK: %[[EACH:.*]] = arith.divf %{{.*}}, %[[N]] {train.backward} : tensor<4xf32>
// CHECK: %[[LOW:.*]] = arith.truncf %[[EACH]]
// CHECK: train.broadcast %[[LOW]] dims = [1] {train.backward} : tensor<4xbf16> -> tensor<2x4x8xbf16>
func.func @mean() -> tensor<2x4x8xbf16> {
  %loss, %dw = train.gradient @loss() wrt [@w] : () -> (tensor<f32>, tensor<2x4x8xbf16>)
  return %dw : tensor<2x4x8xbf16>
}

// -----

// Equal maxima share the gradient of a maximum.
ml_program.global private mutable @w(#train.kaiming) : tensor<4x8xbf16>
func.func @loss() -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<4x8xbf16>
  %y = train.reduce max %w dims = [1] : tensor<4x8xbf16> -> tensor<4xbf16>
  %loss = train.reduce sum %y dims = [0] : tensor<4xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @max
// CHECK: %[[MAX:.*]] = train.reduce max
// CHECK: arith.extf %[[MAX]] {train.backward}
// CHECK-NOT: train.reduce max
// CHECK: %[[IS:.*]] = arith.cmpf oeq
// CHECK: %[[ONES:.*]] = arith.select %[[IS]]
// CHECK: %[[COUNT:.*]] = train.reduce sum %[[ONES]] dims = [1]
// CHECK: arith.divf %{{.*}}, %[[COUNT]]
// CHECK: arith.truncf
func.func @max() -> tensor<4x8xbf16> {
  %loss, %dw = train.gradient @loss() wrt [@w] : () -> (tensor<f32>, tensor<4x8xbf16>)
  return %dw : tensor<4x8xbf16>
}

// -----

// A maximum rounded below its input's type is found again in that type.
ml_program.global private mutable @w(#train.kaiming) : tensor<4x8xf32>
func.func @loss() -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<4x8xf32>
  %y = train.reduce max %w dims = [1] : tensor<4x8xf32> -> tensor<4xbf16>
  %loss = train.reduce sum %y dims = [0] : tensor<4xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @rounded_max
// CHECK: %[[W:.*]] = ml_program.global_load @w
// CHECK: %[[MAX:.*]] = train.reduce max %[[W]] dims = [1] {train.backward} : tensor<4x8xf32> -> tensor<4xf32>
// CHECK: %[[ROW:.*]] = train.broadcast %[[MAX]]
// CHECK: arith.cmpf oeq, %[[W]], %[[ROW]]
func.func @rounded_max() -> tensor<4x8xf32> {
  %loss, %dw = train.gradient @loss() wrt [@w] : () -> (tensor<f32>, tensor<4x8xf32>)
  return %dw : tensor<4x8xf32>
}

// -----

// Reshapes and transposes are undone by their inverses.
ml_program.global private mutable @w(#train.kaiming) : tensor<2x3x4xf32>
func.func @loss() -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<2x3x4xf32>
  %a = train.transpose %w permutation = [1, 2, 0] : tensor<2x3x4xf32> -> tensor<3x4x2xf32>
  %b = tensor.collapse_shape %a [[0, 1], [2]] : tensor<3x4x2xf32> into tensor<12x2xf32>
  %c = tensor.expand_shape %b [[0], [1, 2]] output_shape [12, 1, 2] : tensor<12x2xf32> into tensor<12x1x2xf32>
  %loss = train.reduce sum %c dims = [0, 1, 2] : tensor<12x1x2xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @reshapes
// CHECK: %[[DB:.*]] = tensor.collapse_shape {{.*}} {train.backward} : tensor<12x1x2xf32> into tensor<12x2xf32>
// CHECK: %[[DA:.*]] = tensor.expand_shape %[[DB]] {{.*}} {train.backward} : tensor<12x2xf32> into tensor<3x4x2xf32>
// CHECK: train.transpose %[[DA]] permutation = [2, 0, 1] {train.backward} : tensor<3x4x2xf32> -> tensor<2x3x4xf32>
func.func @reshapes() -> tensor<2x3x4xf32> {
  %loss, %dw = train.gradient @loss() wrt [@w] : () -> (tensor<f32>, tensor<2x3x4xf32>)
  return %dw : tensor<2x3x4xf32>
}

// -----

// Moves have moves as gradients: the parts of a concatenation, zeros around a
// slice, what lies within a padding.
ml_program.global private mutable @w(#train.kaiming) : tensor<4x8xbf16>
func.func @loss(%x: tensor<4x3xbf16>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<4x8xbf16>
  %zero = arith.constant 0.0 : bf16
  %s = tensor.extract_slice %w[1, 0] [3, 8] [1, 1] : tensor<4x8xbf16> to tensor<3x8xbf16>
  %p = tensor.pad %s low[0, 0] high[1, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : bf16
  } : tensor<3x8xbf16> to tensor<4x8xbf16>
  %y = tensor.concat dim(1) %x, %p : (tensor<4x3xbf16>, tensor<4x8xbf16>) -> tensor<4x11xbf16>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x11xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @moves
// CHECK: %[[PART:.*]] = tensor.extract_slice %{{.*}}[0, 3] [4, 8] [1, 1] {train.backward} : tensor<4x11xbf16> to tensor<4x8xbf16>
// CHECK: %[[INNER:.*]] = tensor.extract_slice %[[PART]][0, 0] [3, 8] [1, 1] {train.backward}
// CHECK: %[[DW:.*]] = tensor.pad %[[INNER]] low[1, 0] high[0, 0] {
// CHECK: return %[[DW]]
func.func @moves(%x: tensor<4x3xbf16>) -> tensor<4x8xbf16> {
  %loss, %dw = train.gradient @loss(%x) wrt [@w] : (tensor<4x3xbf16>) -> (tensor<f32>, tensor<4x8xbf16>)
  return %dw : tensor<4x8xbf16>
}
