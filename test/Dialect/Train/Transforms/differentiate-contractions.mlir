// RUN: vernier-opt %s --split-input-file --train-differentiate --canonicalize | FileCheck %s

// The gradients of op(A) . op(B) need no transpose in memory, whichever operand
// is stored transposed: the flags say it all, and each gradient comes out as its
// operand is stored.
ml_program.global private mutable @a(#train.kaiming) : tensor<4x8xf32>
ml_program.global private mutable @at(#train.kaiming) : tensor<8x4xf32>
ml_program.global private mutable @b(#train.kaiming) : tensor<8x2xf32>
ml_program.global private mutable @bt(#train.kaiming) : tensor<2x8xf32>

func.func @plain() -> tensor<f32> {
  %a = ml_program.global_load @a : tensor<4x8xf32>
  %b = ml_program.global_load @b : tensor<8x2xf32>
  %c = train.matmul %a, %b : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  %loss = train.reduce sum %c dims = [0, 1] : tensor<4x2xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @plain_gradient
// CHECK-DAG: %[[A:.*]] = ml_program.global_load @a
// CHECK-DAG: %[[B:.*]] = ml_program.global_load @b
// CHECK: %[[G:.*]] = train.broadcast
// CHECK-NOT: train.transpose
// CHECK-DAG: train.matmul %[[G]], %[[B]] {train.backward, transpose_rhs} : (tensor<4x2xf32>, tensor<8x2xf32>) -> tensor<4x8xf32>
// CHECK-DAG: train.matmul %[[A]], %[[G]] {train.backward, transpose_lhs} : (tensor<4x8xf32>, tensor<4x2xf32>) -> tensor<8x2xf32>
func.func @plain_gradient() -> (tensor<4x8xf32>, tensor<8x2xf32>) {
  %loss, %da, %db = train.gradient @plain() wrt [@a, @b] : () -> (tensor<f32>, tensor<4x8xf32>, tensor<8x2xf32>)
  return %da, %db : tensor<4x8xf32>, tensor<8x2xf32>
}

func.func @rhs() -> tensor<f32> {
  %a = ml_program.global_load @a : tensor<4x8xf32>
  %b = ml_program.global_load @bt : tensor<2x8xf32>
  %c = train.matmul %a, %b {transpose_rhs} : (tensor<4x8xf32>, tensor<2x8xf32>) -> tensor<4x2xf32>
  %loss = train.reduce sum %c dims = [0, 1] : tensor<4x2xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @rhs_gradient
// CHECK-DAG: %[[A:.*]] = ml_program.global_load @a
// CHECK-DAG: %[[B:.*]] = ml_program.global_load @bt
// CHECK: %[[G:.*]] = train.broadcast
// CHECK-DAG: train.matmul %[[G]], %[[B]] {train.backward} : (tensor<4x2xf32>, tensor<2x8xf32>) -> tensor<4x8xf32>
// CHECK-DAG: train.matmul %[[G]], %[[A]] {train.backward, transpose_lhs} : (tensor<4x2xf32>, tensor<4x8xf32>) -> tensor<2x8xf32>
func.func @rhs_gradient() -> (tensor<4x8xf32>, tensor<2x8xf32>) {
  %loss, %da, %db = train.gradient @rhs() wrt [@a, @bt] : () -> (tensor<f32>, tensor<4x8xf32>, tensor<2x8xf32>)
  return %da, %db : tensor<4x8xf32>, tensor<2x8xf32>
}

func.func @lhs() -> tensor<f32> {
  %a = ml_program.global_load @at : tensor<8x4xf32>
  %b = ml_program.global_load @b : tensor<8x2xf32>
  %c = train.matmul %a, %b {transpose_lhs} : (tensor<8x4xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  %loss = train.reduce sum %c dims = [0, 1] : tensor<4x2xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @lhs_gradient
// CHECK-DAG: %[[A:.*]] = ml_program.global_load @at
// CHECK-DAG: %[[B:.*]] = ml_program.global_load @b
// CHECK: %[[G:.*]] = train.broadcast
// CHECK-DAG: train.matmul %[[B]], %[[G]] {train.backward, transpose_rhs} : (tensor<8x2xf32>, tensor<4x2xf32>) -> tensor<8x4xf32>
// CHECK-DAG: train.matmul %[[A]], %[[G]] {train.backward} : (tensor<8x4xf32>, tensor<4x2xf32>) -> tensor<8x2xf32>
func.func @lhs_gradient() -> (tensor<8x4xf32>, tensor<8x2xf32>) {
  %loss, %da, %db = train.gradient @lhs() wrt [@at, @b] : () -> (tensor<f32>, tensor<8x4xf32>, tensor<8x2xf32>)
  return %da, %db : tensor<8x4xf32>, tensor<8x2xf32>
}

func.func @both() -> tensor<f32> {
  %a = ml_program.global_load @at : tensor<8x4xf32>
  %b = ml_program.global_load @bt : tensor<2x8xf32>
  %c = train.matmul %a, %b {transpose_lhs, transpose_rhs} : (tensor<8x4xf32>, tensor<2x8xf32>) -> tensor<4x2xf32>
  %loss = train.reduce sum %c dims = [0, 1] : tensor<4x2xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @both_gradient
// CHECK-DAG: %[[A:.*]] = ml_program.global_load @at
// CHECK-DAG: %[[B:.*]] = ml_program.global_load @bt
// CHECK: %[[G:.*]] = train.broadcast
// CHECK-DAG: train.matmul %[[B]], %[[G]] {train.backward, transpose_lhs, transpose_rhs} : (tensor<2x8xf32>, tensor<4x2xf32>) -> tensor<8x4xf32>
// CHECK-DAG: train.matmul %[[G]], %[[A]] {train.backward, transpose_lhs, transpose_rhs} : (tensor<4x2xf32>, tensor<8x4xf32>) -> tensor<2x8xf32>
func.func @both_gradient() -> (tensor<8x4xf32>, tensor<2x8xf32>) {
  %loss, %da, %db = train.gradient @both() wrt [@at, @bt] : () -> (tensor<f32>, tensor<8x4xf32>, tensor<2x8xf32>)
  return %da, %db : tensor<8x4xf32>, tensor<2x8xf32>
}

// -----

// The gradient of a right operand that serves a whole batch sums over the batch:
// one contraction, with the batch read as rows.
ml_program.global private mutable @w(#train.kaiming) : tensor<8x2xf32>
func.func @shared(%x: tensor<3x4x8xf32>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<8x2xf32>
  %y = train.matmul %x, %w : (tensor<3x4x8xf32>, tensor<8x2xf32>) -> tensor<3x4x2xf32>
  %loss = train.reduce sum %y dims = [0, 1, 2] : tensor<3x4x2xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @shared_gradient
// CHECK-SAME: %[[X:.*]]: tensor<3x4x8xf32>
// CHECK: %[[G:.*]] = train.broadcast
// CHECK-DAG: %[[ROWS:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]] {train.backward} : tensor<3x4x8xf32> into tensor<12x8xf32>
// CHECK-DAG: %[[GROWS:.*]] = tensor.collapse_shape %[[G]] {{\[\[}}0, 1], [2]] {train.backward} : tensor<3x4x2xf32> into tensor<12x2xf32>
// CHECK: %[[DW:.*]] = train.matmul %[[ROWS]], %[[GROWS]] {train.backward, transpose_lhs} : (tensor<12x8xf32>, tensor<12x2xf32>) -> tensor<8x2xf32>
// CHECK: return %[[DW]]
func.func @shared_gradient(%x: tensor<3x4x8xf32>) -> tensor<8x2xf32> {
  %loss, %dw = train.gradient @shared(%x) wrt [@w] : (tensor<3x4x8xf32>) -> (tensor<f32>, tensor<8x2xf32>)
  return %dw : tensor<8x2xf32>
}

// With the left operand stored (B, K, M) the batch cannot join the rows: the
// products are summed in f32 and rounded once.
ml_program.global private mutable @v(#train.kaiming) : tensor<8x2xbf16>
func.func @strided(%x: tensor<3x8x4xbf16>) -> tensor<f32> {
  %v = ml_program.global_load @v : tensor<8x2xbf16>
  %y = train.matmul %x, %v {transpose_lhs} : (tensor<3x8x4xbf16>, tensor<8x2xbf16>) -> tensor<3x4x2xbf16>
  %loss = train.reduce sum %y dims = [0, 1, 2] : tensor<3x4x2xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @strided_gradient
// CHECK: %[[EACH:.*]] = train.matmul {{.*}} : (tensor<3x8x4xbf16>, tensor<3x4x2xbf16>) -> tensor<3x8x2xf32>
// CHECK: %[[DV:.*]] = train.reduce sum %[[EACH]] dims = [0] {train.backward} : tensor<3x8x2xf32> -> tensor<8x2xbf16>
// CHECK: return %[[DV]]
func.func @strided_gradient(%x: tensor<3x8x4xbf16>) -> tensor<8x2xbf16> {
  %loss, %dv = train.gradient @strided(%x) wrt [@v] : (tensor<3x8x4xbf16>) -> (tensor<f32>, tensor<8x2xbf16>)
  return %dv : tensor<8x2xbf16>
}

// -----

// A linear layer of 16 bits that writes f32: its gradient contractions run in
// 16 bits, the bias sums the gradient as it arrives, in f32. The input's gradient
// has the input's shape.
ml_program.global private mutable @x(#train.kaiming) : tensor<3x4x8xbf16>
ml_program.global private mutable @w(#train.kaiming) : tensor<2x8xbf16>
ml_program.global private mutable @b(#train.kaiming) : tensor<2xf32>
func.func @linear() -> tensor<f32> {
  %x = ml_program.global_load @x : tensor<3x4x8xbf16>
  %w = ml_program.global_load @w : tensor<2x8xbf16>
  %b = ml_program.global_load @b : tensor<2xf32>
  %y = train.linear %x, %w, %b : (tensor<3x4x8xbf16>, tensor<2x8xbf16>, tensor<2xf32>) -> tensor<3x4x2xf32>
  %loss = train.reduce sum %y dims = [0, 1, 2] : tensor<3x4x2xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @linear_gradient
// CHECK-DAG: %[[X:.*]] = ml_program.global_load @x
// CHECK-DAG: %[[W:.*]] = ml_program.global_load @w
// CHECK: %[[G:.*]] = train.broadcast {{.*}} -> tensor<3x4x2xf32>
// CHECK-DAG: %[[DB:.*]] = train.reduce sum %[[G]] dims = [0, 1] {train.backward} : tensor<3x4x2xf32> -> tensor<2xf32>
// CHECK-DAG: %[[LOW:.*]] = arith.truncf %[[G]]
// CHECK: %[[ROWS:.*]] = tensor.collapse_shape %[[LOW]] {{.*}} into tensor<12x2xbf16>
// CHECK: %[[DROWS:.*]] = train.matmul %[[ROWS]], %[[W]] {train.backward} : (tensor<12x2xbf16>, tensor<2x8xbf16>) -> tensor<12x8xbf16>
// CHECK: %[[DX:.*]] = tensor.expand_shape %[[DROWS]] {{.*}} into tensor<3x4x8xbf16>
// CHECK: %[[XROWS:.*]] = tensor.collapse_shape %[[X]] {{.*}} into tensor<12x8xbf16>
// CHECK: %[[DW:.*]] = train.matmul %[[ROWS]], %[[XROWS]] {train.backward, transpose_lhs} : (tensor<12x2xbf16>, tensor<12x8xbf16>) -> tensor<2x8xbf16>
// CHECK: return %[[DX]], %[[DW]], %[[DB]]
func.func @linear_gradient() -> (tensor<3x4x8xbf16>, tensor<2x8xbf16>, tensor<2xf32>) {
  %loss, %dx, %dw, %db = train.gradient @linear() wrt [@x, @w, @b] : () -> (tensor<f32>, tensor<3x4x8xbf16>, tensor<2x8xbf16>, tensor<2xf32>)
  return %dx, %dw, %db : tensor<3x4x8xbf16>, tensor<2x8xbf16>, tensor<2xf32>
}

// A vector is a matrix of one row.
ml_program.global private mutable @vector(#train.kaiming) : tensor<8xbf16>
func.func @linear_vector() -> tensor<f32> {
  %x = ml_program.global_load @vector : tensor<8xbf16>
  %w = ml_program.global_load @w : tensor<2x8xbf16>
  %b = ml_program.global_load @b : tensor<2xf32>
  %y = train.linear %x, %w, %b : (tensor<8xbf16>, tensor<2x8xbf16>, tensor<2xf32>) -> tensor<2xbf16>
  %loss = train.reduce sum %y dims = [0] : tensor<2xbf16> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @linear_vector_gradient
// CHECK: train.matmul {{.*}} : (tensor<1x2xbf16>, tensor<2x8xbf16>) -> tensor<1x8xbf16>
// CHECK: train.matmul {{.*}} : (tensor<1x2xbf16>, tensor<1x8xbf16>) -> tensor<2x8xbf16>
func.func @linear_vector_gradient() -> (tensor<8xbf16>, tensor<2x8xbf16>, tensor<2xf32>) {
  %loss, %dx, %dw, %db = train.gradient @linear_vector() wrt [@vector, @w, @b] : () -> (tensor<f32>, tensor<8xbf16>, tensor<2x8xbf16>, tensor<2xf32>)
  return %dx, %dw, %db : tensor<8xbf16>, tensor<2x8xbf16>, tensor<2xf32>
}

// -----

// tf32 and the accumulate type of a contraction are those of its gradients; an
// epilogue is differentiated by the result.
ml_program.global private mutable @w(#train.kaiming) : tensor<2x8xf32>
func.func @loss(%x: tensor<4x8xf32>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<2x8xf32>
  %y = train.linear %x, %w {tf32, accumulate_type = f32, epilogue = #train<epilogue relu>} : (tensor<4x8xf32>, tensor<2x8xf32>) -> tensor<4x2xf32>
  %loss = train.reduce sum %y dims = [0, 1] : tensor<4x2xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
// CHECK-LABEL: func.func @settings
// CHECK: %[[Y:.*]] = train.linear
// CHECK: arith.cmpf oge, %{{.*}}, %[[Y]]
// CHECK: %[[G:.*]] = arith.select
// CHECK: train.matmul %[[G]], {{.*}} {accumulate_type = f32, tf32, train.backward, transpose_lhs}
func.func @settings(%x: tensor<4x8xf32>) -> tensor<2x8xf32> {
  %loss, %dw = train.gradient @loss(%x) wrt [@w] : (tensor<4x8xf32>) -> (tensor<f32>, tensor<2x8xf32>)
  return %dw : tensor<2x8xf32>
}
