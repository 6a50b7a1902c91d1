// RUN: vernier-opt %s -split-input-file --amp-analyze-ranges -verify-diagnostics

// expected-error @below {{'train.range' is not a range: expected two numbers in order, such as [-1.0, 1.0]}}
func.func @order(%x: tensor<4xf32> {train.range = [1.0, -1.0]}) {
  return
}

// -----

// expected-error @below {{'train.range' is not a range}}
func.func @single(%x: tensor<4xf32> {train.range = 1.0 : f32}) {
  return
}

// -----

// expected-error @below {{'train.range' is not a range}}
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.range = [0.0, "one"]}
func.func @global() -> tensor<4xf32> {
  %w = ml_program.global_load @w : tensor<4xf32>
  return %w : tensor<4xf32>
}
