// RUN: vernier-opt %s -split-input-file -verify-diagnostics

func.func @predict(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{(P1) expects a rule that ends in a class, such as 'vernier/train.linear: low', or in ': untouched', got 'mine'}}
  %r = train.relu %x {amp.precision = #amp.precision<operand = f32, accumulate = f32, result = f32, rule = "mine", reason = "why not">} : tensor<4xf32>
  return %r : tensor<4xf32>
}
