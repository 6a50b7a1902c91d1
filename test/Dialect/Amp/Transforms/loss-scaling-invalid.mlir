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
  %a = train.seed : tensor<f32>
  // expected-error@+1 {{a second train.seed in '@step': one loss scale serves one loss; sum the losses first}}
  %b = train.seed : tensor<f32>
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
