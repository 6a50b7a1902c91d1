// RUN: vernier-opt %s --amp-autocast | FileCheck %s
// RUN: vernier-opt %s --amp-autocast=policy=f32 | FileCheck %s --check-prefix=F32
// RUN: vernier-opt %s --amp-autocast=policy=tf32 | FileCheck %s --check-prefix=TF32
// RUN: vernier-opt %s --amp-autocast=compute=f16 | FileCheck %s --check-prefix=F16
// RUN: vernier-opt %s --amp-autocast="policy=torch-cuda compute=bf16" | FileCheck %s --check-prefix=TORCH

ml_program.global private mutable @w(#train.normal<0.0, 1.0>) : tensor<10x16xf32> {train.role = "parameter"}

// A classifier: contractions narrow, the activation follows, the loss reads 16
// bits and stays f32. Types flow through the decisions; the IR does not change.
// CHECK-LABEL: func.func @loss
// F32-LABEL: func.func @loss
// TF32-LABEL: func.func @loss
// F16-LABEL: func.func @loss
// TORCH-LABEL: func.func @loss
func.func @loss(%x: tensor<8x16xf32>, %y: tensor<8xi32>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<10x16xf32>
  // CHECK: train.linear {{.*}}#amp.precision<operand = bf16, accumulate = f32, result = bf16, rule = "vernier/train.linear: low", reason = "contraction, summed in f32">{{.*}} -> tensor<8x10xf32>
  // F32: train.linear {{.*}}<operand = f32, accumulate = f32, result = f32, rule = "vernier/train.linear: low", reason = "the policy computes in f32">
  // TF32: train.linear {{.*}}<operand = tf32, accumulate = f32, result = f32, rule = "vernier/train.linear: low", reason = "contraction of f32 values rounded to tf32">
  // F16: train.linear {{.*}}<operand = f16, accumulate = f32, result = f32, rule = "vernier/unsafe: low", reason = "contraction, summed in f32, and read in f32 alone">
  // TORCH: train.linear {{.*}}<operand = bf16, accumulate = f32, result = bf16, rule = "torch-cuda/train.linear: low"
  %h = train.linear %x, %w : (tensor<8x16xf32>, tensor<10x16xf32>) -> tensor<8x10xf32>
  // CHECK: train.relu {{.*}}<operand = bf16, accumulate = f32, result = bf16, rule = "vernier/train.relu: follow", reason = "every operand is bf16">
  // F32: train.relu {{.*}}<operand = f32, {{.*}}, reason = "operand 0 is f32">
  // TF32: train.relu {{.*}}<operand = f32, accumulate = f32, result = f32,
  // TORCH: train.relu {{.*}}<operand = bf16, {{.*}}rule = "torch-cuda/default: follow"
  %r = train.relu %h : tensor<8x10xf32>
  // CHECK: train.softmax {{.*}}<operand = bf16, accumulate = f32, result = bf16, rule = "vernier/train.softmax: full-inside", reason = "reads and writes bf16, computes in f32">
  // F32: train.softmax {{.*}}reason = "its input is f32"
  // TORCH: train.softmax {{.*}}<operand = f32, accumulate = f32, result = f32, rule = "torch-cuda/train.softmax: full", reason = "its values need f32">
  %s = train.softmax %r : (tensor<8x10xf32>) -> tensor<8x10xf32>
  // CHECK: train.cross_entropy {{.*}}<operand = bf16, accumulate = f32, result = f32, rule = "vernier/train.cross_entropy: full-inside", reason = "reads bf16, computes in f32; a loss stays f32">
  // F16: train.cross_entropy {{.*}}<operand = f32, accumulate = f32, result = f32,
  // TORCH: train.cross_entropy {{.*}}<operand = f32, accumulate = f32, result = f32,
  %loss = train.cross_entropy %s, %y : (tensor<8x10xf32>, tensor<8xi32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// f64 and integers are never cast (a nested `enabled=False` cannot say this in
// PyTorch), and neither is an op whose types the model itself mixes.
// CHECK-LABEL: func.func @untouched
func.func @untouched(%x: tensor<8x16xf64>, %i: tensor<8xi32>, %h: tensor<8x16xbf16>)
    -> (tensor<8x16xf64>, tensor<4x8xi32>, tensor<8xf32>) {
  // CHECK: train.relu {{.*}}<operand = f64, accumulate = f64, result = f64, rule = "vernier/train.relu: untouched", reason = "f64 is never cast">
  %r = train.relu %x : tensor<8x16xf64>
  // CHECK: train.broadcast {{.*}}<operand = i32, accumulate = i32, result = i32, rule = "vernier/train.broadcast: untouched", reason = "no floating values">
  %b = train.broadcast %i dims = [1] : tensor<8xi32> -> tensor<4x8xi32>
  // CHECK: train.reduce {{.*}}rule = "vernier/train.reduce: untouched", reason = "the model asks for f32 from bf16 here"
  %s = train.reduce sum %h dims = [1] : tensor<8x16xbf16> -> tensor<8xf32>
  return %r, %b, %s : tensor<8x16xf64>, tensor<4x8xi32>, tensor<8xf32>
}

// A scalar is a loss or a norm: 16 bits would save nothing and could overflow.
// CHECK-LABEL: func.func @scalar
func.func @scalar(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<f32> {
  %h = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  // CHECK: train.reduce {{.*}}<operand = bf16, accumulate = f32, result = f32, rule = "vernier/train.reduce: full-inside", reason = "reads bf16, computes in f32; a scalar stays f32">
  %s = train.reduce mean %h dims = [0, 1] : tensor<8x16xf32> -> tensor<f32>
  // CHECK: math.sqrt {{.*}}<operand = f32, accumulate = f32, result = f32, rule = "vernier/math.sqrt: follow", reason = "operand 0 is f32">
  %r = math.sqrt %s : tensor<f32>
  return %r : tensor<f32>
}

// Arithmetic follows: a constant is cast to what it meets, unless it overflows
// there; an f32 operand widens. Functions that lose range or precision are full.
// CHECK-LABEL: func.func @arithmetic
// F16-LABEL: func.func @arithmetic
func.func @arithmetic(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
  %h = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %half = arith.constant dense<0.5> : tensor<8x16xf32>
  %low = arith.constant dense<-1.0e9> : tensor<f32>
  // CHECK: arith.mulf {{.*}}result = bf16, rule = "vernier/arith.mulf: follow", reason = "every operand is bf16">
  // F16: arith.mulf {{.*}}result = f32, rule = "vernier/unsafe: full", reason = "between the last contraction and the loss">
  %a = arith.mulf %h, %half : tensor<8x16xf32>
  %mask = train.broadcast %low dims = [] : tensor<f32> -> tensor<8x16xf32>
  // CHECK: arith.addf {{.*}}result = bf16
  // F16: arith.addf {{.*}}result = f32
  %b = arith.addf %a, %mask : tensor<8x16xf32>
  // CHECK: math.exp {{.*}}<operand = f32, accumulate = f32, result = f32, rule = "vernier/math.exp: full"
  %e = math.exp %b : tensor<8x16xf32>
  // CHECK: arith.addf {{.*}}result = f32, {{.*}}reason = "operand 1 is f32">
  %c = arith.addf %b, %e : tensor<8x16xf32>
  return %c : tensor<8x16xf32>
}

// The bound of a mask is no number of f16.
// F16-LABEL: func.func @mask
func.func @mask(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
  %h = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %low = arith.constant dense<-1.0e9> : tensor<8x16xf32>
  // F16: arith.addf {{.*}}result = f32, rule = "vernier/arith.addf: follow", reason = "a constant operand overflows in f16">
  %b = arith.addf %h, %low : tensor<8x16xf32>
  %y = train.linear %b, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  return %y : tensor<8x16xf32>
}

// The step is derived from the loss and is not decided again.
// CHECK-LABEL: func.func @step
// CHECK-NOT: amp.precision
func.func @step(%x: tensor<8x10xf32>) -> tensor<8x10xf32> {
  %r = train.relu %x : tensor<8x10xf32>
  return %r : tensor<8x10xf32>
}
