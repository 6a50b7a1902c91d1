// RUN: vernier-opt %s -split-input-file --amp-pad-for-tensor-cores | FileCheck %s

// A slice and the pad of the next contraction cancel, through ops that keep zeros.
// Only the argument is padded by a copy.
// CHECK-LABEL: func.func @chain
// CHECK-COUNT-1: tensor.pad
// CHECK-NOT: tensor.pad
// CHECK: train.relu {{.*}} : tensor<8x16xbf16>
// CHECK-NOT: tensor.extract_slice
// CHECK: return
ml_program.global private mutable @w1(#train.kaiming) : tensor<10x13xbf16> {train.role = "parameter"}
ml_program.global private mutable @w2(#train.kaiming) : tensor<16x10xbf16> {train.role = "parameter"}
func.func @chain(%x: tensor<8x13xbf16>) -> tensor<8x16xbf16> {
  %w1 = ml_program.global_load @w1 : tensor<10x13xbf16>
  %w2 = ml_program.global_load @w2 : tensor<16x10xbf16>
  %h = train.linear %x, %w1 : (tensor<8x13xbf16>, tensor<10x13xbf16>) -> tensor<8x10xbf16>
  %r = train.relu %h : tensor<8x10xbf16>
  %y = train.linear %r, %w2 : (tensor<8x10xbf16>, tensor<16x10xbf16>) -> tensor<8x16xbf16>
  return %y : tensor<8x16xbf16>
}

// -----

// sigmoid(0) is not 0: a mask in the same kernel makes the zeros.
// CHECK-LABEL: func.func @masked
// CHECK: %[[S:.*]] = train.sigmoid {{.*}} : tensor<8x16xbf16>
// CHECK: %[[Z:.*]] = arith.select %{{.*}}, %[[S]], %{{.*}} : tensor<8x16xi1>, tensor<8x16xbf16>
// CHECK: train.linear %[[Z]]
func.func @masked(%x: tensor<8x16xbf16>, %w1: tensor<10x16xbf16>, %w2: tensor<16x10xbf16>) -> tensor<8x16xbf16> {
  %h = train.linear %x, %w1 : (tensor<8x16xbf16>, tensor<10x16xbf16>) -> tensor<8x10xbf16>
  %s = train.sigmoid %h : tensor<8x10xbf16>
  %y = train.linear %s, %w2 : (tensor<8x10xbf16>, tensor<16x10xbf16>) -> tensor<8x16xbf16>
  return %y : tensor<8x16xbf16>
}

// -----

// A parameter that one reader wants in longer rows and another in more rows as well
// is stored for both; a look-up reads whole padded rows, and its indices still name
// real rows alone.
// CHECK: ml_program.global {{.*}} @e{{.*}} : tensor<16x16xbf16> {train.logical_shape = array<i64: 10, 13>
// CHECK-LABEL: func.func @tied
// CHECK-SAME: tensor<8xi32> {train.classes = 10 : i64}
// CHECK-NOT: tensor.pad
// CHECK: %[[E:.*]] = ml_program.global_load @e : tensor<16x16xbf16>
// CHECK: %[[H:.*]] = train.gather %[[E]], %{{.*}} : (tensor<16x16xbf16>, tensor<8xi32>) -> tensor<8x16xbf16>
// CHECK: train.linear %[[H]], %[[E]] {{.*}}: (tensor<8x16xbf16>, tensor<16x16xbf16>) -> tensor<8x16xbf16>
ml_program.global private mutable @e(#train.kaiming) : tensor<10x13xbf16> {train.role = "parameter"}
func.func @tied(%i: tensor<8xi32>) -> tensor<8x10xbf16> {
  %e = ml_program.global_load @e : tensor<10x13xbf16>
  %h = train.gather %e, %i : (tensor<10x13xbf16>, tensor<8xi32>) -> tensor<8x13xbf16>
  %y = train.linear %h, %e : (tensor<8x13xbf16>, tensor<10x13xbf16>) -> tensor<8x10xbf16>
  return %y : tensor<8x10xbf16>
}

// -----

// Rows summed into a table leave the rows that padding added empty, whatever the
// indices are: those behind the real rows become -1.
// CHECK-LABEL: func.func @scattered
// CHECK: %[[REAL:.*]] = arith.cmpi slt, %{{.*}}, %{{.*}} : tensor<8xi32>
// CHECK: %[[I:.*]] = arith.select %[[REAL]], %{{.*}}, %{{.*}} : tensor<8xi1>, tensor<8xi32>
// CHECK: %[[T:.*]] = train.scatter_add %{{.*}}, %[[I]] : (tensor<8x16xbf16>, tensor<8xi32>) -> tensor<16x16xbf16>
// CHECK: train.matmul %{{.*}}, %[[T]] {{.*}}transpose_rhs
func.func @scattered(%i: tensor<8xi32>, %u: tensor<8x16xbf16>, %x: tensor<8x16xbf16>) -> tensor<8x10xbf16> {
  %one = arith.constant dense<1> : tensor<8xi32>
  %j = arith.addi %i, %one : tensor<8xi32>
  %t = train.scatter_add %u, %j : (tensor<8x16xbf16>, tensor<8xi32>) -> tensor<10x16xbf16>
  %y = train.matmul %x, %t {transpose_rhs} : (tensor<8x16xbf16>, tensor<10x16xbf16>) -> tensor<8x10xbf16>
  return %y : tensor<8x10xbf16>
}

// -----

// Transposes and reshapes that keep the padded dim take the padding along.
// CHECK-LABEL: func.func @moved
// CHECK: train.transpose %{{.*}} permutation = [1, 0, 2] : tensor<4x8x16xbf16> -> tensor<8x4x16xbf16>
// CHECK: tensor.collapse_shape %{{.*}} : tensor<8x4x16xbf16> into tensor<32x16xbf16>
// CHECK-NOT: tensor.extract_slice
// CHECK-NOT: tensor.pad
// CHECK: return
ml_program.global private mutable @w1(#train.kaiming) : tensor<13x16xbf16> {train.role = "parameter"}
ml_program.global private mutable @w2(#train.kaiming) : tensor<16x13xbf16> {train.role = "parameter"}
func.func @moved(%x: tensor<4x8x16xbf16>) -> tensor<32x16xbf16> {
  %w1 = ml_program.global_load @w1 : tensor<13x16xbf16>
  %w2 = ml_program.global_load @w2 : tensor<16x13xbf16>
  %h = train.linear %x, %w1 : (tensor<4x8x16xbf16>, tensor<13x16xbf16>) -> tensor<4x8x13xbf16>
  %t = train.transpose %h permutation = [1, 0, 2] : tensor<4x8x13xbf16> -> tensor<8x4x13xbf16>
  %f = tensor.collapse_shape %t [[0, 1], [2]] : tensor<8x4x13xbf16> into tensor<32x13xbf16>
  %y = train.linear %f, %w2 : (tensor<32x13xbf16>, tensor<16x13xbf16>) -> tensor<32x16xbf16>
  return %y : tensor<32x16xbf16>
}

// -----

// A norm of rows is computed over the real columns: what it reads is a slice and what
// it writes is padded, both for its kernel (train-fuse-padding). Its scale stays as
// it is.
// CHECK: ml_program.global {{.*}} @g{{.*}} : tensor<13xf32> {train.role
// CHECK-LABEL: func.func @norm
// CHECK: %[[N:.*]] = train.rms_norm %{{.*}}, %{{.*}} : (tensor<8x13xbf16>, tensor<13xf32>)
// CHECK: tensor.pad %[[N]]
ml_program.global private mutable @g(#train.constant<1.0>) : tensor<13xf32> {train.role = "parameter"}
func.func @norm(%x: tensor<8x16xbf16>, %w1: tensor<13x16xbf16>, %w2: tensor<16x13xbf16>) -> tensor<8x16xbf16> {
  %g = ml_program.global_load @g : tensor<13xf32>
  %h = train.linear %x, %w1 : (tensor<8x16xbf16>, tensor<13x16xbf16>) -> tensor<8x13xbf16>
  %n = train.rms_norm %h, %g : (tensor<8x13xbf16>, tensor<13xf32>) -> tensor<8x13xbf16>
  %y = train.linear %n, %w2 : (tensor<8x13xbf16>, tensor<16x13xbf16>) -> tensor<8x16xbf16>
  return %y : tensor<8x16xbf16>
}
