// RUN: vernier-opt %s --train-identify-ops --amp-assign-by-profile="profile=%S/Inputs/norm.json compute=f16" | %python %S/Inputs/policy.py | FileCheck %s
// RUN: vernier-opt %s --train-identify-ops --amp-assign-by-profile="profile=%S/Inputs/norm.json compute=bf16" | %python %S/Inputs/policy.py | FileCheck %s --check-prefix=BF16

// A norm that is written by hand: what was measured are the contractions before and
// behind it. That squares of 2500 overflow in f16, and their sums, follows from that;
// so do numbers that vanish. Neither is covered by an estimate of errors that are small.
// CHECK: # 1 of 2 contractions in f16, gradients included; estimated error 0.00{{[0-9]+}} of a budget of 0.1; 3 other ops stay in f32 for their range
// BF16: # 2 of 2 contractions in bf16, gradients included; estimated error 0.00{{[0-9]+}} of a budget of 0.1
// BF16-NOT: class: full
module @norm {
  ml_program.global private mutable @w(#train.constant<0.0>) : tensor<64x8xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<16x8xf32> {train.name = "x"}) -> tensor<f32> {
    %w = ml_program.global_load @w : tensor<64x8xf32>
    // CHECK: identity: 'loss/train.linear@w'
    // CHECK-NEXT: op: 'train\.linear'
    // CHECK-NEXT: compute: f16
    %z = train.linear %x, %w : (tensor<16x8xf32>, tensor<64x8xf32>) -> tensor<16x64xf32> loc("norm.mlir":1:1)
    // What it reads is subnormal in f16, all of it.
    // CHECK: identity: 'loss/train.matmul'
    // CHECK-NEXT: op: 'train\.matmul'
    // CHECK-NEXT: compute: f32
    // CHECK-NEXT: reason: 'forward f32: ''small'' is at most 2.00E-06, which vanishes in f16
    // CHECK: identity: 'loss/arith.mulf'
    // CHECK-NEXT: op: 'arith\.mulf'
    // CHECK-NEXT: class: full
    // CHECK-NEXT: reason: 'its result reaches about 6.25e+06 where inputs and states are as measured, and at most 6.25e+06, beyond the 65504 of f16'
    %d2 = arith.mulf %z, %z : tensor<16x64xf32> loc("norm.mlir":2:1)
    // CHECK: identity: 'loss/train.reduce'
    // CHECK-NEXT: op: 'train\.reduce'
    // CHECK-NEXT: class: full
    %v = train.reduce mean %d2 dims = [1] : tensor<16x64xf32> -> tensor<16xf32> loc("norm.mlir":3:1)
    %r = math.rsqrt %v : tensor<16xf32> loc("norm.mlir":4:1)
    %rb = train.broadcast %r dims = [0] : tensor<16xf32> -> tensor<16x64xf32> loc("norm.mlir":5:1)
    // CHECK: identity: 'loss/arith.mulf#2'
    // CHECK-NEXT: op: 'arith\.mulf'
    // CHECK-NEXT: class: full
    // CHECK-NEXT: reason: 'its result is at most 2e-06 where inputs and states are as measured: all of it below the normal numbers of f16, which begin at 6.1e-05'
    %y = arith.mulf %z, %rb : tensor<16x64xf32> loc("norm.mlir":6:1)
    %p = train.matmul %y, %z {transpose_rhs} : (tensor<16x64xf32>, tensor<16x64xf32>) -> tensor<16x16xf32> loc("norm.mlir":7:1)
    %loss = train.reduce sum %p dims = [0, 1] : tensor<16x16xf32> -> tensor<f32>
    return %loss : tensor<f32>
  }
}
