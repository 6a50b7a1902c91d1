// RUN: vernier-evaluate %s --entry=elementwise | FileCheck %s --check-prefix=ELEMENTWISE
// RUN: vernier-evaluate %s --entry=contraction | FileCheck %s --check-prefix=CONTRACTION
// RUN: vernier-evaluate %s --entry=contraction --exact | FileCheck %s --check-prefix=EXACT
// RUN: vernier-evaluate %s --entry=overflow | FileCheck %s --check-prefix=OVERFLOW

// An elementwise op on 16 bits rounds once, ties to even: 1 + 2^-8 is halfway
// between 1 and the next bf16.
// ELEMENTWISE: result0: tensor<2xbf16> [1, 1.015625]
func.func @elementwise() -> tensor<2xbf16> {
  %a = arith.constant dense<[1.0, 1.0078125]> : tensor<2xbf16>
  %b = arith.constant dense<0.00390625> : tensor<2xbf16>
  %c = arith.addf %a, %b : tensor<2xbf16>
  return %c : tensor<2xbf16>
}

// A contraction keeps products and sums wider than its operands and rounds to
// its result type; tf32 rounds the operands to 10 mantissa bits first, and exact
// mode rounds nothing.
// CONTRACTION: result0: tensor<1x1xf32> {{\[}}[1.00393677]]
// CONTRACTION: result1: tensor<1x1xbf16> {{\[}}[1.0078125]]
// CONTRACTION: result2: tensor<1x1xf32> {{\[}}[1]]
// EXACT: result0: tensor<1x1xf32> {{\[}}[1.00393677]]
// EXACT: result1: tensor<1x1xbf16> {{\[}}[1.00393677]]
// EXACT: result2: tensor<1x1xf32> {{\[}}[1.00024414]]
func.func @contraction() -> (tensor<1x1xf32>, tensor<1x1xbf16>, tensor<1x1xf32>) {
  %a = arith.constant dense<[[1.0, 0.00390625]]> : tensor<1x2xbf16>
  %b = arith.constant dense<[[1.0], [1.0078125]]> : tensor<2x1xbf16>
  %c = arith.constant dense<1.000244140625> : tensor<1x1xf32>
  %one = arith.constant dense<1.0> : tensor<1x1xf32>
  %0 = train.matmul %a, %b : (tensor<1x2xbf16>, tensor<2x1xbf16>) -> tensor<1x1xf32>
  %1 = train.matmul %a, %b : (tensor<1x2xbf16>, tensor<2x1xbf16>) -> tensor<1x1xbf16>
  %2 = train.matmul %c, %one {tf32} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  return %0, %1, %2 : tensor<1x1xf32>, tensor<1x1xbf16>, tensor<1x1xf32>
}

// f16 overflows to infinity from 65520 on, which bf16 and f32 hold; casts back
// and forth keep it.
// OVERFLOW: result0: tensor<3xf16> [65504, inf, -inf]
// OVERFLOW: result1: tensor<3xf32> [65504, inf, -inf]
// OVERFLOW: result2: tensor<i1> 0
func.func @overflow() -> (tensor<3xf16>, tensor<3xf32>, tensor<i1>) {
  %x = arith.constant dense<[65519.0, 65520.0, -1.0e+06]> : tensor<3xf32>
  %h = arith.truncf %x : tensor<3xf32> to tensor<3xf16>
  %f = arith.extf %h : tensor<3xf16> to tensor<3xf32>
  %finite = amp.all_finite %h : (tensor<3xf16>) -> tensor<i1>
  return %h, %f, %finite : tensor<3xf16>, tensor<3xf32>, tensor<i1>
}
