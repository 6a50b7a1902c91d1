// RUN: vernier-opt %s -split-input-file --amp-loss-scaling | FileCheck %s
// RUN: vernier-opt %s -split-input-file --amp-loss-scaling="mode=static init-scale=128" | FileCheck %s --check-prefix=STATIC
// RUN: vernier-opt %s -split-input-file --amp-loss-scaling=mode=none | FileCheck %s --check-prefix=NONE
// RUN: vernier-opt %s -split-input-file --amp-loss-scaling="hysteresis=2 hysteresis-refill=megatron min-scale=1 max-scale=16777216" | FileCheck %s --check-prefix=HYSTERESIS
// RUN: vernier-opt %s -split-input-file --amp-loss-scaling=mode=auto | FileCheck %s --check-prefix=AUTO

// The scaler's states, with GradScaler's defaults.
// CHECK: ml_program.global private mutable @amp.scale(#train.constant<6.553600e+04>) : tensor<f32> {train.role = "loss_scale"}
// CHECK: ml_program.global private mutable @amp.growth_tracker(dense<0> : tensor<i32>) : tensor<i32> {train.role = "loss_scale"}
// CHECK: ml_program.global private mutable @amp.skipped_steps(dense<0> : tensor<i32>) : tensor<i32> {train.role = "counter"}
// CHECK-NOT: hysteresis
// HYSTERESIS: ml_program.global private mutable @amp.hysteresis_tracker(dense<2> : tensor<i32>) : tensor<i32> {train.role = "loss_scale"}
// STATIC: @amp.scale(#train.constant<1.280000e+02>)
// STATIC-NOT: @amp.growth_tracker
// STATIC: @amp.skipped_steps
// NONE-NOT: amp.
// AUTO: @amp.growth_tracker
ml_program.global private mutable @w(#train.normal<0.0, 1.0>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @w.momentum(#train.constant<0.0>) : tensor<4xf32> {train.role = "moment"}
ml_program.global private mutable @train.step(dense<0> : tensor<i32>) : tensor<i32> {train.role = "counter"}

// The seed is scaled once; the 16-bit gradient is checked while still scaled and
// unscaled where the update takes it; parameter, moment and step counter are gated
// with their old values; the scaler updates itself ungated.
// CHECK-LABEL: func.func @step
// CHECK-SAME: -> (tensor<f32> {train.name = "loss_scale"}, tensor<i1> {train.name = "all_finite"})
// STATIC-LABEL: func.func @step
func.func @step(%g: tensor<4xf16>) {
  // CHECK: %[[SCALE:.*]] = ml_program.global_load @amp.scale
  // CHECK: %[[T0:.*]] = ml_program.global_load @train.step
  %t0 = ml_program.global_load @train.step : tensor<i32>
  %one = arith.constant dense<1> : tensor<i32>
  // CHECK: %[[T1:.*]] = arith.addi %[[T0]]
  %t1 = arith.addi %t0, %one : tensor<i32>
  // This store comes before the check, and what follows reads the new value.
  // CHECK-NOT: global_store
  ml_program.global_store @train.step = %t1 : tensor<i32>
  %t = ml_program.global_load @train.step : tensor<i32>
  // CHECK: %[[LR:.*]] = train.learning_rate %[[T1]]
  %lr = train.learning_rate %t {base = 0.1 : f64} : (tensor<i32>) -> tensor<f32>
  // CHECK: %[[SEED:.*]] = train.seed
  // CHECK: %[[SCALED:.*]] = amp.scale %[[SEED]], %[[SCALE]]
  %seed = train.seed : tensor<f32>
  // CHECK: arith.truncf %[[SCALED]]
  %seed16 = arith.truncf %seed : tensor<f32> to tensor<f16>
  %b = train.broadcast %seed16 dims = [] : tensor<f16> -> tensor<4xf16>
  // CHECK: %[[DW:.*]] = arith.mulf
  %dw = arith.mulf %b, %g : tensor<4xf16>
  // CHECK: %[[OK:.*]] = amp.all_finite %[[DW]] : (tensor<4xf16>) -> tensor<i1>
  // CHECK: %[[GATED_T:.*]] = amp.gate %[[OK]], %[[T0]], %[[T1]] : tensor<i1>, tensor<i32>
  // CHECK: ml_program.global_store @train.step = %[[GATED_T]]
  %dw32 = arith.extf %dw : tensor<4xf16> to tensor<4xf32>
  // CHECK: %[[W:.*]] = ml_program.global_load @w :
  %w = ml_program.global_load @w : tensor<4xf32>
  // CHECK: %[[M:.*]] = ml_program.global_load @w.momentum
  %m = ml_program.global_load @w.momentum : tensor<4xf32>
  // CHECK: %[[U:.*]] = amp.unscale %[[DW]], %[[SCALE]] : (tensor<4xf16>, tensor<f32>) -> tensor<4xf32>
  // CHECK: %[[W1:.*]], %[[M1:.*]] = train.update #train.sgd<{{.*}}> %[[W]], %[[U]], %[[LR]], %[[T1]] states(%[[M]])
  %w1, %m1 = train.update #train.sgd<momentum = 0.9> %w, %dw32, %lr, %t states(%m) : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  // CHECK: %[[GATED_W:.*]] = amp.gate %[[OK]], %[[W]], %[[W1]]
  // CHECK: ml_program.global_store @w = %[[GATED_W]]
  ml_program.global_store @w = %w1 : tensor<4xf32>
  // CHECK: %[[GATED_M:.*]] = amp.gate %[[OK]], %[[M]], %[[M1]]
  // CHECK: ml_program.global_store @w.momentum = %[[GATED_M]]
  ml_program.global_store @w.momentum = %m1 : tensor<4xf32>
  // CHECK: %[[TRACKER:.*]] = ml_program.global_load @amp.growth_tracker
  // CHECK: %[[NEW:.*]], %[[NEW_TRACKER:.*]] = amp.update_scale %[[SCALE]], %[[TRACKER]], %[[OK]] : tensor<f32>, tensor<i32>, tensor<i1>
  // CHECK: ml_program.global_store @amp.scale = %[[NEW]]
  // CHECK: ml_program.global_store @amp.growth_tracker = %[[NEW_TRACKER]]
  // With hysteresis its tracker is a state of its own.
  // HYSTERESIS: %[[LEFT:.*]] = ml_program.global_load @amp.hysteresis_tracker
  // HYSTERESIS: %{{.*}}, %{{.*}}, %[[NOW_LEFT:.*]] = amp.update_scale %{{.*}} hysteresis(%[[LEFT]] : tensor<i32>)
  // HYSTERESIS-SAME: hysteresis = 2 : i64, max_scale = 0x4170000000000000 : f64, min_scale = 1.000000e+00 : f64, refill = #amp<hysteresis_refill megatron>
  // HYSTERESIS: ml_program.global_store @amp.hysteresis_tracker = %[[NOW_LEFT]]
  // STATIC-NOT: amp.update_scale
  // STATIC-NOT: global_store @amp.scale
  // CHECK: %[[SKIPPED:.*]] = ml_program.global_load @amp.skipped_steps
  // CHECK: %[[MORE:.*]] = arith.addi %[[SKIPPED]]
  // CHECK: %[[NOW:.*]] = arith.select %[[OK]], %[[SKIPPED]], %[[MORE]]
  // CHECK: ml_program.global_store @amp.skipped_steps = %[[NOW]]
  // CHECK: return %[[SCALE]], %[[OK]]
  // STATIC: return {{.*}} : tensor<f32>, tensor<i1>
  return
}

// -----

// Clipping sees unscaled gradients, and the check sees the scaled ones; nothing is
// unscaled twice. A state that the step does not read is loaded for its gate. In
// bf16 and f32 nothing overflows that would not overflow unscaled: `auto` adds no
// scaler.
ml_program.global private mutable @w(#train.normal<0.0, 1.0>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @norm(#train.constant<0.0>) : tensor<f32> {train.role = "counter"}

// AUTO: @norm(
// AUTO-NOT: amp.
// CHECK-LABEL: func.func @step
// CHECK: %[[OLD:.*]] = ml_program.global_load @norm
func.func @step(%t: tensor<i32>, %lr: tensor<f32>) {
  %seed = train.seed : tensor<f32>
  // CHECK: %[[DW:.*]] = train.broadcast
  %dw = train.broadcast %seed dims = [] : tensor<f32> -> tensor<4xf32>
  // CHECK: %[[OK:.*]] = amp.all_finite %[[DW]]
  // CHECK: %[[U:.*]] = amp.unscale %[[DW]]
  // CHECK: %[[C:.*]], %[[NORM:.*]] = train.clip_by_global_norm %[[U]]
  %c, %norm = train.clip_by_global_norm %dw {max_norm = 1.0 : f64} : (tensor<4xf32>) -> (tensor<4xf32>, tensor<f32>)
  %w = ml_program.global_load @w : tensor<4xf32>
  // CHECK: train.update #train.sgd<> %{{.*}}, %[[C]],
  // CHECK-NOT: amp.unscale
  %w1 = train.update #train.sgd<> %w, %c, %lr, %t : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  ml_program.global_store @w = %w1 : tensor<4xf32>
  // CHECK: amp.gate %[[OK]], %[[OLD]], %[[NORM]]
  ml_program.global_store @norm = %norm : tensor<f32>
  return
}
