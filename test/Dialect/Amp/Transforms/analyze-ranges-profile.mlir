// RUN: vernier-opt %s --amp-analyze-ranges="profile=%S/Inputs/ranges.json" --remark-format=emitRemark --remarks-filter=amp-analyze-ranges -verify-diagnostics
// RUN: vernier-opt %s --amp-analyze-ranges="warn=false profile=%S/Inputs/ranges.json" | FileCheck %s
// RUN: not vernier-opt %s --amp-analyze-ranges="profile=%S/Inputs/one-layer.json" 2>&1 | FileCheck %s --check-prefix=OTHER

// Inputs and states have the magnitudes that a profile has of them, not their initial
// values; what is declared stays what it is, and a NaN leaves nothing to build on.
// OTHER: error: the profile is of another model, 'layer': parameter 'w' is (16, 16) there and (4, 4) here
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<4x4xf32> {train.role = "parameter"}
ml_program.global private mutable @d(#train.constant<0.0>) : tensor<4x4xf32> {train.role = "statistic", train.range = [-2.0, 2.0]}
ml_program.global private mutable @n(#train.constant<0.0>) : tensor<4x4xf32> {train.role = "statistic"}

func.func @loss(%x: tensor<4x4xf32> {train.name = "image"}) -> tensor<4x4xf32> {
  return %x : tensor<4x4xf32>
}

func.func @predict(%x: tensor<4x4xf32> {train.name = "image"}) -> tensor<4x4xf16> {
  // expected-remark @below {{f16 cannot overflow while inputs and states stay as measured: [-16, 16]}}
  %x16 = arith.truncf %x : tensor<4x4xf32> to tensor<4x4xf16>
  %w = ml_program.global_load @w : tensor<4x4xf32>
  // expected-remark @below {{f16 cannot overflow while inputs and states stay as measured: [-0.5, 0.5]}}
  %w16 = arith.truncf %w : tensor<4x4xf32> to tensor<4x4xf16>
  %d = ml_program.global_load @d : tensor<4x4xf32>
  // expected-remark @below {{f16 cannot overflow: [-2, 2]}}
  %d16 = arith.truncf %d : tensor<4x4xf32> to tensor<4x4xf16>
  %n = ml_program.global_load @n : tensor<4x4xf32>
  // expected-remark @below {{f16 overflow is not excluded: @n is unbounded}}
  %n16 = arith.truncf %n : tensor<4x4xf32> to tensor<4x4xf16>
  // Four products of 16 and 0.5.
  // expected-note @below {{from 'arith.constant' in [6.55e+04, 6.55e+04]}}
  %large = arith.constant dense<65504.0> : tensor<4x4xf16>
  // expected-remark @below {{f16 cannot overflow while inputs and states stay as measured: [-32, 32]}}
  %y = train.matmul %x16, %w16 : (tensor<4x4xf16>, tensor<4x4xf16>) -> tensor<4x4xf16>
  // expected-warning @below {{f16 can overflow while inputs and states stay as measured: [6.547e+04, 6.554e+04] reaches beyond 65504}}
  %z = arith.addf %y, %large : tensor<4x4xf16>
  return %z : tensor<4x4xf16>
}

// The gradient is a hundredth of the input: 65504 / 0.16 is above 2^18. Measured
// ranges propose a scale, they prove nothing.
// CHECK-LABEL: func.func @step
// CHECK-SAME: amp.safe_scale = 2.621440e+05 : f64
// CHECK-NOT: amp.cannot_underflow
// expected-remark @below {{a loss scale up to 262144 cannot overflow while inputs and states stay as measured}}
func.func @step(%x: tensor<4x4xf32> {train.name = "image"}) -> tensor<4x4xf16> {
  %seed = train.seed : tensor<f32>
  %wide = train.broadcast %seed dims = [] : tensor<f32> -> tensor<4x4xf32>
  %hundredth = arith.constant dense<0.01> : tensor<4x4xf32>
  %scaled = arith.mulf %wide, %hundredth : tensor<4x4xf32>
  // expected-remark @below {{f16 cannot overflow: [0.01, 0.01]}}
  %g = arith.truncf %scaled : tensor<4x4xf32> to tensor<4x4xf16>
  // expected-remark @below {{f16 cannot overflow while inputs and states stay as measured: [-16, 16]}}
  %x16 = arith.truncf %x : tensor<4x4xf32> to tensor<4x4xf16>
  // expected-remark @below {{f16 cannot overflow while inputs and states stay as measured: [-0.16}}
  %gx = arith.mulf %g, %x16 : tensor<4x4xf16>
  return %gx : tensor<4x4xf16>
}
