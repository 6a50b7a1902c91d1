// RUN: vernier-opt %s --train-identify-ops --amp-assign-by-profile=profile=%S/Inputs/layers.json | %python %S/Inputs/policy.py | FileCheck %s
// RUN: vernier-opt %s --train-identify-ops --amp-assign-by-profile="profile=%S/Inputs/layers.json error-budget=1e-9" | %python %S/Inputs/policy.py | FileCheck %s --check-prefix=NONE
// RUN: vernier-opt %s --train-identify-ops --amp-assign-by-profile="profile=%S/Inputs/layers.json error-budget=1e9" | %python %S/Inputs/policy.py | FileCheck %s --check-prefix=ALL
// RUN: vernier-opt %s --train-identify-ops --amp-assign-by-profile="profile=%S/Inputs/layers.json error-budget=0.003" | %python %S/Inputs/policy.py | FileCheck %s --check-prefix=SUMMARY
// RUN: vernier-opt %s --train-identify-ops --amp-assign-by-profile="profile=%S/Inputs/layers.json error-budget=0.003 compute=f16" | %python %S/Inputs/policy.py | FileCheck %s --check-prefix=HALF
// RUN: vernier-opt %s --train-identify-ops --amp-assign-by-profile=profile=%S/Inputs/layers.json --amp-autocast=policy=auto --amp-materialize-casts --amp-verify-precision -o /dev/null
// RUN: vernier-opt %s --train-identify-ops --amp-assign-by-profile=profile=%S/Inputs/layers.json --remarks-filter="amp-assign-by-profile" \
// RUN:   --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// REQUIRES: compiler

// The summary says what was spent.
// CHECK: # {{[0-9]+}} of 11 contractions in bf16, gradients included; estimated error {{0.0[0-9]+}} of a budget of 0.1
// CHECK: name: auto
// CHECK: base: vernier
// CHECK: compute: bf16

// Under a budget of nearly nothing everything stays f32, under a large one nothing does.
// NONE: # 0 of 11 contractions
// NONE: overrides:
// NONE-NOT: compute: {{bf16|f16}}{{$}}
// ALL: # 11 of 11 contractions in bf16
// ALL-NOT: {{compute|result}}: f32
// ALL-NOT: gradient:
// f16 loses an eighth of what bf16 does; where it would cover more, the summary says so.
// SUMMARY: # {{[0-7]}} of 11 contractions in bf16, gradients included; estimated error {{.*}} of a budget of 0.003; f16 would do for 8
// HALF: # 8 of 11 contractions in f16
// HALF: compute: f16
// HALF-NOT: bf16

// Each choice is a remark at its op, the summary one at the module.
// REMARK: model.mlir:1:1: remark: [Passed] train.linear | Category:amp-assign-by-profile | Function=loss | Remark="forward bf16
// REMARK: model.mlir:2:1: remark: {{.*}}Remark="forward f32
// REMARK: model.mlir:3:1: remark:
// REMARK: model.mlir:4:1: remark:
// REMARK: remark: [Analysis] summary {{.*}}contractions in bf16, gradients included; estimated error
module @layers {
  ml_program.global private mutable @w1(#train.constant<0.0>) : tensor<16x16xf32> {train.role = "parameter"}
  ml_program.global private mutable @w2(#train.constant<0.0>) : tensor<16x16xf32> {train.role = "parameter"}
  ml_program.global private mutable @w3(#train.constant<0.0>) : tensor<16x16xf32> {train.role = "parameter"}
  ml_program.global private mutable @w4(#train.constant<0.0>) : tensor<16x16xf32> {train.role = "parameter"}

  func.func @loss(%x: tensor<8x16xf32> {train.name = "image"}) -> tensor<f32> {
    %w1 = ml_program.global_load @w1 : tensor<16x16xf32>
    %w2 = ml_program.global_load @w2 : tensor<16x16xf32>
    %w3 = ml_program.global_load @w3 : tensor<16x16xf32>
    %w4 = ml_program.global_load @w4 : tensor<16x16xf32>

    // A sound layer: all in bf16, gradients follow the op.
    // CHECK: identity: 'loss/train.linear@w1'
    // CHECK-NEXT: op: 'train\.linear'
    // CHECK-NEXT: compute: bf16
    // CHECK-NEXT: reason: 'forward bf16 (0.{{[0-9]+}} % of the loss); rhs gradient bf16 (0.29 %); {{.*}} of the budget'
    %y1 = train.linear %x, %w1 : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> loc("model.mlir":1:1)

    // Terms cancel in the forward op: that one alone stays f32.
    // CHECK: identity: 'loss/train.linear@w2'
    // CHECK-NEXT: op: 'train\.linear'
    // CHECK-NEXT: compute: f32
    // CHECK-NEXT: input_gradient: {compute: bf16}
    // CHECK-NEXT: weight_gradient: {compute: bf16}
    // CHECK-NEXT: reason: 'forward f32: bf16 would change the loss by 14 %, terms cancel 500 times; lhs gradient bf16 (0.29 %)
    %y2 = train.linear %y1, %w2 : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> loc("model.mlir":2:1)

    // Terms cancel in the weight gradient: it needs its operands in f32, and those are what the forward op has kept.
    // CHECK: identity: 'loss/train.linear@w3'
    // CHECK-NEXT: op: 'train\.linear'
    // CHECK-NEXT: compute: f32
    // CHECK-NEXT: input_gradient: {compute: bf16}
    // CHECK-NEXT: reason: 'forward f32: the gradients read what it reads; lhs gradient bf16 (0.29 %); rhs gradient f32 for bf16 would lose 72 %
    %y3 = train.linear %y2, %w3 : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> loc("model.mlir":3:1)

    // What it writes is too large to be rounded (a bias, say): only the result stays f32.
    // CHECK: identity: 'loss/train.linear@w4'
    // CHECK-NEXT: op: 'train\.linear'
    // CHECK-NEXT: compute: bf16
    // CHECK-NEXT: result: f32
    // CHECK-NEXT: reason: 'forward bf16 (0.{{[0-9]+}} % of the loss), result f32: bf16 would make that
    %y4 = train.linear %y3, %w4 : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> loc("model.mlir":4:1)
    %loss = train.reduce sum %y4 dims = [0, 1] : tensor<8x16xf32> -> tensor<f32>
    return %loss : tensor<f32>
  }
}
