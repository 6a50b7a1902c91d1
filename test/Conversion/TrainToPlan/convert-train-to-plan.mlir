// RUN: vernier-opt --convert-train-to-plan -split-input-file %s | FileCheck %s

// A contraction becomes a library call, a fusion a launch of a kernel that moves
// to @kernels; names of arguments and results become ports.
// CHECK: plan.state @w role "parameter" : !plan.buffer<4x8xf32> {init = #train.constant<1.000000e+00>}
// CHECK-LABEL: plan.entry @predict
// CHECK: %[[X:.*]] = plan.input "x" : <2x8xf32>
// CHECK: %[[W:.*]] = plan.state_buffer @w
// CHECK: %[[Y:.*]] = plan.alloc : <2x4xf32>
// CHECK: plan.matmul %[[X]], %[[W]] to %[[Y]] batch = 1 m = 2 n = 4 k = 8
// CHECK-SAME: lhs_ld = 8 : i64, result_ld = 4 : i64, rhs_ld = 8 : i64, shared_rhs
// CHECK-SAME: transpose_rhs
// CHECK: %[[E:.*]] = plan.alloc : <2x4xf32>
// CHECK: plan.launch "predict_0"(%[[Y]]) to(%[[E]]) grid = 8
// CHECK: plan.output "y" %[[E]]
// CHECK: module @kernels
// CHECK: func.func @predict_0(%{{.*}}: tensor<2x4xf32>) -> tensor<2x4xf32>
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<4x8xf32> {train.role = "parameter"}
func.func @predict(%x: tensor<2x8xf32> {train.name = "x"}) -> (tensor<2x4xf32> {train.name = "y"}) {
  %w = ml_program.global_load @w : tensor<4x8xf32>
  %y = train.linear %x, %w : (tensor<2x8xf32>, tensor<4x8xf32>) -> tensor<2x4xf32>
  %e = train.fusion flat rows = 1 cols = 8 (%y) : (tensor<2x4xf32>) -> tensor<2x4xf32> {
  ^bb0(%a: tensor<2x4xf32>):
    %0 = math.exp %a : tensor<2x4xf32>
    train.yield %0 : tensor<2x4xf32>
  }
  return %e : tensor<2x4xf32>
}

// -----

// An elementwise update goes straight into the state, and its old value is
// nowhere copied.
// CHECK-LABEL: plan.entry @step
// CHECK: %[[OLD:.*]] = plan.state_buffer @w
// CHECK: %[[NEW:.*]] = plan.state_buffer @w
// CHECK: plan.launch "step_0"(%[[OLD]]) to(%[[NEW]])
// CHECK-NOT: plan.copy
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<8xf32> {train.role = "parameter"}
func.func @step() {
  %w = ml_program.global_load @w : tensor<8xf32>
  %n = train.fusion flat rows = 1 cols = 8 (%w) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    %0 = arith.negf %a : tensor<8xf32>
    train.yield %0 : tensor<8xf32>
  }
  ml_program.global_store @w = %n : tensor<8xf32>
  return
}

// -----

// The old value is returned after the store: the new one is copied in last, and
// the old one kept aside.
// CHECK-LABEL: plan.entry @step
// CHECK: %[[OLD:.*]] = plan.state_buffer @w
// CHECK: %[[KEPT:.*]] = plan.alloc
// CHECK: plan.copy %[[OLD]] to %[[KEPT]]
// CHECK: %[[N:.*]] = plan.alloc
// CHECK: plan.launch "step_0"(%[[KEPT]]) to(%[[N]])
// CHECK: %[[STATE:.*]] = plan.state_buffer @w
// CHECK: plan.copy %[[N]] to %[[STATE]]
// CHECK: plan.output "old" %[[KEPT]]
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<8xf32> {train.role = "parameter"}
func.func @step() -> (tensor<8xf32> {train.name = "old"}) {
  %w = ml_program.global_load @w : tensor<8xf32>
  %n = train.fusion flat rows = 1 cols = 8 (%w) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    %0 = arith.negf %a : tensor<8xf32>
    train.yield %0 : tensor<8xf32>
  }
  ml_program.global_store @w = %n : tensor<8xf32>
  return %w : tensor<8xf32>
}

// -----

// Labels know their number of classes, and equal fusions share a kernel.
// CHECK-LABEL: plan.entry @loss
// CHECK: plan.input "label" : <4xi32> {classes = 10 : i64}
// CHECK: plan.launch "loss_0"
// CHECK: plan.launch "loss_0"
// CHECK: module @kernels
// CHECK-COUNT-1: func.func
// CHECK-NOT: func.func
func.func @loss(%y: tensor<4xi32> {train.name = "label"}) -> (tensor<4x10xf32>, tensor<4x10xf32>) {
  %a = train.fusion rows rows = 4 cols = 10 (%y) : (tensor<4xi32>) -> tensor<4x10xf32> {
  ^bb0(%l: tensor<4xi32>):
    %0 = train.one_hot %l : tensor<4xi32> -> tensor<4x10xf32>
    train.yield %0 : tensor<4x10xf32>
  }
  %b = train.fusion rows rows = 4 cols = 10 (%y) : (tensor<4xi32>) -> tensor<4x10xf32> {
  ^bb0(%l: tensor<4xi32>):
    %0 = train.one_hot %l : tensor<4xi32> -> tensor<4x10xf32>
    train.yield %0 : tensor<4x10xf32>
  }
  return %a, %b : tensor<4x10xf32>, tensor<4x10xf32>
}

// -----

// Zero padding and its removal are copies into another size.
// CHECK-LABEL: plan.entry @predict
// CHECK: %[[X:.*]] = plan.input "arg0"
// CHECK: %[[P:.*]] = plan.alloc : <3x8xf32>
// CHECK: plan.copy %[[X]] to %[[P]] : <3x7xf32> to <3x8xf32>
// CHECK: %[[S:.*]] = plan.alloc : <2x5xf32>
// CHECK: plan.copy %[[P]] to %[[S]] : <3x8xf32> to <2x5xf32>
func.func @predict(%x: tensor<3x7xf32>) -> tensor<2x5xf32> {
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 0] high[0, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<3x7xf32> to tensor<3x8xf32>
  %s = tensor.extract_slice %p[0, 0] [2, 5] [1, 1] : tensor<3x8xf32> to tensor<2x5xf32>
  return %s : tensor<2x5xf32>
}

// -----

// A convolution and both of its gradients are one call each, on an eighth of the
// images at a time.
// CHECK-LABEL: plan.entry @step
// CHECK: plan.convolution "output" %[[X:.*]], %[[W:.*]], %[[Y:.*]] : <16x8x8x4xf32>, <6x3x3x4xf32>, <16x8x8x6xf32>
// CHECK-SAME: tile = 2 : i64
// CHECK: plan.convolution "image" %[[DX:.*]], %[[W]], %[[Y]]
// CHECK: plan.convolution "weight" %[[X]], %[[DW:.*]], %[[Y]]
func.func @step(%x: tensor<16x8x8x4xf32>, %w: tensor<6x3x3x4xf32>) -> (tensor<16x8x8x4xf32>, tensor<6x3x3x4xf32>) {
  %y = train.conv2d %x, %w padding = [1, 1, 1, 1] : (tensor<16x8x8x4xf32>, tensor<6x3x3x4xf32>) -> tensor<16x8x8x6xf32>
  %dx = train.conv2d_input_gradient %y, %w padding = [1, 1, 1, 1] : (tensor<16x8x8x6xf32>, tensor<6x3x3x4xf32>) -> tensor<16x8x8x4xf32>
  %dw = train.conv2d_weight_gradient %x, %y padding = [1, 1, 1, 1] : (tensor<16x8x8x4xf32>, tensor<16x8x8x6xf32>) -> tensor<6x3x3x4xf32>
  return %dx, %dw : tensor<16x8x8x4xf32>, tensor<6x3x3x4xf32>
}

// -----

// The gradient of max reads the image too.
// CHECK-LABEL: plan.entry @predict
// CHECK: plan.pool "max" %[[X:.*]] to %[[Y:.*]] : <2x8x8x3xf32> to <2x4x4x3xf32>
// CHECK: plan.pool "max" %[[Y]] image %[[X]] to
// CHECK-SAME: gradient
func.func @predict(%x: tensor<2x8x8x3xf32>) -> tensor<2x8x8x3xf32> {
  %y = train.pool2d max %x window = [2, 2] strides = [2, 2] : tensor<2x8x8x3xf32> -> tensor<2x4x4x3xf32>
  %dx = train.pool2d_gradient max %y, %x window = [2, 2] strides = [2, 2] : (tensor<2x4x4x3xf32>, tensor<2x8x8x3xf32>) -> tensor<2x8x8x3xf32>
  return %dx : tensor<2x8x8x3xf32>
}

// -----

// Indices are data in the range of the table's rows.
// CHECK-LABEL: plan.entry @predict
// CHECK: %[[I:.*]] = plan.input "arg1" : <4xi32> {classes = 9 : i64}
// CHECK: plan.gather %{{.*}}, %[[I]] to %[[Y:.*]] rows = 9
// CHECK: plan.gather %[[Y]], %[[I]] to %{{.*}} rows = 9 {{.*}} {add}
func.func @predict(%t: tensor<9x2xf32>, %i: tensor<4xi32>) -> tensor<9x2xf32> {
  %y = train.gather %t, %i : (tensor<9x2xf32>, tensor<4xi32>) -> tensor<4x2xf32>
  %s = train.scatter_add %y, %i : (tensor<4x2xf32>, tensor<4xi32>) -> tensor<9x2xf32>
  return %s : tensor<9x2xf32>
}

// -----

// What is joined is copied to its place, and cut out of it again.
// CHECK-LABEL: plan.entry @predict
// CHECK: plan.copy %{{.*}} to %[[Y:[0-9]+]] offset = [0, 0] : <2x3xf32> to <2x7xf32> {keep}
// CHECK: plan.copy %{{.*}} to %[[Y]] offset = [0, -3] : <2x4xf32> to <2x7xf32> {keep}
// CHECK: plan.copy %[[Y]] to %{{.*}} offset = [1, 2] : <2x7xf32> to <1x3xf32>
func.func @predict(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>) -> tensor<1x3xf32> {
  %y = tensor.concat dim(1) %a, %b : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>
  %s = tensor.extract_slice %y[1, 2] [1, 3] [1, 1] : tensor<2x7xf32> to tensor<1x3xf32>
  return %s : tensor<1x3xf32>
}

// A contraction reads real rows of padded ones by its leading dimensions, and rows that
// come first are a view: neither is a copy.
// CHECK-LABEL: plan.entry @strided
// CHECK-NOT: plan.copy
// CHECK: plan.matmul %[[X:.*]], %[[W:.*]] to %{{.*}} batch = 1 m = 6 n = 9 k = 13 : <2x3x16xf32>, <16x16xf32> to <2x3x9xf32> {lhs_ld = 16 : i64, result_ld = 9 : i64, rhs_ld = 16 : i64
// CHECK: plan.view %{{.*}} : <16x16xf32> to <9x16xf32>
// CHECK-NOT: plan.copy
func.func @strided(%x: tensor<2x3x16xf32>, %w: tensor<16x16xf32>) -> (tensor<2x3x9xf32>, tensor<9x16xf32>) {
  %a = tensor.extract_slice %x[0, 0, 0] [2, 3, 13] [1, 1, 1] : tensor<2x3x16xf32> to tensor<2x3x13xf32>
  %b = tensor.extract_slice %w[0, 0] [9, 13] [1, 1] : tensor<16x16xf32> to tensor<9x13xf32>
  %y = train.linear %a, %b : (tensor<2x3x13xf32>, tensor<9x13xf32>) -> tensor<2x3x9xf32>
  %v = tensor.extract_slice %w[0, 0] [9, 16] [1, 1] : tensor<16x16xf32> to tensor<9x16xf32>
  return %y, %v : tensor<2x3x9xf32>, tensor<9x16xf32>
}

// -----

// The loss is called so if nothing else says it, other results by their number.
// CHECK-LABEL: plan.entry @loss
// CHECK: plan.output "loss" %[[X:.*]]
// CHECK: plan.output "result1" %[[X]]
func.func @loss(%x: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  return %x, %x : tensor<f32>, tensor<f32>
}
