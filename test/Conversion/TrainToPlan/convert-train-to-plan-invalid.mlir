// RUN: vernier-opt --convert-train-to-plan -split-input-file -verify-diagnostics %s

// Every op must be a fusion or a library call by now.
func.func @predict(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @below {{no runtime call for 'math.exp'; run --train-form-fusions first}}
  %0 = math.exp %x : tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// A scalar constant has no buffer.
func.func @predict(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @below {{expects a tensor constant in an entry, got 'f32'}}
  %0 = arith.constant 1.0 : f32
  return %x : tensor<8xf32>
}

// -----

// Every other element is not a box.
func.func @predict(%x: tensor<3x7xf32>) -> tensor<3x3xf32> {
  // expected-error @below {{expects padding by static extents of zeros, or a static slice of the same rank without strides}}
  %s = tensor.extract_slice %x[0, 1] [3, 3] [1, 2] : tensor<3x7xf32> to tensor<3x3xf32>
  return %s : tensor<3x3xf32>
}

// -----

// An entry is one block.
// expected-error @below {{'@predict' has 0 blocks; expected one, without branches}}
func.func private @predict(%x: tensor<8xf32>)

// -----

// Buffers have static shapes.
// expected-error @below {{a buffer cannot hold 'f32'; expected a tensor of static shape}}
func.func @predict(%x: f32) {
  return
}

// -----

// So have states.
// expected-error @below {{a state cannot hold 'f32'; expected a tensor of static shape}}
ml_program.global private mutable @w(1.0 : f32) : f32
