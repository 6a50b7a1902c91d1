// RUN: vernier-opt %s --split-input-file --amp-assign-by-profile=profile=%S/Inputs/one-layer.json --verify-diagnostics
// REQUIRES: compiler

// Another parameter.
// expected-error@+1 {{the profile is of another model, 'layer': there is no parameter 'weight' in it; record one of this model with vernier-run train --profile-numerics}}
module {
  ml_program.global private mutable @weight(#train.constant<0.0>) : tensor<16x16xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<8x16xf32> {train.name = "image"}) -> tensor<f32> {
    %loss = train.reduce sum %x dims = [0, 1] : tensor<8x16xf32> -> tensor<f32>
    return %loss : tensor<f32>
  }
}

// -----

// One parameter too few.
// expected-error@+1 {{it has a parameter 'w', which this model has not}}
module {
  func.func @loss(%x: tensor<8x16xf32> {train.name = "image"}) -> tensor<f32> {
    %loss = train.reduce sum %x dims = [0, 1] : tensor<8x16xf32> -> tensor<f32>
    return %loss : tensor<f32>
  }
}

// -----

// Another batch.
// expected-error@+1 {{input 'image' is (8, 16) there and (4, 16) here}}
module {
  ml_program.global private mutable @w(#train.constant<0.0>) : tensor<16x16xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<4x16xf32> {train.name = "image"}) -> tensor<f32> {
    %loss = train.reduce sum %x dims = [0, 1] : tensor<4x16xf32> -> tensor<f32>
    return %loss : tensor<f32>
  }
}

// -----

// Nothing that is trained.
// expected-error@+1 {{a profile is of training, but the model has no @loss: choose a policy other than auto}}
module {
  func.func @predict(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
    return %x : tensor<8x16xf32>
  }
}
