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
