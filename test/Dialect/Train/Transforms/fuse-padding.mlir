// RUN: vernier-opt %s --pass-pipeline="builtin.module(func.func(train-fuse-padding))" | FileCheck %s

// A softmax over 13 real columns reads rows of 16 and writes rows of 16, in one kernel.
// CHECK-LABEL: func.func @softmax
// CHECK: %[[Y:.*]] = train.fusion rows rows = 8 cols = 13(%{{.*}}) : (tensor<8x16xbf16>) -> tensor<8x16xbf16> {
// CHECK-NEXT: ^bb0(%[[A:.*]]: tensor<8x16xbf16>):
// CHECK: %[[S:.*]] = tensor.extract_slice %[[A]][0, 0] [8, 13] [1, 1] : tensor<8x16xbf16> to tensor<8x13xbf16>
// CHECK: arith.extf %[[S]]
// CHECK: %[[P:.*]] = tensor.pad %{{.*}} low[0, 0] high[0, 3]
// CHECK: train.yield %[[P]] : tensor<8x16xbf16>
// CHECK-NOT: tensor.
// CHECK: return %[[Y]]
func.func @softmax(%x: tensor<8x16xbf16>) -> tensor<8x16xbf16> {
  %s = tensor.extract_slice %x[0, 0] [8, 13] [1, 1] : tensor<8x16xbf16> to tensor<8x13xbf16>
  %y = train.fusion rows rows = 8 cols = 13 (%s) : (tensor<8x13xbf16>) -> tensor<8x13xbf16> {
  ^bb0(%a: tensor<8x13xbf16>):
    %e = arith.extf %a : tensor<8x13xbf16> to tensor<8x13xf32>
    %m = train.reduce max %e dims = [1] : tensor<8x13xf32> -> tensor<8xf32>
    %b = train.broadcast %m dims = [0] : tensor<8xf32> -> tensor<8x13xf32>
    %d = arith.subf %e, %b : tensor<8x13xf32>
    %r = arith.truncf %d : tensor<8x13xf32> to tensor<8x13xbf16>
    train.yield %r : tensor<8x13xbf16>
  }
  %zero = arith.constant 0.0 : bf16
  %p = tensor.pad %y low[0, 0] high[0, 3] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : bf16
  } : tensor<8x13xbf16> to tensor<8x16xbf16>
  return %p : tensor<8x16xbf16>
}

// A flat fusion becomes one of rows. What is read without padding too is written twice.
// CHECK-LABEL: func.func @cast
// CHECK: %[[Y:.*]]:2 = train.fusion rows rows = 6 cols = 13(%{{.*}}) : (tensor<2x3x13xf32>) -> (tensor<2x3x16xbf16>, tensor<2x3x13xbf16>)
// CHECK: return %[[Y]]#0, %[[Y]]#1
func.func @cast(%x: tensor<2x3x13xf32>) -> (tensor<2x3x16xbf16>, tensor<2x3x13xbf16>) {
  %y = train.fusion flat rows = 1 cols = 78 (%x) : (tensor<2x3x13xf32>) -> tensor<2x3x13xbf16> {
  ^bb0(%a: tensor<2x3x13xf32>):
    %r = arith.truncf %a : tensor<2x3x13xf32> to tensor<2x3x13xbf16>
    train.yield %r : tensor<2x3x13xbf16>
  }
  %zero = arith.constant 0.0 : bf16
  %p = tensor.pad %y low[0, 0, 0] high[0, 0, 3] {
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %zero : bf16
  } : tensor<2x3x13xbf16> to tensor<2x3x16xbf16>
  return %p, %y : tensor<2x3x16xbf16>, tensor<2x3x13xbf16>
}

// A columns fusion reads padded rows, too.
// CHECK-LABEL: func.func @columns
// CHECK: train.fusion columns rows = 8 cols = 13(%{{.*}}) : (tensor<8x16xf32>) -> tensor<13xf32>
func.func @columns(%x: tensor<8x16xf32>) -> tensor<13xf32> {
  %s = tensor.extract_slice %x[0, 0] [8, 13] [1, 1] : tensor<8x16xf32> to tensor<8x13xf32>
  %y = train.fusion columns rows = 8 cols = 13 (%s) : (tensor<8x13xf32>) -> tensor<13xf32> {
  ^bb0(%a: tensor<8x13xf32>):
    %r = train.reduce sum %a dims = [0] : tensor<8x13xf32> -> tensor<13xf32>
    train.yield %r : tensor<13xf32>
  }
  return %y : tensor<13xf32>
}

// Other slices and pads stay outside: of rows, of the middle, of ones, of what the
// kernel does not walk along.
// CHECK-LABEL: func.func @others
// CHECK: tensor.extract_slice
// CHECK: tensor.extract_slice
// CHECK: %[[Y:.*]]:2 = train.fusion flat rows = 1 cols = 32(%{{.*}}, %{{.*}}) : (tensor<8x4xf32>, tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>)
// CHECK: tensor.pad %[[Y]]#0
// CHECK: tensor.pad %[[Y]]#1
func.func @others(%x: tensor<16x4xf32>, %z: tensor<8x8xf32>) -> (tensor<16x4xf32>, tensor<8x8xf32>) {
  %s = tensor.extract_slice %x[0, 0] [8, 4] [1, 1] : tensor<16x4xf32> to tensor<8x4xf32>
  %t = tensor.extract_slice %z[0, 2] [8, 4] [1, 1] : tensor<8x8xf32> to tensor<8x4xf32>
  %y:2 = train.fusion flat rows = 1 cols = 32 (%s, %t) : (tensor<8x4xf32>, tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  ^bb0(%a: tensor<8x4xf32>, %b: tensor<8x4xf32>):
    %0 = arith.addf %a, %b : tensor<8x4xf32>
    %1 = arith.mulf %a, %b : tensor<8x4xf32>
    train.yield %0, %1 : tensor<8x4xf32>, tensor<8x4xf32>
  }
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %p = tensor.pad %y#0 low[0, 0] high[8, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<8x4xf32> to tensor<16x4xf32>
  %q = tensor.pad %y#1 low[0, 0] high[0, 4] {
  ^bb0(%i: index, %j: index):
    tensor.yield %one : f32
  } : tensor<8x4xf32> to tensor<8x8xf32>
  return %p, %q : tensor<16x4xf32>, tensor<8x8xf32>
}
