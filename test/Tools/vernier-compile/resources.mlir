// RUN: vernier-compile %s --emit=train | FileCheck %s

// An initial value whose bytes stand behind the module: 4 bytes of alignment,
// then 1.0, 2.0 and -1.0.
// CHECK: ml_program.global private mutable @w(dense<[1.000000e+00, 2.000000e+00, -1.000000e+00]> : tensor<3xf32>)
ml_program.global private mutable @w(dense_resource<weights> : tensor<3xf32>) : tensor<3xf32> {train.role = "parameter"}

// So is a constant.
// CHECK: arith.constant dense<[7, 256]> : tensor<2xi32>
func.func @predict() -> (tensor<3xf32>, tensor<2xi32>) {
  %w = ml_program.global_load @w : tensor<3xf32>
  %0 = arith.constant dense_resource<numbers> : tensor<2xi32>
  return %w, %0 : tensor<3xf32>, tensor<2xi32>
}

{-#
  dialect_resources: {
    builtin: {
      weights: "0x040000000000803F00000040000080BF",
      numbers: "0x040000000700000000010000"
    }
  }
#-}
