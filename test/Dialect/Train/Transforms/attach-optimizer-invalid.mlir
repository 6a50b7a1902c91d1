// RUN: vernier-opt %s --split-input-file --verify-diagnostics --train-attach-optimizer

// There must be something to differentiate.
// expected-error @below {{nothing to train: expected a function '@loss' whose first result is the loss}}
module {
  ml_program.global private mutable @w(#train.kaiming) : tensor<4xf32> {train.role = "parameter"}
}

// -----

// A module without parameters cannot be trained.
module {
  ml_program.global private mutable @w(#train.kaiming) : tensor<f32> {train.role = "frozen"}
  // expected-error @below {{no parameter to train: give the globals that change train.role = "parameter"}}
  func.func @loss() -> tensor<f32> {
    %w = ml_program.global_load @w : tensor<f32>
    return %w : tensor<f32>
  }
}

// -----

// Masters are f32.
module {
  // expected-error @below {{parameter '@w' is trained, so it must be a mutable tensor of f32}}
  ml_program.global private mutable @w(#train.kaiming) : tensor<bf16> {train.role = "parameter"}
  func.func @loss() -> tensor<f32> {
    %w = ml_program.global_load @w : tensor<bf16>
    %loss = arith.extf %w : tensor<bf16> to tensor<f32>
    return %loss : tensor<f32>
  }
}

// -----

// The names of states are taken.
module {
  ml_program.global private mutable @w(#train.kaiming) : tensor<f32> {train.role = "parameter"}
  // expected-error @below {{'@w.m' is the name of an optimizer's state; rename this}}
  ml_program.global private mutable @w.m(#train.kaiming) : tensor<f32> {train.role = "frozen"}
  func.func @loss() -> tensor<f32> {
    %w = ml_program.global_load @w : tensor<f32>
    return %w : tensor<f32>
  }
}

// -----

// (U3) Two updates of one parameter: the second would undo the first.
module {
  ml_program.global private mutable @w(#train.kaiming) : tensor<4xf32> {train.role = "parameter"}
  func.func @step(%gradient: tensor<4xf32>, %rate: tensor<f32>, %t: tensor<i32>) {
    %w = ml_program.global_load @w : tensor<4xf32>
    // expected-note @below {{the first update}}
    %first = train.update #train.sgd<> %w, %gradient, %rate, %t : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
    ml_program.global_store @w = %first : tensor<4xf32>
    // expected-error @below {{(U3) is a second update of '@w' in '@step'; keep one update for each parameter}}
    %second = train.update #train.sgd<> %first, %gradient, %rate, %t : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
    ml_program.global_store @w = %second : tensor<4xf32>
    return
  }
}

// -----

// A group without a name.
// expected-error @+1 {{train.optimizer of '@w' names no group; give it group = "..."}}
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter", train.optimizer = {lr = 0.1}}
func.func @loss() -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<4xf32>
  %loss = train.reduce sum %w dims = [0] : tensor<4xf32> -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// An option that there is not, or that is no number.
// expected-error @+1 {{train.optimizer of '@w': no option "rate" = 1.000000e-01 : f64; expected options of --train-attach-optimizer, numbers as f64}}
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter", train.optimizer = {group = "a", rate = 0.1}}
func.func @loss() -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<4xf32>
  %loss = train.reduce sum %w dims = [0] : tensor<4xf32> -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// So are the names of results of a step.
module {
  ml_program.global private mutable @w(#train.kaiming) : tensor<f32> {train.role = "parameter"}
  // expected-error @below {{result 1 of '@loss' has the name "learning_rate", which a result of '@step' has; rename this}}
  func.func @loss() -> (tensor<f32> {train.name = "loss"}, tensor<f32> {train.name = "learning_rate"}) {
    %w = ml_program.global_load @w : tensor<f32>
    return %w, %w : tensor<f32>, tensor<f32>
  }
}
