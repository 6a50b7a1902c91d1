// RUN: vernier-opt %s --amp-relax-casts | FileCheck %s
// RUN: vernier-opt %s --amp-relax-casts --remarks-filter=amp-relax-casts --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: vernier-opt %s --canonicalize --cse | FileCheck %s --check-prefix=STRICT

// CHECK: module attributes {amp.skipped_roundings = 2 : i64}

// A rounded value that the kernel goes on with is used as it was; what leaves the
// kernel is still rounded. Nothing else may skip a rounding: canonicalization keeps
// each of them.
// REMARK: tensor<8xf32> is not rounded to bf16 for 'math.exp'
// CHECK-LABEL: func.func @predict
// CHECK: ^bb0(%[[A:.*]]: tensor<8xf32>):
// CHECK-NEXT: %[[N:.*]] = arith.negf %[[A]]
// CHECK-NEXT: %[[R:.*]] = arith.truncf %[[N]]
// CHECK-NEXT: %[[E:.*]] = math.exp %[[N]]
// CHECK-NEXT: %[[S:.*]] = math.sqrt %[[E]]
// CHECK-NEXT: train.yield %[[R]], %[[S]]
// STRICT-LABEL: func.func @predict
// STRICT: arith.truncf
// STRICT: arith.extf
// STRICT: arith.truncf
// STRICT: arith.extf
func.func @predict(%x: tensor<8xf32>) -> (tensor<8xbf16>, tensor<8xf32>) {
  %0:2 = train.fusion flat rows = 1 cols = 8 (%x) : (tensor<8xf32>) -> (tensor<8xbf16>, tensor<8xf32>) {
  ^bb0(%a: tensor<8xf32>):
    %n = arith.negf %a : tensor<8xf32>
    %r = arith.truncf %n : tensor<8xf32> to tensor<8xbf16>
    %w = arith.extf %r : tensor<8xbf16> to tensor<8xf32>
    %e = math.exp %w : tensor<8xf32>
    %f = arith.truncf %e : tensor<8xf32> to tensor<8xbf16>
    %g = arith.extf %f : tensor<8xbf16> to tensor<8xf32>
    %s = math.sqrt %g : tensor<8xf32>
    train.yield %r, %s : tensor<8xbf16>, tensor<8xf32>
  }
  return %0#0, %0#1 : tensor<8xbf16>, tensor<8xf32>
}

// Outside of kernels, and where a value was read from memory, casts stay.
// CHECK-LABEL: func.func @outside
// CHECK: arith.truncf
// CHECK: arith.extf
// CHECK: train.fusion
// CHECK: arith.extf
func.func @outside(%x: tensor<8xf32>, %y: tensor<8xbf16>) -> (tensor<8xf32>, tensor<8xf32>) {
  %r = arith.truncf %x : tensor<8xf32> to tensor<8xbf16>
  %w = arith.extf %r : tensor<8xbf16> to tensor<8xf32>
  %0 = train.fusion flat rows = 1 cols = 8 (%y) : (tensor<8xbf16>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xbf16>):
    %b = arith.extf %a : tensor<8xbf16> to tensor<8xf32>
    train.yield %b : tensor<8xf32>
  }
  return %w, %0 : tensor<8xf32>, tensor<8xf32>
}

// The gradient of a maximum finds the element that was it by equality, which needs
// both sides rounded, also in what another kernel made of the rounded value.
// CHECK-LABEL: func.func @maximum
// CHECK: train.fusion
// CHECK: %[[E0:.*]] = arith.extf
// CHECK-NEXT: math.exp %[[E0]]
// CHECK: train.fusion
// CHECK: arith.truncf
// CHECK-NEXT: %[[E1:.*]] = arith.extf
// CHECK: arith.cmpf oeq, %[[E1]]
func.func @maximum(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0:2 = train.fusion rows rows = 4 cols = 8 (%x) : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4xbf16>) {
  ^bb0(%a: tensor<4x8xf32>):
    %r = arith.truncf %a : tensor<4x8xf32> to tensor<4x8xbf16>
    %w = arith.extf %r : tensor<4x8xbf16> to tensor<4x8xf32>
    %e = math.exp %w : tensor<4x8xf32>
    %f = arith.truncf %e : tensor<4x8xf32> to tensor<4x8xbf16>
    %m = train.reduce max %f dims = [1] : tensor<4x8xbf16> -> tensor<4xbf16>
    train.yield %e, %m : tensor<4x8xf32>, tensor<4xbf16>
  }
  %1 = train.fusion rows rows = 4 cols = 8 (%0#0, %0#1) : (tensor<4x8xf32>, tensor<4xbf16>) -> tensor<4x8xf32> {
  ^bb0(%a: tensor<4x8xf32>, %m: tensor<4xbf16>):
    %zero = arith.constant dense<0.0> : tensor<4x8xf32>
    %r = arith.truncf %a : tensor<4x8xf32> to tensor<4x8xbf16>
    %w = arith.extf %r : tensor<4x8xbf16> to tensor<4x8xf32>
    %n = arith.extf %m : tensor<4xbf16> to tensor<4xf32>
    %b = train.broadcast %n dims = [0] : tensor<4xf32> -> tensor<4x8xf32>
    %is = arith.cmpf oeq, %w, %b : tensor<4x8xf32>
    %y = arith.select %is, %a, %zero : tensor<4x8xi1>, tensor<4x8xf32>
    train.yield %y : tensor<4x8xf32>
  }
  return %1 : tensor<4x8xf32>
}

// A gradient that its rounding makes infinite is found: the check sees what is
// stored, whatever the value was before.
// CHECK-LABEL: func.func @infinite
// CHECK: %[[R:.*]] = arith.truncf %{{.*}} : tensor<8xf32> to tensor<8xf16>
// CHECK-NEXT: %[[W:.*]] = arith.extf %[[R]]
// CHECK-NEXT: %[[A:.*]] = math.absf %[[W]]
// CHECK-NEXT: arith.cmpf olt, %[[A]]
func.func @infinite(%x: tensor<8xf32>) -> (tensor<8xf16>, tensor<8xf32>) {
  %0:2 = train.fusion flat rows = 1 cols = 8 (%x) : (tensor<8xf32>) -> (tensor<8xf16>, tensor<8xf32>) {
  ^bb0(%g: tensor<8xf32>):
    %inf = arith.constant dense<0x7F800000> : tensor<8xf32>
    %zero = arith.constant dense<0.0> : tensor<8xf32>
    %one = arith.constant dense<1.0> : tensor<8xf32>
    %s = arith.addf %g, %g : tensor<8xf32>
    %r = arith.truncf %s : tensor<8xf32> to tensor<8xf16>
    %w = arith.extf %r : tensor<8xf16> to tensor<8xf32>
    %a = math.absf %w : tensor<8xf32>
    %c = arith.cmpf olt, %a, %inf : tensor<8xf32>
    %y = arith.select %c, %zero, %one : tensor<8xi1>, tensor<8xf32>
    train.yield %r, %y : tensor<8xf16>, tensor<8xf32>
  }
  return %0#0, %0#1 : tensor<8xf16>, tensor<8xf32>
}
