// RUN: vernier-opt %s --train-evaluation-mode -verify-diagnostics

// A loss that is still to be differentiated must keep what trains.
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<f32> {train.role = "parameter"}
func.func @loss() -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<f32>
  return %w : tensor<f32>
}
func.func @step() -> tensor<f32> {
  // expected-error @below {{'train.gradient' op is still to be differentiated; run --train-differentiate before --train-evaluation-mode}}
  %l, %g = train.gradient @loss() wrt [@w] : () -> (tensor<f32>, tensor<f32>)
  return %l : tensor<f32>
}
