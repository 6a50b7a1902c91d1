// RUN: vernier-opt %s -split-input-file -verify-diagnostics --amp-verify-precision

// Autocast has not been here.
func.func @predict(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{'train.relu' op has no amp.precision: run --amp-autocast first}}
  %r = train.relu %x : tensor<4xf32>
  return %r : tensor<4xf32>
}

// -----

// Decided, but not cast.
func.func @predict(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // expected-error@+1 {{operand 0 is 'f32', but 'p/train.matmul: low' decided 'bf16': run --amp-materialize-casts after --amp-autocast}}
  %r = train.matmul %x, %x {amp.precision = #amp.precision<operand = bf16, accumulate = f32, result = bf16, rule = "p/train.matmul: low", reason = "">} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %r : tensor<4x4xf32>
}

// -----

// The operands were cast, the result was not.
func.func @predict(%x: tensor<4x4xbf16>) -> tensor<4x4xf32> {
  // expected-error@+1 {{result is 'f32', but 'p/train.matmul: low' decided 'bf16'}}
  %r = train.matmul %x, %x {amp.precision = #amp.precision<operand = bf16, accumulate = f32, result = bf16, rule = "p/train.matmul: low", reason = "">} : (tensor<4x4xbf16>, tensor<4x4xbf16>) -> tensor<4x4xf32>
  return %r : tensor<4x4xf32>
}

// -----

// tf32 is a flag of the contraction.
func.func @predict(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // expected-error@+1 {{lacks the flag tf32 that 'p/train.matmul: low' decided}}
  %r = train.matmul %x, %x {amp.precision = #amp.precision<operand = tf32, accumulate = f32, result = f32, rule = "p/train.matmul: low", reason = "">} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %r : tensor<4x4xf32>
}

// -----

// No rule may give an op a type that its class forbids.
func.func @predict(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  // expected-error@+1 {{decided 'bf16' -> 'bf16' by 'p/train.relu: full', but the class full allows f32 alone}}
  %r = train.relu %x {amp.precision = #amp.precision<operand = bf16, accumulate = f32, result = bf16, rule = "p/train.relu: full", reason = "">} : tensor<4xbf16>
  return %r : tensor<4xbf16>
}

// -----

// Sums are never kept in 16 bits.
func.func @predict(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  // expected-error@+1 {{decided to compute in 'bf16' by 'p/train.relu: follow', but sums are kept in f32}}
  %r = train.relu %x {amp.precision = #amp.precision<operand = bf16, accumulate = bf16, result = bf16, rule = "p/train.relu: follow", reason = "">} : tensor<4xbf16>
  return %r : tensor<4xbf16>
}

// -----

// expected-error@+1 {{'@loss' returns its loss in 'bf16', which rounds what the gradients start from: return f32}}
func.func @loss(%x: tensor<bf16>) -> tensor<bf16> {
  return %x : tensor<bf16>
}

// -----

// expected-error@+1 {{the parameter '@w' is kept in 'f16', where small updates are lost: make it f32; autocast makes the 16-bit copies}}
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<4xf16> {train.role = "parameter"}

// -----

// So are the moments.
// expected-error@+1 {{the moment '@w.m' is kept in 'bf16', where small updates are lost: make it f32}}
ml_program.global private mutable @w.m(#train.constant<0.0>) : tensor<4xbf16> {train.role = "moment"}

// -----

// The gradient that was decided is not asked for.
func.func @predict(%x: tensor<4x4xbf16>) -> tensor<4x4xbf16> {
  // expected-error@+1 {{the gradient of operand 0 was decided to be #train.gradient_types<operand = f32, result = f32> by 'p/train.matmul: low', but train.operand_gradients does not ask for it: run --amp-materialize-casts after --amp-autocast}}
  %r = train.matmul %x, %x {amp.precision = #amp.precision<operand = bf16, accumulate = f32, result = bf16, rule = "p/train.matmul: low", reason = "", inputGradient = <operand = f32, result = f32>>} : (tensor<4x4xbf16>, tensor<4x4xbf16>) -> tensor<4x4xbf16>
  return %r : tensor<4x4xbf16>
}

// -----

// A contraction of reverse mode that multiplies other types than were asked for.
func.func private @step(%g: tensor<4x4xbf16>) -> tensor<4x4xf32> {
  // expected-error@+1 {{computes a gradient from 'bf16' to 'f32', but the policy asks for 'f32' to 'f32'}}
  %r = train.matmul %g, %g {train.backward, train.gradient_types = #train.gradient_types<operand = f32, result = f32>} : (tensor<4x4xbf16>, tensor<4x4xbf16>) -> tensor<4x4xf32>
  return %r : tensor<4x4xf32>
}
