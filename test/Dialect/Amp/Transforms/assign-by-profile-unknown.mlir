// RUN: vernier-opt %s --train-identify-ops --amp-assign-by-profile=profile=%S/Inputs/one-layer.json | %python %S/Inputs/policy.py | FileCheck %s
// RUN: vernier-opt %s --train-identify-ops --amp-assign-by-profile=profile=%S/Inputs/one-layer.json \
// RUN:   --amp-autocast="policy=auto profile=%S/Inputs/one-layer.json" -o /dev/null 2>&1 | FileCheck %s --check-prefix=WARNING
// REQUIRES: compiler

// A contraction that the profile does not know, for it was added or renamed since,
// stays in f32; both it and what the profile knows instead are named.
// CHECK: # 0 of 1 contractions in bf16
// WARNING: assign-by-profile-unknown.mlir:[[#@LINE+11]]:10: warning: the profile has no numbers of 'loss/new.linear' (train.linear); record one of the model as it is now
// WARNING: one-layer.json:1:1: warning: the profile has numbers of 'loss/old.linear' (train.linear), which this model does not have: they are not used
module {
  ml_program.global private mutable @w(#train.constant<0.0>) : tensor<16x16xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<8x16xf32> {train.name = "image"}) -> tensor<f32> {
    %w = ml_program.global_load @w : tensor<16x16xf32>
    // CHECK: identity: 'loss/new.linear'
    // CHECK-NEXT: op: 'train\.linear'
    // CHECK-NEXT: compute: f32
    // CHECK-NEXT: reason: 'forward f32: the profile has no numbers of it'
    %y = train.linear %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> loc("new.linear"("assign-by-profile-unknown.mlir":20:10))
    %loss = train.reduce sum %y dims = [0, 1] : tensor<8x16xf32> -> tensor<f32>
    return %loss : tensor<f32>
  }
}
