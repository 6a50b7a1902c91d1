// RUN: vernier-opt %s --amp-autocast=policy=f16 | FileCheck %s --check-prefixes=CHECK,F16
// RUN: vernier-opt %s --amp-autocast=policy=bf16 | FileCheck %s --check-prefixes=CHECK,BF16
// RUN: vernier-opt %s --amp-autocast=policy=torch-cuda 2>&1 >/dev/null | FileCheck %s --check-prefix=WARN

ml_program.global private mutable @w(#train.normal<0.0, 1.0>) : tensor<16x16xf32> {train.role = "parameter"}
ml_program.global private @frozen(dense<0.5> : tensor<16x16xf32>) : tensor<16x16xf32>

// A constant keeps its meaning: an epsilon is not 0 nor absorbed by 1, and a bound
// below 1 is not 1. A constant that loses digits alone is rounded. So does what a
// constant is added to: 300 + 1 is 300 in bf16.
// CHECK-LABEL: func.func @constants
func.func @constants(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>)
    -> (tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>) {
  // CHECK: train.linear
  %h = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %third = arith.constant dense<0.33333> : tensor<8x16xf32>
  %tiny = arith.constant dense<1.0e-8> : tensor<f32>
  %bound = arith.constant dense<0.9999999> : tensor<8x16xf32>
  %small = arith.constant dense<1.0e-5> : tensor<8x16xf32>
  %table = arith.constant dense<[1.0e-6, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]> : tensor<8xf32>
  // F16: arith.mulf {{.*}}result = f16, {{.*}}reason = "every operand is f16"
  // BF16: arith.mulf {{.*}}result = bf16, {{.*}}reason = "every operand is bf16"
  %a = arith.mulf %h, %third : tensor<8x16xf32>
  %tinies = train.broadcast %tiny dims = [] : tensor<f32> -> tensor<8x16xf32>
  // F16: arith.addf {{.*}}result = f32, {{.*}}reason = "a constant operand, 1e-08, is 0 in f16"
  // BF16: arith.addf {{.*}}result = f32, {{.*}}reason = "an epsilon, 1e-08, that 1 absorbs in bf16"
  %b = arith.addf %a, %tinies : tensor<8x16xf32>
  // F16: arith.minimumf {{.*}}result = f32, {{.*}}reason = "a constant operand, 0.999999881, is 1 in f16"
  // BF16: arith.minimumf {{.*}}result = f32, {{.*}}reason = "a constant operand, 0.999999881, is 1 in bf16"
  %c = arith.minimumf %a, %bound : tensor<8x16xf32>
  // F16: arith.maximumf {{.*}}result = f32, {{.*}}reason = "a constant operand, 1e-05, is subnormal in f16"
  // BF16: arith.maximumf {{.*}}result = bf16
  %d = arith.maximumf %a, %small : tensor<8x16xf32>
  %rows = train.broadcast %table dims = [0] : tensor<8xf32> -> tensor<8x16xf32>
  // F16: arith.mulf {{.*}}result = f32, {{.*}}reason = "a constant operand, 1e-06, is subnormal in f16"
  // BF16: arith.mulf {{.*}}result = bf16
  %e = arith.mulf %a, %rows : tensor<8x16xf32>
  %large = arith.constant dense<3.0e+02> : tensor<8x16xf32>
  // F16: arith.addf {{.*}}result = f16
  // BF16: arith.addf {{.*}}result = f32, {{.*}}reason = "a constant term, 300, that absorbs 1 in bf16"
  %f = arith.addf %a, %large : tensor<8x16xf32>
  %0 = train.linear %b, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %1 = train.linear %c, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %2 = train.linear %d, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %3 = train.linear %e, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %4 = train.linear %f, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  return %0, %1, %2, %3, %4 : tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>
}

// What depends on neither data nor parameters is exact, contractions included:
// positions of 1023 are no numbers of bf16. It is rounded where it meets the rest.
// CHECK-LABEL: func.func @exact
func.func @exact(%x: tensor<1024x16xf32>) -> tensor<1024x16xf32> {
  %i = train.iota : tensor<1024x1xi32>
  %positions = arith.sitofp %i : tensor<1024x1xi32> to tensor<1024x1xf32>
  %rates = arith.constant dense<0.25> : tensor<1x16xf32>
  %w = ml_program.global_load @frozen : tensor<16x16xf32>
  // CHECK: train.matmul {{.*}}operand = f32, {{.*}}result = f32, rule = "{{b?f16}}/unsafe: full", reason = "depends on neither data nor parameters"
  %angles = train.matmul %positions, %rates : (tensor<1024x1xf32>, tensor<1x16xf32>) -> tensor<1024x16xf32>
  // CHECK: math.sin {{.*}}result = f32, {{.*}}reason = "depends on neither data nor parameters"
  %table = math.sin %angles : tensor<1024x16xf32>
  // CHECK: train.matmul {{.*}}result = f32, {{.*}}reason = "depends on neither data nor parameters"
  %square = train.matmul %w, %w : (tensor<16x16xf32>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %0 = arith.addf %x, %table : tensor<1024x16xf32>
  // F16: train.matmul {{.*}}operand = f16
  // BF16: train.matmul {{.*}}operand = bf16
  %1 = train.matmul %0, %square : (tensor<1024x16xf32>, tensor<16x16xf32>) -> tensor<1024x16xf32>
  return %1 : tensor<1024x16xf32>
}

// A norm written by hand between contractions: f16 holds what comes in and out of
// it, and nothing between. The sum is found by its root; what only the norm reads is
// in f32, too, and so is what the contraction before it writes.
// F16-LABEL: func.func @norm
// WARN: 'arith.mulf' is decided f16 -> f16 by 'torch-cuda/default: follow', which may ruin its values: read in f32 alone, by a sum, root or quotient; a policy with 'unsafe: f32' keeps them in f32
func.func @norm(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
  // F16: train.linear {{.*}}operand = f16, {{.*}}result = f32, rule = "f16/unsafe: low", reason = "contraction, summed in f32, and read in f32 alone"
  %h = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  // F16: arith.mulf {{.*}}result = f32, rule = "f16/unsafe: full", reason = "read in f32 alone, by a sum, root or quotient"
  %q = arith.mulf %h, %h : tensor<8x16xf32>
  // F16: train.reduce {{.*}}result = f32, rule = "f16/unsafe: full-inside", reason = "the mean square of an RMS norm written by hand"
  %v = train.reduce mean %q dims = [1] : tensor<8x16xf32> -> tensor<8xf32>
  %eps = arith.constant dense<1.0e-6> : tensor<8xf32>
  // F16: arith.addf {{.*}}result = f32, {{.*}}reason = "computed from a sum, root or quotient in f32"
  %e = arith.addf %v, %eps : tensor<8xf32>
  %r = math.rsqrt %e : tensor<8xf32>
  %b = train.broadcast %r dims = [0] : tensor<8xf32> -> tensor<8x16xf32>
  // F16: arith.mulf {{.*}}result = f32, {{.*}}reason = "computed from a sum, root or quotient in f32"
  %y = arith.mulf %h, %b : tensor<8x16xf32>
  // F16: train.linear {{.*}}operand = f16, {{.*}}result = f16
  %z = train.linear %y, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  return %z : tensor<8x16xf32>
}

// What is computed in f32 for its own sake is rounded by who reads it: a residual
// connection around a norm stays in f16.
// F16-LABEL: func.func @residual
func.func @residual(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
  %h = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %q = arith.mulf %h, %h : tensor<8x16xf32>
  // F16: train.reduce {{.*}}result = f32, {{.*}}reason = "the sum of squares of an L2 norm or a cosine similarity written by hand"
  %v = train.reduce sum %q dims = [1] : tensor<8x16xf32> -> tensor<8xf32>
  // F16: math.sqrt {{.*}}result = f32, {{.*}}reason = "a root: what is under it may leave the range of f16"
  %r = math.sqrt %v : tensor<8xf32>
  %b = train.broadcast %r dims = [0] : tensor<8xf32> -> tensor<8x16xf32>
  // F16: arith.divf {{.*}}result = f32, {{.*}}reason = "a quotient: its divisor may leave the range of f16"
  %y = arith.divf %h, %b : tensor<8x16xf32>
  %z = train.linear %y, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  // F16: arith.addf {{.*}}operand = f16, {{.*}}result = f16
  %a = arith.addf %y, %z : tensor<8x16xf32>
  %o = train.linear %a, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  return %o : tensor<8x16xf32>
}

// A tanh that reads a sum is what f16 is for; one that reads a cube is not.
// F16-LABEL: func.func @functions
func.func @functions(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
  %h = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %g = train.linear %h, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  // F16: arith.addf {{.*}}result = f16
  %s = arith.addf %h, %g : tensor<8x16xf32>
  // F16: math.tanh {{.*}}result = f16
  %t = math.tanh %s : tensor<8x16xf32>
  // F16: arith.mulf {{.*}}result = f32
  %q = arith.mulf %h, %g : tensor<8x16xf32>
  // F16: arith.addf {{.*}}result = f32
  %p = arith.addf %q, %g : tensor<8x16xf32>
  // F16: math.tanh {{.*}}result = f32, {{.*}}reason = "a function of a product, which may leave the range of f16 or lose its digits"
  %u = math.tanh %p : tensor<8x16xf32>
  %0 = train.linear %t, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %1 = train.linear %u, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  // F16: arith.subf {{.*}}result = f32, {{.*}}reason = "between the last contraction and the loss"
  %2 = arith.subf %0, %1 : tensor<8x16xf32>
  return %2 : tensor<8x16xf32>
}
