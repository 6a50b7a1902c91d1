// RUN: split-file %s %t
// RUN: not vernier-evaluate %t/gradient.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-GRADIENT
// RUN: not vernier-evaluate %t/unknown.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-UNKNOWN
// RUN: not vernier-evaluate %t/recursion.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-RECURSION
// RUN: not vernier-evaluate %t/declaration.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-DECLARATION
// RUN: not vernier-evaluate %t/blocks.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-BLOCKS
// RUN: not vernier-evaluate %t/random.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-RANDOM
// RUN: not vernier-evaluate %t/label.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-LABEL
// RUN: not vernier-evaluate %t/bitcast.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-BITCAST
// RUN: not vernier-evaluate %t/pad.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-PAD
// RUN: not vernier-evaluate %t/slice.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-SLICE
// RUN: not vernier-evaluate %t/insert.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-INSERT
// RUN: not vernier-evaluate %t/resource.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-RESOURCE

//--- gradient.mlir
// A gradient is a request to a pass, not a computation.
// CHECK-GRADIENT: gradient.mlir:11:{{.*}}error: 'train.gradient' op has no value of its own: run --train-differentiate before evaluating
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<f32>
func.func @f(%x: tensor<f32>) -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<f32>
  %y = arith.mulf %w, %x : tensor<f32>
  return %y : tensor<f32>
}
func.func @loss() -> tensor<f32> {
  %x = arith.constant dense<1.0> : tensor<f32>
  %y, %dw = train.gradient @f(%x) wrt [@w] : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %dw : tensor<f32>
}

//--- unknown.mlir
// CHECK-UNKNOWN: error: 'tensor.empty' op cannot be evaluated: the evaluator knows train, amp, ml_program, and arith, math and tensor ops on tensors of static shape
func.func @loss() -> tensor<f32> {
  %x = tensor.empty() : tensor<f32>
  return %x : tensor<f32>
}

//--- recursion.mlir
// CHECK-RECURSION: error: 'func.call' op is nested in 100 calls: @loss seems to call itself, and a graph has no recursion
func.func @loss() -> tensor<f32> {
  %x = func.call @loss() : () -> tensor<f32>
  return %x : tensor<f32>
}

//--- declaration.mlir
// CHECK-DECLARATION: error: cannot evaluate @f: it has no body; define it in the module
func.func private @f() -> tensor<f32>
func.func @loss() -> tensor<f32> {
  %x = func.call @f() : () -> tensor<f32>
  return %x : tensor<f32>
}

//--- blocks.mlir
// CHECK-BLOCKS: error: cannot evaluate @loss: it has several blocks, but a graph has one; run --inline and --canonicalize, or lower its control flow before
func.func @loss() -> i1 {
  %x = arith.constant true
  cf.br ^bb1
^bb1:
  return %x : i1
}

//--- random.mlir
// CHECK-RANDOM: error: 'ml_program.global' op @w has no value written out: give it one in the state (random initial values are the runtime's)
ml_program.global private mutable @w(#train.normal<0.0, 1.0>) : tensor<f32>
func.func @loss() -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<f32>
  return %w : tensor<f32>
}

//--- label.mlir
// CHECK-LABEL: error: 'train.cross_entropy' op label 3 of row 1 is not in [0, 3); check the data
func.func @loss() -> tensor<f32> {
  %x = arith.constant dense<1.0> : tensor<2x3xf32>
  %y = arith.constant dense<[0, 3]> : tensor<2xi32>
  %loss = train.cross_entropy %x, %y : (tensor<2x3xf32>, tensor<2xi32>) -> tensor<f32>
  return %loss : tensor<f32>
}

//--- bitcast.mlir
// CHECK-BITCAST: error: 'arith.bitcast' op cannot be evaluated on 64-bit elements: the evaluator holds integers only up to 2^53; use 32 bits
func.func @loss() -> tensor<i64> {
  %x = arith.constant dense<1.0> : tensor<f64>
  %y = arith.bitcast %x : tensor<f64> to tensor<i64>
  return %y : tensor<i64>
}

//--- pad.mlir
// CHECK-PAD: error: 'tensor.pad' op can only be evaluated with static extents and a constant padding value
func.func @loss() -> tensor<3xf32> {
  %x = arith.constant dense<1.0> : tensor<2xf32>
  %p = tensor.pad %x low[0] high[1] {
  ^bb0(%i: index):
    %j = arith.index_cast %i : index to i32
    %v = arith.sitofp %j : i32 to f32
    tensor.yield %v : f32
  } : tensor<2xf32> to tensor<3xf32>
  return %p : tensor<3xf32>
}

//--- slice.mlir
// CHECK-SLICE: error: 'tensor.extract_slice' op cannot be evaluated with dynamic offsets, sizes or strides; make them static
func.func @loss() -> tensor<1xf32> {
  %x = arith.constant dense<1.0> : tensor<2xf32>
  %i = arith.constant 1 : index
  %s = tensor.extract_slice %x[%i] [1] [1] : tensor<2xf32> to tensor<1xf32>
  return %s : tensor<1xf32>
}

//--- insert.mlir
// CHECK-INSERT: error: 'tensor.insert_slice' op cannot be evaluated with dynamic offsets, sizes or strides; make them static
func.func @loss() -> tensor<2xf32> {
  %x = arith.constant dense<1.0> : tensor<2xf32>
  %y = arith.constant dense<2.0> : tensor<1xf32>
  %i = arith.constant 1 : index
  %s = tensor.insert_slice %y into %x[%i] [1] [1] : tensor<1xf32> into tensor<2xf32>
  return %s : tensor<2xf32>
}

//--- resource.mlir
// CHECK-RESOURCE: error: 'arith.constant' op cannot be evaluated: its value is not a dense, float or integer attribute
func.func @loss() -> tensor<1xf32> {
  %x = arith.constant dense_resource<blob> : tensor<1xf32>
  return %x : tensor<1xf32>
}
{-#
  dialect_resources: {
    builtin: {
      blob: "0x040000000000803F"
    }
  }
#-}
