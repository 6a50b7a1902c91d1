// RUN: vernier-opt %s --split-input-file --train-expand-composites --canonicalize --cse --train-prepare-fusions --train-form-fusions --cse | FileCheck %s

// relu becomes the epilogue of the contraction before it.
// CHECK-LABEL: func @epilogue
// CHECK-NEXT: %[[Y:.*]] = train.linear %arg0, %arg1 {epilogue = #train<epilogue relu>}
// CHECK-NEXT: return %[[Y]]
func.func @epilogue(%x: tensor<8x16xf32>, %w: tensor<4x16xf32>) -> tensor<8x4xf32> {
  %h = train.linear %x, %w : (tensor<8x16xf32>, tensor<4x16xf32>) -> tensor<8x4xf32>
  %y = train.relu %h : tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

// A transpose of the last two dims becomes a flag.
// CHECK-LABEL: func @transpose
// CHECK-NEXT: train.matmul %arg0, %arg1 {transpose_rhs}
func.func @transpose(%a: tensor<8x16xf32>, %b: tensor<4x16xf32>) -> tensor<8x4xf32> {
  %t = train.transpose %b permutation = [1, 0] : tensor<4x16xf32> -> tensor<16x4xf32>
  %c = train.matmul %a, %t : (tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
  return %c : tensor<8x4xf32>
}

// -----

// Softmax is one fusion of rows: both reductions are over the last dim.
// CHECK-LABEL: func @softmax
// CHECK-NEXT: train.fusion rows rows = 8 cols = 10(%arg0) : (tensor<8x10xbf16>) -> tensor<8x10xbf16>
// CHECK: train.reduce max
// CHECK: train.reduce sum
// CHECK: return
func.func @softmax(%x: tensor<8x10xbf16>) -> tensor<8x10xbf16> {
  %y = train.softmax %x : (tensor<8x10xbf16>) -> tensor<8x10xbf16>
  return %y : tensor<8x10xbf16>
}

// -----

// Everything that an update changes is one flat fusion; the scalars it needs are
// another, of one element.
// CHECK-LABEL: func @update
// CHECK: %[[SCALARS:.*]]:2 = train.fusion flat rows = 1 cols = 1(%arg3, %arg2)
// CHECK: %[[NEW:.*]]:3 = train.fusion flat rows = 1 cols = 16(
// CHECK: return %[[NEW]]
func.func @update(%p: tensor<4x4xf32>, %g: tensor<4x4xbf16>, %lr: tensor<f32>, %t: tensor<i32>,
                  %m: tensor<4x4xf32>, %v: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) {
  %p1, %m1, %v1 = train.update #train.adam<> %p, %g, %lr, %t states(%m, %v) : (tensor<4x4xf32>, tensor<4x4xbf16>, tensor<f32>, tensor<i32>, tensor<4x4xf32>, tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>)
  return %p1, %m1, %v1 : tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>
}

// -----

// A bias gradient sums columns.
// CHECK-LABEL: func @bias_gradient
// CHECK-NEXT: train.fusion columns rows = 8 cols = 16(%arg0) : (tensor<8x16xbf16>) -> tensor<16xbf16>
func.func @bias_gradient(%g: tensor<8x16xbf16>) -> tensor<16xbf16> {
  %s = train.reduce sum %g dims = [0] : tensor<8x16xbf16> -> tensor<16xbf16>
  return %s : tensor<16xbf16>
}

// -----

// A mask is computed again where it is used instead of being stored; a gate and
// the update it guards are one fusion with several results.
// CHECK-LABEL: func @gated
// CHECK-NEXT: %[[NEW:.*]]:3 = train.fusion flat rows = 1 cols = 64(
// CHECK-NOT: train.fusion
// CHECK: return %[[NEW]]#0, %[[NEW]]#1, %[[NEW]]#2
func.func @gated(%ok: tensor<i1>, %p: tensor<64xf32>, %m: tensor<64xf32>, %g: tensor<64xf32>)
    -> (tensor<64xf32>, tensor<64xf32>, tensor<64xbf16>) {
  %m1 = arith.addf %m, %g : tensor<64xf32>
  %p1 = arith.subf %p, %m1 : tensor<64xf32>
  %gm = amp.gate %ok, %m, %m1 : tensor<i1>, tensor<64xf32>
  %gp = amp.gate %ok, %p, %p1 : tensor<i1>, tensor<64xf32>
  %copy = arith.truncf %gp : tensor<64xf32> to tensor<64xbf16>
  return %gm, %gp, %copy : tensor<64xf32>, tensor<64xf32>, tensor<64xbf16>
}

// -----

// A cheap op is computed in both of its readers, whose kernels cannot be one; an
// exponential is computed once and stored.
// CHECK-LABEL: func @recompute
// CHECK: %[[E:.*]]:2 = train.fusion flat rows = 1 cols = 128(%arg0)
// CHECK: math.exp
// CHECK: train.matmul
// CHECK: train.fusion flat rows = 1 cols = 128(%arg0, %{{.*}}, %[[E]]#{{[01]}})
// CHECK: arith.extf
// CHECK-NOT: math.exp
// CHECK: return
func.func @recompute(%x: tensor<8x16xbf16>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
  %wide = arith.extf %x : tensor<8x16xbf16> to tensor<8x16xf32>
  %e = math.exp %wide : tensor<8x16xf32>
  %h = arith.addf %e, %wide : tensor<8x16xf32>
  %y = train.matmul %h, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %s = arith.mulf %y, %e : tensor<8x16xf32>
  %r = arith.addf %s, %wide : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// -----

// What is computed again is rounded again: both kernels see the bf16 values that
// the IR says, not the f32 ones they come from.
// CHECK-LABEL: func @recompute_rounded
// CHECK: train.fusion flat rows = 1 cols = 128(%arg0) : (tensor<8x16xf32>)
// CHECK: %[[A:.*]] = arith.truncf %{{.*}} : tensor<8x16xf32> to tensor<8x16xbf16>
// CHECK: arith.extf %[[A]]
// CHECK: train.matmul
// CHECK: train.fusion flat rows = 1 cols = 128(%arg0, %{{.*}}) : (tensor<8x16xf32>, tensor<8x16xf32>)
// CHECK: %[[B:.*]] = arith.truncf %{{.*}} : tensor<8x16xf32> to tensor<8x16xbf16>
// CHECK: arith.extf %[[B]]
// CHECK: return
func.func @recompute_rounded(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
  %n = arith.truncf %x : tensor<8x16xf32> to tensor<8x16xbf16>
  %wide = arith.extf %n : tensor<8x16xbf16> to tensor<8x16xf32>
  %h = arith.negf %wide : tensor<8x16xf32>
  %y = train.matmul %h, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  %r = arith.addf %y, %wide : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}

// -----

// The 16-bit copy of a parameter is a result of the kernel that updates it.
// CHECK-LABEL: func @update_copy
// CHECK: %[[NEW:.*]]:2 = train.fusion flat rows = 1 cols = 16({{.*}}%arg0) : {{.*}} -> (tensor<4x4xf32>, tensor<4x4xbf16>)
// CHECK: return %[[NEW]]#0, %[[NEW]]#1
func.func @update_copy(%p: tensor<4x4xf32>, %g: tensor<4x4xbf16>, %lr: tensor<f32>, %t: tensor<i32>) -> (tensor<4x4xf32>, tensor<4x4xbf16>) {
  %p1 = train.update #train.sgd<> %p, %g, %lr, %t : (tensor<4x4xf32>, tensor<4x4xbf16>, tensor<f32>, tensor<i32>) -> tensor<4x4xf32>
  %copy = arith.truncf %p1 : tensor<4x4xf32> to tensor<4x4xbf16>
  return %p1, %copy : tensor<4x4xf32>, tensor<4x4xbf16>
}

// -----

// A reduction over dims in the middle is one over the last dims of a transpose.
// CHECK-LABEL: func @middle
// CHECK-NEXT: %[[T:.*]] = train.transpose %arg0 permutation = [0, 2, 1]
// CHECK-NEXT: train.fusion rows rows = 20 cols = 3(%[[T]])
func.func @middle(%x: tensor<4x3x5xf32>) -> tensor<4x5xf32> {
  %s = train.reduce sum %x dims = [1] : tensor<4x3x5xf32> -> tensor<4x5xf32>
  return %s : tensor<4x5xf32>
}

// -----

// Two readers of one gradient that reduce it share a pass over it.
// CHECK-LABEL: func @gradient_checks
// CHECK: %{{.*}}:2 = train.fusion rows rows = 8 cols = 1024(%arg0)
// CHECK: train.fusion rows rows = 1 cols = 8(
func.func @gradient_checks(%g: tensor<8x1024xbf16>) -> (tensor<i1>, tensor<f32>) {
  %ok = amp.all_finite %g : (tensor<8x1024xbf16>) -> tensor<i1>
  %c, %norm = train.clip_by_global_norm %g {max_norm = 1.0 : f64} : (tensor<8x1024xbf16>) -> (tensor<8x1024xf32>, tensor<f32>)
  return %ok, %norm : tensor<i1>, tensor<f32>
}

// -----

// A gradient that a kernel computes is checked there; one that a contraction writes
// is read once more for its check. Both are unscaled where they are used.
// CHECK-LABEL: func @checked_where_written
// CHECK: %[[G:.*]] = train.matmul %arg1, %arg2
// CHECK: %[[E:.*]]:2 = train.fusion rows rows = 8 cols = 1024(%arg0) : (tensor<8x1024xf16>) -> (tensor<8x1024xf16>, tensor<8xf32>)
// CHECK: train.fusion rows rows = 8 cols = 1024(%[[G]]) : (tensor<8x1024xf16>) -> tensor<8xf32>
// CHECK: train.fusion flat rows = 1 cols = 8192({{.*}}%[[E]]#0{{.*}}) : {{.*}} -> tensor<8x1024xf32>
func.func @checked_where_written(%x: tensor<8x1024xf16>, %a: tensor<8x16xf16>, %b: tensor<16x1024xf16>, %scale: tensor<f32>)
    -> (tensor<i1>, tensor<8x1024xf32>) {
  %e = math.exp %x : tensor<8x1024xf16>
  %g = train.matmul %a, %b : (tensor<8x16xf16>, tensor<16x1024xf16>) -> tensor<8x1024xf16>
  %ok = amp.all_finite %e, %g : (tensor<8x1024xf16>, tensor<8x1024xf16>) -> tensor<i1>
  %ue = amp.unscale %e, %scale : (tensor<8x1024xf16>, tensor<f32>) -> tensor<8x1024xf32>
  %ug = amp.unscale %g, %scale : (tensor<8x1024xf16>, tensor<f32>) -> tensor<8x1024xf32>
  %sum = arith.addf %ue, %ug : tensor<8x1024xf32>
  return %ok, %sum : tensor<i1>, tensor<8x1024xf32>
}

// -----

// Reshapes move out of the way of fusions, to what is in memory.
// CHECK-LABEL: func @reshape
// CHECK-NEXT: %[[V:.*]] = tensor.collapse_shape %arg0
// CHECK-NEXT: train.fusion flat rows = 1 cols = 128(%[[V]], %arg1)
// CHECK-NOT: train.fusion
// CHECK: return
func.func @reshape(%x: tensor<2x8x8xbf16>, %y: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %wide = arith.extf %x : tensor<2x8x8xbf16> to tensor<2x8x8xf32>
  %e = math.exp %wide : tensor<2x8x8xf32>
  %v = tensor.collapse_shape %e [[0, 1], [2]] : tensor<2x8x8xf32> into tensor<16x8xf32>
  %z = arith.addf %v, %y : tensor<16x8xf32>
  return %z : tensor<16x8xf32>
}

// -----

// The maximum over the middle dim is one for each row of the transpose, of the
// same shape; what repeats it along another dim reads it from memory.
// CHECK-LABEL: func @reduced_and_kept_extents_agree
// CHECK: %[[T:.*]] = train.transpose %arg0
// CHECK: %[[M:.*]] = train.fusion rows rows = 512 cols = 64(%[[T]]) : (tensor<8x64x64xf32>) -> tensor<8x64xf32>
// CHECK: train.fusion rows {{.*}}(%[[M]], %arg0)
func.func @reduced_and_kept_extents_agree(%a: tensor<8x64x64xf32>) -> tensor<8x64x64xf32> {
  %m = train.reduce max %a dims = [1] : tensor<8x64x64xf32> -> tensor<8x64xf32>
  %mb = train.broadcast %m dims = [0, 2] : tensor<8x64xf32> -> tensor<8x64x64xf32>
  %d = arith.subf %a, %mb : tensor<8x64x64xf32>
  return %d : tensor<8x64x64xf32>
}

// -----

// In a square, sums of rows repeated as a row are no sums of columns.
// CHECK-LABEL: func @square
// CHECK: train.fusion rows rows = 16 cols = 16(%arg0) : (tensor<16x16xf32>) -> tensor<16xf32>
// CHECK: train.fusion rows
func.func @square(%a: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %s = train.reduce sum %a dims = [1] : tensor<16x16xf32> -> tensor<16xf32>
  %b = train.broadcast %s dims = [1] : tensor<16xf32> -> tensor<16x16xf32>
  %d = arith.subf %a, %b : tensor<16x16xf32>
  return %d : tensor<16x16xf32>
}
