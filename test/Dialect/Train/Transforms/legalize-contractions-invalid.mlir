// RUN: vernier-opt %s --split-input-file --verify-diagnostics --train-legalize-contractions

func.func @f64(%a: tensor<8x16xf64>, %b: tensor<16x4xf64>) -> tensor<8x4xf64> {
  // expected-error @below {{multiplies f64, which target 'cpu:x86-64-v3' cannot: f64 is for references; make the operands f32}}
  %y = train.matmul %a, %b : (tensor<8x16xf64>, tensor<16x4xf64>) -> tensor<8x4xf64>
  return %y : tensor<8x4xf64>
}

// -----

func.func @sums_in_f64(%a: tensor<8x16xf32>, %b: tensor<16x4xf32>) -> tensor<8x4xf32> {
  // expected-error @below {{sums in f64, which target 'cpu:x86-64-v3' cannot: leave accumulate_type away}}
  %y = train.matmul %a, %b {accumulate_type = f64} : (tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}
