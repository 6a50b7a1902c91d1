// RUN: vernier-opt %s --train-evaluation-mode | FileCheck %s
// RUN: vernier-opt %s --train-evaluation-mode --remarks-filter=train-evaluation-mode \
// RUN:   --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK

ml_program.global private mutable @mean(#train.constant<0.0>) : tensor<4xf32> {train.role = "statistic"}
ml_program.global private mutable @var(#train.constant<1.0>) : tensor<4xf32> {train.role = "statistic"}
ml_program.global private mutable @drops(dense<0> : tensor<i32>) : tensor<i32> {train.role = "counter"}

// In @loss, batch norm takes the running statistics and keeps its precision,
// dropout is at most a cast, and neither statistics nor counter are stored.
// CHECK-LABEL: func.func @loss
// CHECK-NEXT: %[[MEAN:.*]] = ml_program.global_load @mean
// CHECK-NEXT: %[[VAR:.*]] = ml_program.global_load @var
// CHECK-NEXT: %[[N:.*]] = train.batch_norm_inference %arg0, %arg1, %arg2, %[[MEAN]], %[[VAR]] {amp.precision = #amp.precision<operand = f32, accumulate = f32, result = bf16, rule = "vernier/train.batch_norm: full-inside", reason = "normalises">, epsilon = 1.000000e-03 : f64}
// CHECK-NEXT: %[[Y:.*]] = arith.extf %[[N]] : tensor<8x4xbf16> to tensor<8x4xf32>
// CHECK-NEXT: return %[[Y]]
// REMARK: evaluation-mode.mlir:22:16: remark: [Passed] evaluation | Category:train-evaluation-mode | Function=loss | Remark="'train.batch_norm' is 'train.batch_norm_inference' in evaluation
// REMARK: evaluation leaves '@mean' as it is; only @step changes it
func.func @loss(%x: tensor<8x4xf32>, %g: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<8x4xf32> {
  %mean = ml_program.global_load @mean : tensor<4xf32>
  %var = ml_program.global_load @var : tensor<4xf32>
  %n, %m, %v = train.batch_norm %x, %g, %b, %mean, %var {epsilon = 1.0e-3 : f64, amp.precision = #amp.precision<operand = f32, accumulate = f32, result = bf16, rule = "vernier/train.batch_norm: full-inside", reason = "normalises">} : (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<8x4xbf16>, tensor<4xf32>, tensor<4xf32>)
  ml_program.global_store @mean = %m : tensor<4xf32>
  ml_program.global_store @var = %v : tensor<4xf32>
  %drops = ml_program.global_load @drops : tensor<i32>
  %y = train.dropout %n step %drops {rate = 0.5 : f64, seed = 1 : i32} : (tensor<8x4xbf16>, tensor<i32>) -> tensor<8x4xf32>
  %one = arith.constant dense<1> : tensor<i32>
  %next = arith.addi %drops, %one : tensor<i32>
  ml_program.global_store @drops = %next : tensor<i32>
  return %y : tensor<8x4xf32>
}

// Dropout of one type is its operand.
// CHECK-LABEL: func.func @predict
// CHECK-NEXT: return %arg0
// REMARK: 'train.dropout' is its operand in evaluation
func.func @predict(%x: tensor<8xf32>) -> tensor<8xf32> {
  %drops = ml_program.global_load @drops : tensor<i32>
  %y = train.dropout %x step %drops {rate = 0.5 : f64, seed = 1 : i32} : (tensor<8xf32>, tensor<i32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}

// The step trains as it did.
// CHECK-LABEL: func.func @step
// CHECK: train.dropout
// CHECK: ml_program.global_store @drops
func.func @step(%x: tensor<8xf32>) -> tensor<8xf32> {
  %drops = ml_program.global_load @drops : tensor<i32>
  %y = train.dropout %x step %drops {rate = 0.5 : f64, seed = 1 : i32} : (tensor<8xf32>, tensor<i32>) -> tensor<8xf32>
  ml_program.global_store @drops = %drops : tensor<i32>
  return %y : tensor<8xf32>
}
