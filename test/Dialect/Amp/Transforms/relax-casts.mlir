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
