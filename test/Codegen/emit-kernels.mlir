// RUN: vernier-opt %s --emit-kernels | FileCheck %s --implicit-check-not="llvm.call " --implicit-check-not=expf
// RUN: vernier-opt %s --attach-target=target=cpu:x86-64-v4 --emit-kernels | FileCheck %s --check-prefix=WIDE
// RUN: vernier-opt %s --emit-kernels="lower=false" | FileCheck %s --check-prefix=TREE

// Two vectors in a step, and what they leave of 136 elements behind the loop.
// CHECK-LABEL: llvm.func @exponential(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64)
// CHECK: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
// CHECK: llvm.intr.fma({{.*}}) : (vector<16xf32>, vector<16xf32>, vector<16xf32>) -> vector<16xf32>
// CHECK: llvm.store %{{.*}} {alignment = 4 : i64} : vector<16xf32>, !llvm.ptr
// CHECK: llvm.load %{{.*}} : !llvm.ptr -> vector<8xf32>
// CHECK: llvm.return
// WIDE-LABEL: llvm.func @exponential
// WIDE: !llvm.ptr -> vector<32xf32>
func.func @exponential(%x: tensor<8x17xf32>) -> tensor<8x17xf32> {
  %y = train.fusion flat rows = 1 cols = 136 (%x) : (tensor<8x17xf32>) -> tensor<8x17xf32> {
  ^bb0(%a: tensor<8x17xf32>):
    %e = math.exp %a : tensor<8x17xf32>
    train.yield %e : tensor<8x17xf32>
  }
  return %y : tensor<8x17xf32>
}

// bf16 in memory is f32 in registers; the row's sum is a scalar that is stored
// once.
// CHECK-LABEL: llvm.func @row_sums
// CHECK: llvm.load %{{.*}} {alignment = 2 : i64} : !llvm.ptr -> vector<16xi16>
// CHECK: llvm.shl %{{.*}} : vector<16xi32>
// CHECK: llvm.fadd %{{.*}} : vector<16xf32>
// CHECK: llvm.shufflevector %{{.*}} [0, 1, 2, 3, 4, 5, 6, 7] : vector<16xf32>
// CHECK: llvm.fadd %{{.*}} : vector<8xf32>
// CHECK: llvm.fadd %{{.*}} : f32
// CHECK: llvm.store %{{.*}} {alignment = 4 : i64} : f32, !llvm.ptr
func.func @row_sums(%x: tensor<8x64xbf16>) -> tensor<8xf32> {
  %y = train.fusion rows rows = 8 cols = 64 (%x) : (tensor<8x64xbf16>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8x64xbf16>):
    %s = train.reduce sum %a dims = [1] : tensor<8x64xbf16> -> tensor<8xf32>
    train.yield %s : tensor<8xf32>
  }
  return %y : tensor<8xf32>
}

// A block of columns keeps its sums in registers all the way down.
// CHECK-LABEL: llvm.func @column_sums
// CHECK: ^bb{{[0-9]+}}(%{{.*}}: i64, %{{.*}}: vector<32xf32>, %{{.*}}: vector<32xf32>):
// CHECK: llvm.store %{{.*}} : vector<32xf32>, !llvm.ptr
func.func @column_sums(%x: tensor<8x64xf32>) -> tensor<64xf32> {
  %y = train.fusion columns rows = 8 cols = 64 (%x) : (tensor<8x64xf32>) -> tensor<64xf32> {
  ^bb0(%a: tensor<8x64xf32>):
    %s = train.reduce sum %a dims = [0] : tensor<8x64xf32> -> tensor<64xf32>
    train.yield %s : tensor<64xf32>
  }
  return %y : tensor<64xf32>
}

// A long sum is a tree: chunks of 64 steps, added 16 by 16 at each level. 65,600 rows
// need three levels, of which the last is one chunk longer than a power.
// TREE-LABEL: @long_column_sums
// TREE: scf.for %[[A:.*]] = {{.*}} step %c16384_i64 iter_args
// TREE: scf.for %[[B:.*]] = %[[A]] to {{.*}} step %c1024_i64 iter_args
// TREE: scf.for %[[C:.*]] = %[[B]] to {{.*}} step %c64_i64 iter_args
// TREE: scf.for %{{.*}} = %[[C]] to {{.*}} step %c1_i64{{.*}} iter_args({{.*}}, {{.*}})
// TREE-NOT: scf.for
// TREE: llvm.return
func.func @long_column_sums(%x: tensor<65600x32xf32>) -> tensor<32xf32> {
  %y = train.fusion columns rows = 65600 cols = 32 (%x) : (tensor<65600x32xf32>) -> tensor<32xf32> {
  ^bb0(%a: tensor<65600x32xf32>):
    %s = train.reduce sum %a dims = [0] : tensor<65600x32xf32> -> tensor<32xf32>
    train.yield %s : tensor<32xf32>
  }
  return %y : tensor<32xf32>
}

// Rows of 13 of 16: both tensors are walked along 16 elements a row, and three zeros are
// written behind the 13.
// CHECK-LABEL: llvm.func @padded_rows
// CHECK: %[[SIXTEEN:.*]] = llvm.mlir.constant(16 : i64)
// CHECK: llvm.mul %{{.*}}, %[[SIXTEEN]]
// CHECK: llvm.store %{{.*}} {{.*}} vector<13x{{[if]}}32>
// CHECK: llvm.store %{{.*}} {{.*}} vector<3x{{[if]}}32>
// CHECK: llvm.return
func.func @padded_rows(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
  %y = train.fusion rows rows = 8 cols = 13 (%x) : (tensor<8x16xf32>) -> tensor<8x16xf32> {
  ^bb0(%a: tensor<8x16xf32>):
    %zero = arith.constant 0.0 : f32
    %s = tensor.extract_slice %a[0, 0] [8, 13] [1, 1] : tensor<8x16xf32> to tensor<8x13xf32>
    %e = arith.addf %s, %s : tensor<8x13xf32>
    %p = tensor.pad %e low[0, 0] high[0, 3] {
    ^bb1(%i: index, %j: index):
      tensor.yield %zero : f32
    } : tensor<8x13xf32> to tensor<8x16xf32>
    train.yield %p : tensor<8x16xf32>
  }
  return %y : tensor<8x16xf32>
}
