// RUN: vernier-opt %s --attach-target=target=cpu:x86-64-v3 --amp-autocast=policy=vernier \
// RUN:   --remarks-filter="amp-autocast" --remark-format=emitRemark --verify-diagnostics
// REQUIRES: compiler

// A type that the target cannot multiply is computed with the same roundings.
// expected-remark@+1 {{cpu:x86-64-v3 has no bf16 contractions: they are computed in f32 with the roundings of bf16}}
module {
  // Every decision says what, by which rule and why.
  func.func @predict(%x: tensor<8x16xf32>, %w: tensor<4x16xf32>) -> tensor<8x4xf32> {
    // expected-remark@+1 {{[Passed] train.linear | Category:amp-autocast | Function=predict | Reason="contraction, summed in f32", Remark="bf16 -> bf16, computed in f32", Rule="vernier/train.linear: low"}}
    %y = train.linear %x, %w : (tensor<8x16xf32>, tensor<4x16xf32>) -> tensor<8x4xf32>
    return %y : tensor<8x4xf32>
  }
}
