// RUN: vernier-opt %s --split-input-file --train-attach-optimizer="optimizer=sgd lr=0.1" | FileCheck %s --check-prefix=SGD
// RUN: vernier-opt %s --split-input-file --train-attach-optimizer="optimizer=sgd momentum=0.9 nesterov weight-decay=0.5" | FileCheck %s --check-prefix=MOMENTUM
// RUN: vernier-opt %s --split-input-file --train-attach-optimizer="clip-norm=1 schedule=cosine warmup-steps=10 total-steps=100 final-lr=1e-5" | FileCheck %s --check-prefix=ADAMW

// The step takes the loss's data, gives its results and then the learning rate;
// the counter holds the number of steps done and the update is given the number
// of this one.
// SGD-LABEL: module @two_parameters
// SGD: ml_program.global private mutable @train.step(dense<0> : tensor<i32>) : tensor<i32> {train.role = "counter"}
// SGD: func.func @step(%[[X:.*]]: tensor<8x4xf32> {train.name = "x"})
// SGD-SAME: -> (tensor<f32> {train.name = "loss"}, tensor<8x2xf32> {train.name = "y"}, tensor<f32> {train.name = "learning_rate"})
// SGD: %[[OUT:.*]]:4 = train.gradient @loss(%[[X]]) wrt [@w, @b]
// SGD: %[[DONE:.*]] = ml_program.global_load @train.step
// SGD: %[[STEP:.*]] = arith.addi %[[DONE]]
// SGD: ml_program.global_store @train.step = %[[STEP]]
// SGD: %[[RATE:.*]] = train.learning_rate %[[STEP]] {base = 1.000000e-01 : f64}
// SGD: %[[W:.*]] = ml_program.global_load @w
// SGD: %[[NEW:.*]] = train.update #train.sgd<> %[[W]], %[[OUT]]#2, %[[RATE]], %[[STEP]] :
// SGD: ml_program.global_store @w = %[[NEW]]
// SGD: ml_program.global_store @b
// SGD: return %[[OUT]]#0, %[[OUT]]#1, %[[RATE]]

// SGD's buffer is the parameter's momentum.
// MOMENTUM-LABEL: module @two_parameters
// MOMENTUM: ml_program.global private mutable @w.momentum(#train.constant<0.000000e+00>) : tensor<2x4xf32> {train.role = "moment"}
// MOMENTUM: train.update {{.*}}momentum = {{.*}}weightDecay = {{.*}}nesterov = true{{.*}} states(
// MOMENTUM: ml_program.global_store @w.momentum

// Clipped gradients reach AdamW; their norm and what they were multiplied by are
// results. Frozen globals are not trained.
// ADAMW-LABEL: module @two_parameters
// ADAMW-DAG: @w.m(
// ADAMW-DAG: @w.v(
// ADAMW-DAG: @b.v(
// ADAMW-NOT: @table.
// ADAMW: func.func @step
// ADAMW-SAME: tensor<f32> {train.name = "learning_rate"}, tensor<f32> {train.name = "grad_norm"}, tensor<f32> {train.name = "clip_factor"})
// ADAMW: %[[CLIPPED:.*]]:2, %[[NORM:.*]] = train.clip_by_global_norm {{.*}} {max_norm = 1.000000e+00 : f64}
// ADAMW: arith.addf %[[NORM]]
// ADAMW: %[[RATIO:.*]] = arith.divf
// ADAMW: %[[FACTOR:.*]] = arith.minimumf %[[RATIO]]
// ADAMW: %[[RATE:.*]] = train.learning_rate {{.*}} {base = 1.000000e-03 : f64, final = 1.000000e-05 : f64, schedule = #train<schedule cosine>, total_steps = 100 : i64, warmup_steps = 10 : i64}
// ADAMW: train.update {{.*}}weightDecay = 1.000000e-02{{.*}} %[[CLIPPED]]#0
// ADAMW: train.update {{.*}}, %[[CLIPPED]]#1
// ADAMW: return {{.*}}, %[[RATE]], %[[NORM]], %[[FACTOR]]
module @two_parameters {
  ml_program.global private mutable @w(#train.kaiming) : tensor<2x4xf32> {train.role = "parameter"}
  ml_program.global private mutable @b(#train.constant<0.0>) : tensor<2xf32> {train.role = "parameter"}
  ml_program.global private mutable @table(#train.normal<0.0, 1.0>) : tensor<2xf32> {train.role = "frozen"}
  func.func @loss(%x: tensor<8x4xf32> {train.name = "x"})
      -> (tensor<f32> {train.name = "loss"}, tensor<8x2xf32> {train.name = "y"}) {
    %w = ml_program.global_load @w : tensor<2x4xf32>
    %b = ml_program.global_load @b : tensor<2xf32>
    %y = train.linear %x, %w, %b : (tensor<8x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<8x2xf32>
    %loss = train.reduce mean %y dims = [0, 1] : tensor<8x2xf32> -> tensor<f32>
    return %loss, %y : tensor<f32>, tensor<8x2xf32>
  }
}

// -----

// A step written by hand stays as it is.
// SGD-LABEL: module @own_step
// SGD-NOT: train.step
// SGD: func.func @step
// SGD-COUNT-1: train.update
// SGD-NOT: train.update
module @own_step {
  ml_program.global private mutable @w(#train.kaiming) : tensor<4xf32> {train.role = "parameter"}
  func.func @step(%gradient: tensor<4xf32>, %rate: tensor<f32>, %t: tensor<i32>) {
    %w = ml_program.global_load @w : tensor<4xf32>
    %new = train.update #train.sgd<> %w, %gradient, %rate, %t : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
    ml_program.global_store @w = %new : tensor<4xf32>
    return
  }
}
