// RUN: vernier-opt %s --amp-autocast=strategy=lists | FileCheck %s --check-prefix=LISTS
// RUN: vernier-opt %s --amp-autocast=strategy=propagate | FileCheck %s --check-prefix=PAINT
// RUN: vernier-opt %s --amp-autocast="strategy=propagate compute=f16" | FileCheck %s --check-prefix=PAINT16
// RUN: vernier-opt %s --amp-autocast=strategy=min-cut | FileCheck %s --check-prefix=CUT
// RUN: vernier-opt %s --amp-autocast="strategy=min-cut policy=f32" | FileCheck %s --check-prefix=F32

// A residual connection to an f32 input: PyTorch promotes the sum to f32, which
// then is cast for the next contraction; painting and the cut narrow the input.
// LISTS-LABEL: func.func @residual
// PAINT-LABEL: func.func @residual
// CUT-LABEL: func.func @residual
// F32-LABEL: func.func @residual
func.func @residual(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
  %0 = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  // LISTS: arith.addf {{.*}}result = f32, {{.*}}reason = "operand 1 is f32"
  // PAINT: arith.addf {{.*}}result = bf16, {{.*}}reason = "painted bf16: between ops of the class low"
  // CUT: arith.addf {{.*}}operand = bf16, accumulate = f32, result = bf16, rule = "vernier/arith.addf: follow", reason = "minimum cut: bf16 moves 768 bytes fewer"
  // F32: arith.addf {{.*}}result = f32, rule = "vernier/arith.addf: follow", reason = "operand 0 is f32"
  %1 = arith.addf %0, %x : tensor<8x16xf32>
  %2 = train.linear %1, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  return %2 : tensor<8x16xf32>
}

// The cut looks ahead: what is soon needed in f32 again is left there, and a long
// way between two f32 ends is worth two casts. Painting has nothing to start from.
// LISTS-LABEL: func.func @look_ahead
// PAINT-LABEL: func.func @look_ahead
// CUT-LABEL: func.func @look_ahead
func.func @look_ahead(%x: tensor<8x16xf32>) -> (tensor<8x16xf32>, tensor<8x16xf32>) {
  // CUT: train.relu {{.*}}result = f32, {{.*}}reason = "minimum cut: casts would cost more than the 512 bytes that bf16 saves"
  %0 = train.relu %x : tensor<8x16xf32>
  // CUT: math.exp {{.*}}result = f32
  %e = math.exp %0 : tensor<8x16xf32>
  // LISTS: math.tanh {{.*}}result = f32
  // PAINT: math.tanh {{.*}}result = f32, {{.*}}reason = "not painted: no path between bf16 ops goes through it"
  // CUT: math.tanh {{.*}}result = bf16, {{.*}}reason = "minimum cut: bf16 moves 512 bytes fewer"
  %1 = math.tanh %e : tensor<8x16xf32>
  // CUT: train.silu {{.*}}result = bf16
  %2 = train.silu %1 : tensor<8x16xf32>
  // CUT: train.relu {{.*}}result = bf16
  %3 = train.relu %2 : tensor<8x16xf32>
  // CUT: arith.negf {{.*}}result = bf16
  %4 = arith.negf %3 : tensor<8x16xf32>
  return %e, %4 : tensor<8x16xf32>, tensor<8x16xf32>
}

// The steps of painting. Softmax is narrow between contractions (3), or behind one
// (4, in bf16 alone); a neutral op beside narrow ops joins them (5); exp is f32, and
// so is what minds and follows it (2).
// PAINT-LABEL: func.func @steps
// PAINT16-LABEL: func.func @steps
func.func @steps(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>)
    -> (tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>) {
  %0 = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  // PAINT: train.softmax {{.*}}result = bf16, {{.*}}reason = "painted bf16: between ops of the class low"
  // PAINT16: train.softmax {{.*}}result = f16
  %1 = train.softmax %0 : (tensor<8x16xf32>) -> tensor<8x16xf32>
  %2 = train.linear %1, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  // PAINT: train.log_softmax {{.*}}result = bf16, {{.*}}reason = "painted bf16: reads the results of bf16 ops"
  // PAINT16: train.log_softmax {{.*}}result = f32, rule = "vernier/unsafe: full-inside", reason = "between the last contraction and the loss"
  %3 = train.log_softmax %2 : (tensor<8x16xf32>) -> tensor<8x16xf32>
  // PAINT: train.relu {{.*}}result = bf16, {{.*}}reason = "painted bf16: beside bf16 ops, and does not mind"
  // PAINT16: train.relu {{.*}}result = f32, {{.*}}reason = "between the last contraction and the loss"
  %4 = train.relu %2 : tensor<8x16xf32>
  // PAINT: math.exp {{.*}}result = f32
  %5 = math.exp %4 : tensor<8x16xf32>
  // PAINT: train.softmax {{.*}}result = f32, {{.*}}reason = "downstream of an op of the class full"
  %6 = train.softmax %5 : (tensor<8x16xf32>) -> tensor<8x16xf32>
  return %3, %4, %6 : tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>
}

// A constant costs nothing to cast.
// CUT-LABEL: func.func @constants
func.func @constants(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
  %0 = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %half = arith.constant dense<0.5> : tensor<8x16xf32>
  // CUT: arith.mulf {{.*}}result = bf16, {{.*}}reason = "minimum cut: bf16 moves 512 bytes fewer"
  %1 = arith.mulf %0, %half : tensor<8x16xf32>
  %2 = train.linear %1, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  return %2 : tensor<8x16xf32>
}
