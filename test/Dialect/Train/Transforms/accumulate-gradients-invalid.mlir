// RUN: vernier-opt %s -split-input-file -verify-diagnostics --train-accumulate-gradients=steps=2
// RUN: not vernier-opt %s -split-input-file --train-accumulate-gradients=steps=0 2>&1 | FileCheck %s
// CHECK: error: accumulation: option steps is 0, expected 1 or more micro-batches

// expected-error @+1 {{no '@step' to spread over micro-batches: run --train-attach-optimizer first}}
module {}

// -----

// Nothing is left to be summed after differentiation.
// expected-error @+1 {{expects one train.gradient in '@step' to accumulate, got 0: run --train-accumulate-gradients between --train-attach-optimizer and --train-differentiate}}
func.func @step() {
  return
}

// -----

// @accumulate takes what @step takes.
ml_program.global private mutable @w(dense<0.0> : tensor<4xf32>) : tensor<4xf32>
func.func @loss(%x: tensor<4xf32>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<4xf32>
  %loss = train.mse_loss %x, %w : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
func.func @step(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = arith.negf %x : tensor<4xf32>
  // expected-error @+1 {{expects the arguments of '@step', which are those of '@accumulate'}}
  %loss, %dw = train.gradient @loss(%y) wrt [@w] : (tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>)
  return %dw : tensor<4xf32>
}

// -----

// A name that is taken.
ml_program.global private mutable @w(dense<0.0> : tensor<4xf32>) : tensor<4xf32>
// expected-error @+1 {{'@w.grad' is the name of a state of accumulation; rename this}}
ml_program.global private mutable @w.grad(dense<0.0> : tensor<4xf32>) : tensor<4xf32>
func.func @loss(%x: tensor<4xf32>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<4xf32>
  %loss = train.mse_loss %x, %w : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
func.func @step(%x: tensor<4xf32>) -> tensor<4xf32> {
  %loss, %dw = train.gradient @loss(%x) wrt [@w] : (tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>)
  return %dw : tensor<4xf32>
}

// -----

// The pass ran before, or a function is in the way.
ml_program.global private mutable @w(dense<0.0> : tensor<4xf32>) : tensor<4xf32>
// expected-error @+1 {{'@accumulate' is what --train-accumulate-gradients adds: the module has it already, or this is to be renamed}}
func.func @accumulate(%x: tensor<4xf32>) {
  return
}
func.func @loss(%x: tensor<4xf32>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<4xf32>
  %loss = train.mse_loss %x, %w : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
func.func @step(%x: tensor<4xf32>) -> tensor<4xf32> {
  %loss, %dw = train.gradient @loss(%x) wrt [@w] : (tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>)
  return %dw : tensor<4xf32>
}
