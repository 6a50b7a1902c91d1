// RUN: vernier-opt %s -split-input-file --amp-analyze-ranges=annotate=true --remark-format=emitRemark --remarks-filter=amp-analyze-ranges -verify-diagnostics | FileCheck %s
// RUN: vernier-opt %s -split-input-file --amp-analyze-ranges="warn=false annotate=true at-initial-values=false" | FileCheck %s --check-prefix=ALWAYS

// Bounds from a declared range: an exponential of numbers up to 5 fits, one of
// numbers up to 20 does not. The chain leads from the result to the argument.
// CHECK-LABEL: func.func @declared
// CHECK-SAME: amp.range = {grid = {{.*}}, high = 1.483750e+02 : f64, low = 0.006736{{[0-9]+}} : f64, may_be_nan = false
// CHECK-SAME: high = 0x7FF0000000000000 : f64
// expected-note @below {{from argument 1 in [0, 20]}}
func.func @declared(%x: tensor<4xf32> {train.range = [-5.0, 5.0]}, %y: tensor<4xf32> {train.range = [0, 20]})
    -> (tensor<4xf16>, tensor<4xf16>) {
  %e = math.exp %x : tensor<4xf32>
  // expected-remark @below {{f16 cannot overflow: [0.006738, 148.4]}}
  %small = arith.truncf %e : tensor<4xf32> to tensor<4xf16>
  // expected-note @below {{from 'math.exp' in [1, 4.852e+08]}}
  %f = math.exp %y : tensor<4xf32>
  // expected-warning @below {{f16 can overflow: [1, 4.852e+08] reaches beyond 65504}}
  %large = arith.truncf %f : tensor<4xf32> to tensor<4xf16>
  return %small, %large : tensor<4xf16>, tensor<4xf16>
}

// -----

// Nothing is known of an argument without a range, and that is what is said; a
// softmax is bounded whatever it reads.
func.func @unknown(%x: tensor<4x8xf16>) -> (tensor<4x8xf16>, tensor<4x8xf16>) {
  // expected-remark @below {{f16 overflow is not excluded: argument 0 is unbounded}}
  %y = arith.addf %x, %x : tensor<4x8xf16>
  // expected-remark @below {{f16 overflow is not excluded: argument 0 is unbounded}}
  %s = train.softmax %x : (tensor<4x8xf16>) -> tensor<4x8xf16>
  return %y, %s : tensor<4x8xf16>, tensor<4x8xf16>
}

// -----

// The bounds of a parameter's initial values hold in the first step; a frozen
// global keeps its own, and a declared range holds always.
ml_program.global private mutable @w(#train.uniform<-0.5, 0.5>) : tensor<8x16xf16> {train.role = "parameter"}
ml_program.global private mutable @f(#train.constant<2.0>) : tensor<8x16xf16> {train.role = "frozen"}
ml_program.global private mutable @d(#train.normal<0.0, 1.0>) : tensor<8x16xf16> {train.role = "parameter", train.range = [-3.0, 3.0]}
// CHECK-LABEL: func.func @globals
// ALWAYS-LABEL: func.func @globals
// ALWAYS-SAME: low = 0xFFF0000000000000 : f64
func.func @globals(%x: tensor<2x16xf16> {train.range = [0.0, 1.0]}) -> tensor<2x8xf16> {
  // expected-remark @below {{f16 cannot overflow in the first step: [-0.5, 0.5]}}
  %w = ml_program.global_load @w : tensor<8x16xf16>
  // expected-remark @below {{f16 cannot overflow: [2, 2]}}
  %f = ml_program.global_load @f : tensor<8x16xf16>
  // expected-remark @below {{f16 cannot overflow: [-3, 3]}}
  %d = ml_program.global_load @d : tensor<8x16xf16>
  // expected-remark @below {{f16 cannot overflow in the first step: [-8, 8]}}
  %a = train.linear %x, %w : (tensor<2x16xf16>, tensor<8x16xf16>) -> tensor<2x8xf16>
  // expected-remark @below {{f16 cannot overflow: [0, 32]}}
  %b = train.linear %x, %f : (tensor<2x16xf16>, tensor<8x16xf16>) -> tensor<2x8xf16>
  // expected-remark @below {{f16 cannot overflow: [-48, 48]}}
  %c = train.linear %x, %d : (tensor<2x16xf16>, tensor<8x16xf16>) -> tensor<2x8xf16>
  // expected-remark @below {{f16 cannot overflow: [-48, 80]}}
  %bc = arith.addf %b, %c : tensor<2x8xf16>
  // expected-remark @below {{f16 cannot overflow in the first step: [-56, 88]}}
  %sum = arith.addf %a, %bc : tensor<2x8xf16>
  return %sum : tensor<2x8xf16>
}

// -----

// Gradients made of integers and f16 numbers by sums and by products with
// integers are multiples of the smallest f16 number, and these stay small: no
// scaler is needed.
// CHECK-LABEL: func.func @step
// CHECK-SAME: attributes {amp.cannot_overflow, amp.cannot_underflow}
// expected-remark @below {{no gradient can underflow or overflow in f16: no loss scaler is needed}}
func.func @step(%x: tensor<4xf16> {train.range = [-1.0, 1.0]}, %n: tensor<4xi32> {train.range = [0, 16]}) -> tensor<4xf16> {
  %seed = train.seed : tensor<f32>
  %wide = train.broadcast %seed dims = [] : tensor<f32> -> tensor<4xf32>
  // expected-remark @below {{f16 cannot overflow: [1, 1]}}
  %g = arith.truncf %wide : tensor<4xf32> to tensor<4xf16>
  // expected-remark @below {{f16 cannot overflow: [-1, 1]}}
  %gx = arith.mulf %g, %x : tensor<4xf16>
  // expected-remark @below {{f16 cannot overflow: [0, 16]}}
  %integers = arith.sitofp %n : tensor<4xi32> to tensor<4xf16>
  // expected-remark @below {{f16 cannot overflow: [-16, 16]}}
  %gn = arith.mulf %gx, %integers : tensor<4xf16>
  return %gn : tensor<4xf16>
}

// -----

// A sum over many rows overflows unless the loss is scaled down: 65504 / 131072
// is above a quarter.
// CHECK-LABEL: func.func @step
// CHECK-SAME: attributes {amp.cannot_underflow, amp.safe_scale = 2.500000e-01 : f64}
// expected-remark @below {{no gradient can underflow in f16, but 'train.reduce' may overflow ([-1.321e+05, 1.321e+05]): a loss scaler is needed to make gradients smaller}}
func.func @step(%x: tensor<131072xf16> {train.range = [-1.0, 1.0]}) -> tensor<f16> {
  // expected-note @below {{from 'train.seed' in [1, 1]}}
  %seed = train.seed : tensor<f32>
  // expected-note @below {{from 'train.broadcast' in [1, 1]}}
  %wide = train.broadcast %seed dims = [] : tensor<f32> -> tensor<131072xf32>
  // expected-remark @below {{f16 cannot overflow: [1, 1]}}
  // expected-note @below {{from 'arith.truncf' in [1, 1]}}
  %g = arith.truncf %wide : tensor<131072xf32> to tensor<131072xf16>
  // expected-remark @below {{f16 cannot overflow: [-1, 1]}}
  // expected-note @below {{from 'arith.mulf' in [-1, 1]}}
  %gx = arith.mulf %g, %x : tensor<131072xf16>
  // expected-warning @below {{f16 can overflow: [-1.321e+05, 1.321e+05] reaches beyond 65504}}
  %sum = train.reduce sum %gx dims = [0] : tensor<131072xf16> -> tensor<f16>
  return %sum : tensor<f16>
}

// -----

// A product of f16 numbers may underflow; their bound says how far the loss may
// be scaled up: 65504 / 20 is above 2048.
// CHECK-LABEL: func.func @step
// CHECK-SAME: attributes {amp.safe_scale = 2.048000e+03 : f64}
// expected-remark @below {{gradients may underflow in f16 ('arith.mulf' may be as small as 5.96e-10); a loss scale up to 2048 cannot overflow in any step}}
func.func @step(%x: tensor<4xf16> {train.range = [-2000.0, 2000.0]}) -> tensor<4xf16> {
  %seed = train.seed : tensor<f32>
  %wide = train.broadcast %seed dims = [] : tensor<f32> -> tensor<4xf32>
  %hundredth = arith.constant dense<0.01> : tensor<4xf32>
  %scaled = arith.mulf %wide, %hundredth : tensor<4xf32>
  // expected-remark @below {{f16 cannot overflow: [0.01, 0.01]}}
  %g = arith.truncf %scaled : tensor<4xf32> to tensor<4xf16>
  // expected-remark @below {{f16 cannot overflow: [-20}}
  %gx = arith.mulf %g, %x : tensor<4xf16>
  return %gx : tensor<4xf16>
}

// -----

// A concatenation has the bounds of all its operands, a slice those of what it is
// cut from, padding adds zero.
func.func @loss(%x: tensor<4xf16> {train.range = [1.0, 2.0]}, %y: tensor<4xf16> {train.range = [3.0, 5.0]}) -> tensor<6xf16> {
  %zero = arith.constant 0.0 : f16
  // expected-remark @below {{f16 cannot overflow: [1, 5]}}
  %c = tensor.concat dim(0) %x, %y : (tensor<4xf16>, tensor<4xf16>) -> tensor<8xf16>
  // expected-remark @below {{f16 cannot overflow: [1, 5]}}
  %s = tensor.extract_slice %c[2] [4] [1] : tensor<8xf16> to tensor<4xf16>
  // expected-remark @below {{f16 cannot overflow: [0, 5]}}
  %p = tensor.pad %s low[1] high[1] {
  ^bb0(%i: index):
    tensor.yield %zero : f16
  } : tensor<4xf16> to tensor<6xf16>
  return %p : tensor<6xf16>
}
