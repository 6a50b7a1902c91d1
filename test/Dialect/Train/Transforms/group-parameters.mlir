// RUN: vernier-opt %s --train-group-parameters="group=head parameters={head.*} settings={optimizer=sgd lr=0.5 momentum=0.9}" | FileCheck %s
// RUN: vernier-opt %s --train-group-parameters="group=head parameters={head.*} settings={optimizer=sgd lr=0.5 momentum=0.9 clip-norm=1 clip-scope=group}" --train-attach-optimizer="lr=0.001 ema-decay=0.75" | FileCheck %s --check-prefix=STEP

// Whole names match; what is not trained has no optimizer, and what the model
// assigned stays.
// CHECK: @body{{.*}} {train.role = "parameter"}
// CHECK: @head{{.*}} {train.optimizer = {group = "head", lr = 5.000000e-01 : f64, momentum = {{.*}} : f64, optimizer = "sgd"}, train.role = "parameter"}
// CHECK: @ahead{{.*}} {train.role = "parameter"}
// CHECK: @head.table{{.*}} {train.role = "frozen"}
// CHECK: @head.own{{.*}} {train.optimizer = {group = "own"}, train.role = "parameter"}
ml_program.global private mutable @body(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @head(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @ahead(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @head.table(#train.constant<1.0>) : tensor<4xf32> {train.role = "frozen"}
ml_program.global private mutable @head.own(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter", train.optimizer = {group = "own"}}

// Each group has its states, its counter, its learning rate, its clipping; all
// belong to it by train.group. One reverse mode serves all.
// STEP-DAG: @body({{.*}} {train.group = "default", train.role = "parameter"}
// STEP-DAG: @body.m({{.*}} {train.group = "default", train.role = "moment"}
// STEP-DAG: @body.ema({{.*}} {train.group = "default", train.role = "statistic"}
// STEP-DAG: @train.step({{.*}} {train.group = "default", train.role = "counter"}
// STEP-DAG: @head.momentum({{.*}} {train.group = "head", train.role = "moment"}
// STEP-DAG: @train.step.head({{.*}} {train.group = "head", train.role = "counter"}
// STEP-DAG: @train.step.own({{.*}} {train.group = "own", train.role = "counter"}
// STEP: func.func @step
// STEP-SAME: {train.name = "learning_rate"}
// STEP-SAME: {train.name = "learning_rate.head"}
// STEP-SAME: {train.name = "learning_rate.own"}
// STEP-SAME: {train.name = "grad_norm.head"}
// STEP-SAME: {train.name = "clip_factor.head"}
// STEP: %[[G:.*]]:5 = train.gradient @loss({{.*}}) wrt [@body, @ahead, @head, @head.own]
// STEP: %[[C:.*]], %{{.*}} = train.clip_by_global_norm %[[G]]#3
// STEP: train.update #train.adamw<{{.*}} %[[G]]#1,
// The average of a parameter follows its new value.
// STEP: ml_program.global_load @body.ema
// STEP: arith.subf
// STEP: arith.mulf
// STEP: arith.addf
// STEP: ml_program.global_store @body.ema
// STEP: %[[N:.*]] = ml_program.global_load @train.step.head
// STEP: train.learning_rate {{.*}} {base = 5.000000e-01 : f64}
// STEP: train.update #train.sgd<{{.*}} %[[C]],
func.func @loss(%x: tensor<4xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
  %body = ml_program.global_load @body : tensor<4xf32>
  %head = ml_program.global_load @head : tensor<4xf32>
  %ahead = ml_program.global_load @ahead : tensor<4xf32>
  %own = ml_program.global_load @head.own : tensor<4xf32>
  %0 = arith.mulf %body, %head : tensor<4xf32>
  %1 = arith.mulf %ahead, %own : tensor<4xf32>
  %2 = arith.addf %0, %1 : tensor<4xf32>
  %loss = train.mse_loss %2, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
