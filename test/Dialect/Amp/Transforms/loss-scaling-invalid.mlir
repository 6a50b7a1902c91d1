// RUN: vernier-opt %s -split-input-file -verify-diagnostics --amp-loss-scaling

// expected-error@+1 {{no '@step' to scale the loss of: run --train-attach-optimizer before --amp-loss-scaling}}
module {}

// -----

// expected-error@+1 {{no train.seed in '@step' to scale: run --train-attach-optimizer and --train-differentiate before --amp-loss-scaling}}
func.func @step() {
  return
}

// -----

func.func @step() {
  // expected-error@+1 {{cannot scale a gradient of type 'tensor<f64>': expected tensor<f32>; exact references in f64 need no loss scaling}}
  %a = train.seed : tensor<f64>
  return
}

// -----

// expected-error@+1 {{no train.update in '@step': there is no gradient to unscale}}
func.func @step() {
  %a = train.seed : tensor<f32>
  return
}

// -----

// The pass ran before.
// expected-error@+1 {{'@amp.scale' is a state of the loss scaler: the step has one already, or this is to be renamed}}
ml_program.global private mutable @amp.scale(dense<1.0> : tensor<f32>) : tensor<f32>
func.func @step() {
  %a = train.seed : tensor<f32>
  return
}

// -----

// What a skipped window undoes has a twin that begins with the same value.
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<f32> {train.role = "parameter"}
// expected-error@+1 {{loss scaling: '@mean' changes in every micro-batch, so its first value must be a constant}}
ml_program.global private mutable @mean(#train.normal<0.0, 1.0>) : tensor<f32> {train.role = "statistic"}
func.func @accumulate(%x: tensor<f32>) {
  ml_program.global_store @mean = %x : tensor<f32>
  return
}
func.func @step(%x: tensor<f32>, %lr: tensor<f32>, %t: tensor<i32>) {
  %a = train.seed : tensor<f32>
  %w = ml_program.global_load @w : tensor<f32>
  %w1 = train.update #train.sgd<> %w, %a, %lr, %t : (tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> tensor<f32>
  ml_program.global_store @w = %w1 : tensor<f32>
  ml_program.global_store @mean = %x : tensor<f32>
  return
}

// -----

// No two results have one name.
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<f32> {train.role = "parameter"}
// expected-error@+1 {{result 0 has the name "all_finite", which a result of loss scaling has; rename this}}
func.func @step(%lr: tensor<f32>, %t: tensor<i32>) -> (tensor<f32> {train.name = "all_finite"}) {
  %a = train.seed : tensor<f32>
  %w = ml_program.global_load @w : tensor<f32>
  %w1 = train.update #train.sgd<> %w, %a, %lr, %t : (tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> tensor<f32>
  ml_program.global_store @w = %w1 : tensor<f32>
  return %a : tensor<f32>
}
