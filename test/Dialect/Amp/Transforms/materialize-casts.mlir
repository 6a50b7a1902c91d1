// RUN: vernier-opt %s --amp-autocast=policy=bf16 --amp-materialize-casts | FileCheck %s
// RUN: vernier-opt %s --amp-autocast=policy=tf32 --amp-materialize-casts | FileCheck %s --check-prefix=TF32
// RUN: vernier-opt %s --amp-autocast=policy=f32 --amp-materialize-casts | FileCheck %s --check-prefix=F32

ml_program.global private mutable @w(#train.normal<0.0, 1.0>) : tensor<16x16xf32> {train.role = "parameter"}

// Arguments and returned values keep their types; the loss is f32; logits are
// widened where they are returned, and read in 16 bits by the loss.
// CHECK-LABEL: func.func @loss
// CHECK-SAME: %[[X:.*]]: tensor<8x16xf32>, %[[Y:.*]]: tensor<8xi32>
// F32-LABEL: func.func @loss
// F32-NOT: arith.
// F32: return
// TF32-LABEL: func.func @loss
// TF32-NOT: arith.
func.func @loss(%x: tensor<8x16xf32>, %y: tensor<8xi32>) -> (tensor<f32>, tensor<8x16xf32>) {
  // CHECK: %[[X16:.*]] = arith.truncf %[[X]]
  // CHECK: %[[W:.*]] = ml_program.global_load @w
  // CHECK-NEXT: %[[W16:.*]] = arith.truncf %[[W]]
  %w = ml_program.global_load @w : tensor<16x16xf32>
  // CHECK: %[[H:.*]] = train.linear %[[X16]], %[[W16]] {{.*}} -> tensor<8x16xbf16>
  // TF32: train.linear {{.*}}tf32}{{.*}} -> tensor<8x16xf32>
  %h = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  // CHECK: %[[R:.*]] = train.relu %[[H]] {{.*}} : tensor<8x16xbf16>
  %r = train.relu %h : tensor<8x16xf32>
  // The weight serves twice and is loaded twice, but cast once.
  // CHECK: ml_program.global_load @w
  // CHECK-NOT: truncf
  %again = ml_program.global_load @w : tensor<16x16xf32>
  // CHECK: %[[L:.*]] = train.linear %[[R]], %[[W16]]
  %logits = train.linear %r, %again : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  // CHECK: %[[L32:.*]] = arith.extf %[[L]]
  // CHECK: %[[LOSS:.*]] = train.cross_entropy %[[L]], %[[Y]] {{.*}} -> tensor<f32>
  %loss = train.cross_entropy %logits, %y : (tensor<8x16xf32>, tensor<8xi32>) -> tensor<f32>
  // CHECK: return %[[LOSS]], %[[L32]] : tensor<f32>, tensor<8x16xf32>
  return %loss, %logits : tensor<f32>, tensor<8x16xf32>
}

// A norm reads its affine parameters in f32 beside 16-bit data.
// CHECK-LABEL: func.func @norm
func.func @norm(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>, %g: tensor<16xf32>) -> tensor<8x16xf32> {
  %h = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  // CHECK: train.rms_norm {{.*}} : (tensor<8x16xbf16>, tensor<16xf32>) -> tensor<8x16xbf16>
  %n = train.rms_norm %h, %g : (tensor<8x16xf32>, tensor<16xf32>) -> tensor<8x16xf32>
  return %n : tensor<8x16xf32>
}

// The model's own narrowing undoes our widening exactly; its narrowing followed by
// its widening rounds, and stays.
// CHECK-LABEL: func.func @model_casts
func.func @model_casts(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> (tensor<8x16xbf16>, tensor<8x16xf32>) {
  // CHECK: %[[H:.*]] = train.linear
  %h = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %n = arith.truncf %h : tensor<8x16xf32> to tensor<8x16xbf16>
  // CHECK: %[[T:.*]] = arith.truncf {{.*}} to tensor<8x16xf16>
  // CHECK: %[[E:.*]] = arith.extf %[[T]]
  %t = arith.truncf %x : tensor<8x16xf32> to tensor<8x16xf16>
  %e = arith.extf %t : tensor<8x16xf16> to tensor<8x16xf32>
  // CHECK: return %[[H]], %[[E]]
  return %n, %e : tensor<8x16xbf16>, tensor<8x16xf32>
}

// A contraction that the model asks tf32 of: a 16-bit decision takes its place, f32
// keeps it.
// CHECK-LABEL: func.func @model_tf32
// F32-LABEL: func.func @model_tf32
func.func @model_tf32(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
  // CHECK-NOT: tf32
  // CHECK: train.matmul {{.*}} : (tensor<8x16xbf16>, tensor<16x16xbf16>) -> tensor<8x16xbf16>
  // F32: train.matmul {{.*}}tf32} : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %0 = train.matmul %x, %w {tf32} : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  return %0 : tensor<8x16xf32>
}
