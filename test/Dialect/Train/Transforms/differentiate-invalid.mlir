// RUN: vernier-opt %s --split-input-file --verify-diagnostics --train-differentiate

ml_program.global private mutable @w(#train.kaiming) : tensor<4xf32> {train.role = "parameter"}

func.func @loss(%x: tensor<4xf32>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<4xf32>
  // An op between a parameter and the loss must have a gradient.
  // expected-error @below {{'arith.remf' op has no gradient, but lies between a parameter and the loss; replace it by differentiable ops, or give the parameters before it the role "frozen"}}
  %a = arith.remf %w, %x : tensor<4xf32>
  %loss = train.reduce sum %a dims = [0] : tensor<4xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
func.func @step(%x: tensor<4xf32>) -> tensor<4xf32> {
  %loss, %dw = train.gradient @loss(%x) wrt [@w] : (tensor<4xf32>) -> (tensor<f32>, tensor<4xf32>)
  return %dw : tensor<4xf32>
}

// -----

ml_program.global private mutable @w(#train.kaiming) : tensor<f32> {train.role = "parameter"}

func.func @layer(%x: tensor<f32>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<f32>
  %y = arith.mulf %w, %x : tensor<f32>
  return %y : tensor<f32>
}
func.func @loss(%x: tensor<f32>) -> tensor<f32> {
  // Calls hide ops from reverse mode.
  // expected-error @below {{is a call inside 'loss', which is differentiated; run --inline before --train-differentiate}}
  %y = call @layer(%x) : (tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}
func.func @step(%x: tensor<f32>) -> tensor<f32> {
  %loss, %dw = train.gradient @loss(%x) wrt [@w] : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %dw : tensor<f32>
}

// -----

ml_program.global private mutable @w(#train.kaiming) : tensor<f32> {train.role = "parameter"}

func.func private @loss() -> tensor<f32>
func.func @step() -> tensor<f32> {
  // A declaration has nothing to differentiate.
  // expected-error @below {{expects 'loss' to have a body of one block; express branches by arith.select}}
  %loss, %dw = train.gradient @loss() wrt [@w] : () -> (tensor<f32>, tensor<f32>)
  return %dw : tensor<f32>
}

// -----

ml_program.global private mutable @w(#train.kaiming) : tensor<f32> {train.role = "parameter"}

func.func @inner() -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<f32>
  return %w : tensor<f32>
}
func.func @loss() -> tensor<f32> {
  // Second derivatives are out of scope.
  // expected-error @below {{is inside 'loss', which is itself differentiated; gradients of gradients are not supported}}
  %value, %dw = train.gradient @inner() wrt [@w] : () -> (tensor<f32>, tensor<f32>)
  return %dw : tensor<f32>
}
func.func @step() -> tensor<f32> {
  %loss, %dw = train.gradient @loss() wrt [@w] : () -> (tensor<f32>, tensor<f32>)
  return %dw : tensor<f32>
}

// -----

ml_program.global private mutable @w(#train.kaiming) : tensor<f32> {train.role = "parameter"}

func.func @loss(%x: tensor<f32>) -> tensor<f32> {
  // A load behind this store would not be the parameter.
  // expected-error @below {{changes a global that 'loss' is differentiated with respect to; store it outside}}
  ml_program.global_store @w = %x : tensor<f32>
  %w = ml_program.global_load @w : tensor<f32>
  return %w : tensor<f32>
}
func.func @step(%x: tensor<f32>) -> tensor<f32> {
  %loss, %dw = train.gradient @loss(%x) wrt [@w] : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %dw : tensor<f32>
}

// -----

ml_program.global private mutable @w(#train.kaiming) : tensor<f32> {train.role = "parameter"}

func.func @loss(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
func.func @step(%x: tensor<f32>) -> tensor<f32> {
  // A parameter that the loss does not read is likely a mistake.
  // expected-warning @below {{the gradient of '@w' is zero, no path leads from it to the loss of '@loss'; give it the role "frozen" if that is meant}}
  %loss, %dw = train.gradient @loss(%x) wrt [@w] : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %dw : tensor<f32>
}
