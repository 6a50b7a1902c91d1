// RUN: vernier-opt %s --split-input-file --train-legalize-contractions | FileCheck %s
// RUN: vernier-opt %s --split-input-file --attach-target=target=cpu:znver5 --train-legalize-contractions | FileCheck %s --check-prefix=NATIVE
// RUN: vernier-opt %s --split-input-file --attach-target=target=cuda:sm_100 --train-legalize-contractions | FileCheck %s --check-prefix=TENSOR-CORES

// The portable CPU has no bf16 products: operands and bias are widened, the
// result is rounded once. A newer CPU keeps the contraction.
// CHECK-LABEL: func @linear
// CHECK-DAG: %[[X:.*]] = arith.extf %arg0
// CHECK-DAG: %[[W:.*]] = arith.extf %arg1
// CHECK-DAG: %[[B:.*]] = arith.extf %arg2
// CHECK: %[[Y:.*]] = train.linear %[[X]], %[[W]], %[[B]] : (tensor<8x16xf32>, tensor<4x16xf32>, tensor<4xf32>) -> tensor<8x4xf32>
// CHECK: arith.truncf %[[Y]] : tensor<8x4xf32> to tensor<8x4xbf16>
// NATIVE-LABEL: func @linear
// NATIVE-NEXT: train.linear %arg0, %arg1, %arg2
func.func @linear(%x: tensor<8x16xbf16>, %w: tensor<4x16xbf16>, %b: tensor<4xbf16>) -> tensor<8x4xbf16> {
  %y = train.linear %x, %w, %b : (tensor<8x16xbf16>, tensor<4x16xbf16>, tensor<4xbf16>) -> tensor<8x4xbf16>
  return %y : tensor<8x4xbf16>
}

// -----

// What reverse mode computes stays marked, so that it is not shared with the
// forward part, which would keep the wide operands alive.
// CHECK-LABEL: func @backward
// CHECK: arith.extf %arg0 {train.backward}
// CHECK: train.matmul {{.*}} {train.backward}
func.func @backward(%a: tensor<8x16xf16>, %b: tensor<16x4xf16>) -> tensor<8x4xf32> {
  %y = train.matmul %a, %b {train.backward} : (tensor<8x16xf16>, tensor<16x4xf16>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

// tf32 operands are rounded to 10 mantissa bits by integer arithmetic, but on a
// GPU, which does so itself.
// CHECK-LABEL: func @tf32
// CHECK: %[[BITS:.*]] = arith.bitcast %arg0 : tensor<8x16xf32> to tensor<8x16xi32>
// CHECK: arith.shrui %[[BITS]]
// CHECK: %[[R:.*]] = arith.bitcast {{.*}} : tensor<8x16xi32> to tensor<8x16xf32>
// CHECK: %[[A:.*]] = arith.select %{{.*}}, %[[R]], %arg0
// CHECK: train.matmul %[[A]], %{{.*}} : (tensor<8x16xf32>
// CHECK-NOT: tf32
// TENSOR-CORES-LABEL: func @tf32
// TENSOR-CORES-NEXT: train.matmul %arg0, %arg1 {tf32}
func.func @tf32(%a: tensor<8x16xf32>, %b: tensor<16x4xf32>) -> tensor<8x4xf32> {
  %y = train.matmul %a, %b {tf32} : (tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

// f32 is native everywhere.
// CHECK-LABEL: func @f32
// CHECK-NEXT: train.matmul %arg0, %arg1 :
func.func @f32(%a: tensor<8x16xf32>, %b: tensor<16x4xf32>) -> tensor<8x4xf32> {
  %y = train.matmul %a, %b : (tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

// Sums in bf16: the device's f32 sums are rounded to bf16 before the result's
// type, with native products too.
// CHECK-LABEL: func @sums_in_bf16
// CHECK: %[[Y:.*]] = train.matmul {{.*}} : (tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
// CHECK: %[[SUM:.*]] = arith.truncf %[[Y]] : tensor<8x4xf32> to tensor<8x4xbf16>
// CHECK: arith.extf %[[SUM]] : tensor<8x4xbf16> to tensor<8x4xf32>
// NATIVE-LABEL: func @sums_in_bf16
// NATIVE-NEXT: %[[Y:.*]] = train.matmul %arg0, %arg1 : (tensor<8x16xbf16>, tensor<16x4xbf16>) -> tensor<8x4xf32>
// NATIVE-NEXT: %[[SUM:.*]] = arith.truncf %[[Y]] : tensor<8x4xf32> to tensor<8x4xbf16>
// NATIVE-NEXT: arith.extf %[[SUM]] : tensor<8x4xbf16> to tensor<8x4xf32>
func.func @sums_in_bf16(%a: tensor<8x16xbf16>, %b: tensor<16x4xbf16>) -> tensor<8x4xf32> {
  %y = train.matmul %a, %b {accumulate_type = bf16} : (tensor<8x16xbf16>, tensor<16x4xbf16>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

// One rounding serves sums and result of one type.
// NATIVE-LABEL: func @sums_like_result
// NATIVE-NEXT: train.matmul %arg0, %arg1 : (tensor<8x16xbf16>, tensor<16x4xbf16>) -> tensor<8x4xbf16>
// NATIVE-NEXT: return
func.func @sums_like_result(%a: tensor<8x16xbf16>, %b: tensor<16x4xbf16>) -> tensor<8x4xbf16> {
  %y = train.matmul %a, %b {accumulate_type = bf16} : (tensor<8x16xbf16>, tensor<16x4xbf16>) -> tensor<8x4xbf16>
  return %y : tensor<8x4xbf16>
}

// -----

// Libraries write the operands' type or f32; what is neither is rounded behind.
// NATIVE-LABEL: func @other_result
// NATIVE: %[[Y:.*]] = train.matmul %arg0, %arg1 : (tensor<8x16xbf16>, tensor<16x4xbf16>) -> tensor<8x4xf32>
// NATIVE: arith.truncf %[[Y]] : tensor<8x4xf32> to tensor<8x4xf16>
func.func @other_result(%a: tensor<8x16xbf16>, %b: tensor<16x4xbf16>) -> tensor<8x4xf16> {
  %y = train.matmul %a, %b : (tensor<8x16xbf16>, tensor<16x4xbf16>) -> tensor<8x4xf16>
  return %y : tensor<8x4xf16>
}

// -----

// CHECK-LABEL: func @narrow_result
// CHECK: %[[Y:.*]] = train.conv2d %arg0, %arg1 {{.*}}-> tensor<1x4x4x2xf32>
// CHECK: arith.truncf %[[Y]]
func.func @narrow_result(%a: tensor<1x4x4x3xf32>, %b: tensor<2x1x1x3xf32>) -> tensor<1x4x4x2xbf16> {
  %y = train.conv2d %a, %b : (tensor<1x4x4x3xf32>, tensor<2x1x1x3xf32>) -> tensor<1x4x4x2xbf16>
  return %y : tensor<1x4x4x2xbf16>
}
