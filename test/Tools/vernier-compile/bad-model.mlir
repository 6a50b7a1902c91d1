// RUN: %python %S/Inputs/expect_errors.py %s --policy=f32
// REQUIRES: compiler

// Shapes that do not fit (exit: 3).
func.func @predict(%x: tensor<2x8xf32>, %w: tensor<4x9xf32>) -> tensor<2x4xf32> {
  // expected-error {{(L2) expects an input (..., K) and a weight (N, K)}}
  %y = train.linear %x, %w : (tensor<2x8xf32>, tensor<4x9xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// Element types that do not fit (exit: 3).
func.func @predict(%x: tensor<2x8xf32>, %w: tensor<4x8xbf16>) -> tensor<2x4xf32> {
  // expected-error {{(L1) expects input and weight of one element type}}
  %y = train.linear %x, %w : (tensor<2x8xf32>, tensor<4x8xbf16>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// An op that does not exist (exit: 3).
func.func @predict(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // expected-error {{custom op 'train.rleu' is unknown}}
  %y = train.rleu %x : tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}

// -----

// A dynamic shape (exit: 3).
// expected-error {{argument 0 of 'predict' has type 'tensor<?x8xf32>'; expected a tensor of static shape: write the batch size into the model}}
func.func @predict(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}

// -----

// A model without a function (exit: 3).
// expected-error {{the model has nothing to run; expected a function 'loss', 'predict' or both}}
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter"}

// -----

// An op between a parameter and the loss that has no gradient (exit: 1).
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<4xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
  %w = ml_program.global_load @w : tensor<4xf32>
  // expected-error {{has no gradient, but lies between a parameter and the loss}}
  %0 = arith.remf %w, %x : tensor<4xf32>
  %1 = train.reduce sum %0 dims = [0] : tensor<4xf32> -> tensor<f32>
  return %1 : tensor<f32>
}

// -----

// An initial value of another type than its state (exit: 3).
// expected-error {{'@w' has type 'tensor<4xf32>', but an initial value of type 'tensor<4xi32>'}}
ml_program.global private mutable @w(dense<1> : tensor<4xi32>) : tensor<4xf32> {train.role = "frozen"}
func.func @predict(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = ml_program.global_load @w : tensor<4xf32>
  %0 = arith.addf %w, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// An initial value of no known kind (exit: 3).
// expected-error {{'@w' has type 'tensor<4xf32>', but an initial value of type 'none'}}
ml_program.global private mutable @w("ones") : tensor<4xf32> {train.role = "frozen"}
func.func @predict(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = ml_program.global_load @w : tensor<4xf32>
  %0 = arith.addf %w, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// A role that does not exist (exit: 3).
// expected-error {{(R1) has the unknown train.role "paramter"; expected "parameter", "frozen"}}
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.role = "paramter"}
func.func @predict(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = ml_program.global_load @w : tensor<4xf32>
  %0 = arith.addf %w, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// An element type that no device stores (exit: 3).
// expected-error {{argument 0 of 'predict' has type 'tensor<4xf64>'; expected f32, which precision is decided from}}
func.func @predict(%x: tensor<4xf64>) -> tensor<4xf64> {
  return %x : tensor<4xf64>
}
