// RUN: vernier-opt %s --split-input-file --verify-diagnostics --train-legalize-contractions

func.func @f64(%a: tensor<8x16xf64>, %b: tensor<16x4xf64>) -> tensor<8x4xf64> {
  // expected-error @below {{multiplies f64, which target 'cpu:x86-64-v3' cannot: f64 is for references; make the operands f32}}
  %y = train.matmul %a, %b : (tensor<8x16xf64>, tensor<16x4xf64>) -> tensor<8x4xf64>
  return %y : tensor<8x4xf64>
}
