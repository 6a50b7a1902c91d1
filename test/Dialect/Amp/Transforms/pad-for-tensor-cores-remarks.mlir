// RUN: vernier-opt %s --amp-pad-for-tensor-cores --remarks-filter="amp-pad-for-tensor-cores" --remark-format=emitRemark --verify-diagnostics

// What was padded from what to what, and why; and why not.
func.func @predict(%x: tensor<8x13xbf16>, %w: tensor<10x13xbf16>, %v: tensor<1x13xbf16>) -> (tensor<8x10xbf16>, tensor<8x1xbf16>) {
  // expected-remark@+1 {{[Passed] train.linear | Category:amp-pad-for-tensor-cores | Function=predict | MoreWork=96%, Reason="leading dimensions of bf16 in multiples of 8", Remark="padded N 10 -> 16, K 13 -> 16"}}
  %y = train.linear %x, %w : (tensor<8x13xbf16>, tensor<10x13xbf16>) -> tensor<8x10xbf16>
  // expected-remark@+1 {{not padded: N is 1, a product with a vector, which is bound by memory}}
  %z = train.linear %x, %v : (tensor<8x13xbf16>, tensor<1x13xbf16>) -> tensor<8x1xbf16>
  return %y, %z : tensor<8x10xbf16>, tensor<8x1xbf16>
}
