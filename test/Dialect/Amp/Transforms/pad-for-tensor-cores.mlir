// RUN: vernier-opt %s --amp-pad-for-tensor-cores | FileCheck %s
// RUN: vernier-opt %s --amp-pad-for-tensor-cores=multiple=4 | FileCheck %s --check-prefix=FOUR

// K and N are leading dimensions (of the input, of the weight, of the result); M
// is not. The bias grows with N. What is read is the real part.
// CHECK-LABEL: func.func @linear
// FOUR-LABEL: func.func @linear
func.func @linear(%x: tensor<3x5x13xbf16>, %w: tensor<10x13xbf16>, %b: tensor<10xf32>) -> tensor<3x5x10xbf16> {
  // CHECK-DAG: %[[X:.*]] = tensor.pad %{{.*}} low[0, 0, 0] high[0, 0, 3]
  // CHECK-DAG: %[[W:.*]] = tensor.pad %{{.*}} low[0, 0] high[6, 3]
  // CHECK-DAG: %[[B:.*]] = tensor.pad %{{.*}} low[0] high[6]
  // CHECK: %[[Y:.*]] = train.linear %[[X]], %[[W]], %[[B]] {{.*}} -> tensor<3x5x16xbf16>
  // CHECK: %[[R:.*]] = tensor.extract_slice %[[Y]][0, 0, 0] [3, 5, 10] [1, 1, 1] : tensor<3x5x16xbf16> to tensor<3x5x10xbf16>
  // CHECK: return %[[R]]
  // FOUR: train.linear {{.*}} (tensor<3x5x16xbf16>, tensor<12x16xbf16>, tensor<12xf32>) -> tensor<3x5x12xbf16>
  %y = train.linear %x, %w, %b : (tensor<3x5x13xbf16>, tensor<10x13xbf16>, tensor<10xf32>) -> tensor<3x5x10xbf16>
  return %y : tensor<3x5x10xbf16>
}

// A left operand that is stored transposed has M as its leading dimension, and K
// of neither operand is one.
// CHECK-LABEL: func.func @transposed
func.func @transposed(%x: tensor<5x13xf16>, %y: tensor<5x16xf16>) -> tensor<13x16xf32> {
  // CHECK: train.matmul {{.*}} (tensor<5x16xf16>, tensor<5x16xf16>) -> tensor<16x16xf32>
  // CHECK: tensor.extract_slice {{.*}} to tensor<13x16xf32>
  %z = train.matmul %x, %y {transpose_lhs} : (tensor<5x13xf16>, tensor<5x16xf16>) -> tensor<13x16xf32>
  return %z : tensor<13x16xf32>
}

// A weight that serves two contractions is padded once, behind its definition.
// CHECK-LABEL: func.func @shared
// CHECK-COUNT-1: : tensor<16x7xbf16> to tensor<16x8xbf16>
// CHECK-NOT: : tensor<16x7xbf16> to tensor<16x8xbf16>
func.func @shared(%x: tensor<8x7xbf16>, %w: tensor<16x7xbf16>) -> (tensor<8x16xbf16>, tensor<16x16xbf16>) {
  %a = train.matmul %x, %w {transpose_rhs} : (tensor<8x7xbf16>, tensor<16x7xbf16>) -> tensor<8x16xbf16>
  %b = train.matmul %w, %w {transpose_rhs} : (tensor<16x7xbf16>, tensor<16x7xbf16>) -> tensor<16x16xbf16>
  return %a, %b : tensor<8x16xbf16>, tensor<16x16xbf16>
}

// tf32 asks for multiples of 4; f32 without it, f64, aligned dims and products with
// a vector stay.
// CHECK-LABEL: func.func @others
func.func @others(%f: tensor<8x7xf32>, %d: tensor<8x7xf64>, %h: tensor<8x8xbf16>, %v: tensor<1x8xbf16>)
    -> (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf64>, tensor<8x8xbf16>, tensor<8x1xbf16>) {
  // CHECK: train.matmul {{.*}}tf32{{.*}} (tensor<8x8xf32>, tensor<8x8xf32>)
  %0 = train.matmul %f, %f {tf32, transpose_rhs} : (tensor<8x7xf32>, tensor<8x7xf32>) -> tensor<8x8xf32>
  // CHECK-NOT: extract_slice
  %1 = train.matmul %f, %f {transpose_rhs} : (tensor<8x7xf32>, tensor<8x7xf32>) -> tensor<8x8xf32>
  %2 = train.matmul %d, %d {transpose_rhs} : (tensor<8x7xf64>, tensor<8x7xf64>) -> tensor<8x8xf64>
  %3 = train.matmul %h, %h : (tensor<8x8xbf16>, tensor<8x8xbf16>) -> tensor<8x8xbf16>
  %4 = train.linear %h, %v : (tensor<8x8xbf16>, tensor<1x8xbf16>) -> tensor<8x1xbf16>
  return %0, %1, %2, %3, %4 : tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf64>, tensor<8x8xbf16>, tensor<8x1xbf16>
}
