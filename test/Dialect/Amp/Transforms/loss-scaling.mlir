// RUN: vernier-opt %s -split-input-file --amp-loss-scaling | FileCheck %s
// RUN: vernier-opt %s -split-input-file --amp-loss-scaling="mode=static init-scale=128" | FileCheck %s --check-prefix=STATIC
// RUN: vernier-opt %s -split-input-file --amp-loss-scaling=mode=none | FileCheck %s --check-prefix=NONE
// RUN: vernier-opt %s -split-input-file --amp-loss-scaling="hysteresis=2 hysteresis-refill=megatron min-scale=1 max-scale=16777216" | FileCheck %s --check-prefix=HYSTERESIS
// RUN: vernier-opt %s -split-input-file --amp-loss-scaling=mode=auto | FileCheck %s --check-prefix=AUTO

// The scaler's states, with GradScaler's defaults.
// CHECK: ml_program.global private mutable @amp.scale(#train.constant<6.553600e+04>) : tensor<f32> {train.role = "loss_scale"}
// CHECK: ml_program.global private mutable @amp.growth_tracker(dense<0> : tensor<i32>) : tensor<i32> {train.role = "loss_scale"}
// CHECK: ml_program.global private mutable @amp.skipped_steps(dense<0> : tensor<i32>) : tensor<i32> {train.role = "counter"}
// CHECK: ml_program.global private mutable @amp.overflows(dense<0> : tensor<1xi32>) : tensor<1xi32> {train.labels = ["w"], train.role = "counter"}
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
// CHECK-SAME: -> (tensor<f32> {train.name = "loss_scale"}, tensor<i1> {train.name = "all_finite"}, tensor<i32> {train.name = "first_overflow"}, tensor<i32> {train.name = "steps_at_minimum"})
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
  // CHECK: %[[OK:.*]], %[[FIRST:.*]] = amp.all_finite %[[DW]] : (tensor<4xf16>) -> (tensor<i1>, tensor<i32>)
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
  // CHECK: %[[NEW:.*]], %[[NEW_TRACKER:.*]] = amp.update_scale %[[SCALE]], %[[TRACKER]], %[[OK]] {min_scale = 1.1754943508222875E-38 : f64} : tensor<f32>, tensor<i32>, tensor<i1>
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
  // Whose gradient overflowed is counted, the first of all is kept.
  // CHECK: %[[COUNTS:.*]] = ml_program.global_load @amp.overflows
  // CHECK: train.broadcast %[[FIRST]]
  // CHECK: ml_program.global_store @amp.overflows
  // CHECK: %[[EVER:.*]] = ml_program.global_load @amp.first_overflow :
  // CHECK: arith.select %{{.*}}, %[[FIRST]], %[[EVER]]
  // CHECK: ml_program.global_store @amp.first_overflow_step
  // CHECK: ml_program.global_store @amp.steps_at_minimum
  // CHECK: return %[[SCALE]], %[[OK]], %[[FIRST]]
  // STATIC: return {{.*}} : tensor<f32>, tensor<i1>, tensor<i32>
  return
}

// -----

// Clipping sees unscaled gradients, and the check sees the scaled ones; nothing is
// unscaled twice. A state that the step does not read is loaded for its gate. In
// bf16 and f32 nothing overflows that would not overflow unscaled: `auto` adds no
// scaler, but a step that is not finite is skipped all the same.
ml_program.global private mutable @w(#train.normal<0.0, 1.0>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @norm(#train.constant<0.0>) : tensor<f32> {train.role = "counter"}

// AUTO: @norm(
// AUTO-NOT: amp.{{.*}}scale
// AUTO: func.func @step
// AUTO-SAME: (tensor<i1> {train.name = "all_finite"})
// AUTO: %[[OLD:.*]] = ml_program.global_load @norm
// AUTO: %[[DW:.*]] = train.broadcast
// AUTO-NEXT: %[[OK:.*]] = amp.all_finite %[[DW]] : (tensor<4xf32>) -> tensor<i1>
// AUTO: %[[CLIPPED:.*]], %[[NORM:.*]] = train.clip_by_global_norm
// AUTO: %[[NEW:.*]] = amp.gate %[[OK]], %[[OLD]],
// AUTO: global_store @norm = %[[NEW]]
// AUTO-NOT: amp.{{.*}}scale
// AUTO: return %[[OK]]
// CHECK-LABEL: func.func @step
// CHECK: %[[OLD:.*]] = ml_program.global_load @norm
func.func @step(%t: tensor<i32>, %lr: tensor<f32>) {
  %seed = train.seed : tensor<f32>
  // CHECK: %[[DW:.*]] = train.broadcast
  %dw = train.broadcast %seed dims = [] : tensor<f32> -> tensor<4xf32>
  // CHECK: %[[OK:.*]], %{{.*}} = amp.all_finite %[[DW]]
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

// -----

// Two losses share the scale, and two groups of parameters have a check each: a
// group's states (its own step counter, too) are gated by its check, those of the
// whole step by both. The scale backs off if any of them overflows.
ml_program.global private mutable @a(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter", train.group = "left"}
ml_program.global private mutable @b(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter", train.group = "right"}
ml_program.global private mutable @b.step(dense<0> : tensor<i32>) : tensor<i32> {train.role = "counter", train.group = "right"}
ml_program.global private mutable @mean(#train.constant<0.0>) : tensor<4xf32> {train.role = "statistic"}

// CHECK: @amp.overflows({{.*}}) : tensor<2xi32> {train.labels = ["a", "b"], train.role = "counter"}
// CHECK-LABEL: func.func @step
func.func @step(%x: tensor<4xf32>, %t: tensor<i32>, %lr: tensor<f32>) {
  // CHECK: %[[SCALE:.*]] = ml_program.global_load @amp.scale
  // CHECK: %[[S0:.*]] = train.seed
  // CHECK: amp.scale %[[S0]], %[[SCALE]]
  %s0 = train.seed : tensor<f32>
  %da = train.broadcast %s0 dims = [] : tensor<f32> -> tensor<4xf32>
  // CHECK: %[[S1:.*]] = train.seed
  // CHECK: amp.scale %[[S1]], %[[SCALE]]
  %s1 = train.seed : tensor<f32>
  %db = train.broadcast %s1 dims = [] : tensor<f32> -> tensor<4xf32>
  // CHECK: %[[LEFT:.*]], %[[FIRST_LEFT:.*]] = amp.all_finite
  // CHECK: %[[RIGHT:.*]], %[[FIRST_RIGHT:.*]] = amp.all_finite
  // CHECK: %[[BOTH:.*]] = arith.andi %[[LEFT]], %[[RIGHT]]
  %a = ml_program.global_load @a : tensor<4xf32>
  %a1 = train.update #train.sgd<> %a, %da, %lr, %t : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  // CHECK: %[[A:.*]] = amp.gate %[[LEFT]]
  // CHECK: ml_program.global_store @a = %[[A]]
  ml_program.global_store @a = %a1 : tensor<4xf32>
  %b = ml_program.global_load @b : tensor<4xf32>
  %b1 = train.update #train.sgd<> %b, %db, %lr, %t : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  // CHECK: %[[B:.*]] = amp.gate %[[RIGHT]]
  // CHECK: ml_program.global_store @b = %[[B]]
  ml_program.global_store @b = %b1 : tensor<4xf32>
  // CHECK: %[[T:.*]] = amp.gate %[[RIGHT]]
  // CHECK: ml_program.global_store @b.step = %[[T]]
  ml_program.global_store @b.step = %t : tensor<i32>
  // CHECK: %[[M:.*]] = amp.gate %[[BOTH]]
  // CHECK: ml_program.global_store @mean = %[[M]]
  ml_program.global_store @mean = %x : tensor<4xf32>
  // CHECK: amp.update_scale %[[SCALE]], %{{.*}}, %[[BOTH]]
  return
}

// -----

// Groups whose gradients are clipped by one norm are skipped together: if one of
// them overflows, the norm is infinite, and what is left of the others is zero.
// What has a norm of its own is skipped alone.
ml_program.global private mutable @a(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter", train.group = "left"}
ml_program.global private mutable @b(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter", train.group = "right"}
ml_program.global private mutable @b.step(dense<0> : tensor<i32>) : tensor<i32> {train.role = "counter", train.group = "right"}
ml_program.global private mutable @c(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter", train.group = "alone"}

// CHECK: @amp.overflows({{.*}}) : tensor<3xi32> {train.labels = ["a", "b", "c"], train.role = "counter"}
// CHECK-LABEL: func.func @step
func.func @step(%t: tensor<i32>, %lr: tensor<f32>) {
  %seed = train.seed : tensor<f32>
  // CHECK: %[[DA:.*]] = train.broadcast
  %da = train.broadcast %seed dims = [] : tensor<f32> -> tensor<4xf32>
  // CHECK: %[[DB:.*]] = arith.addf
  %db = arith.addf %da, %da : tensor<4xf32>
  // CHECK: %[[DC:.*]] = arith.mulf
  %dc = arith.mulf %da, %db : tensor<4xf32>
  // CHECK: %[[JOINT:.*]], %{{.*}} = amp.all_finite %[[DA]], %[[DB]]
  // CHECK: %[[ALONE:.*]], %{{.*}} = amp.all_finite %[[DC]]
  %clipped:2, %norm = train.clip_by_global_norm %da, %db {max_norm = 1.0 : f64} : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<f32>)
  %own, %ownNorm = train.clip_by_global_norm %dc {max_norm = 1.0 : f64} : (tensor<4xf32>) -> (tensor<4xf32>, tensor<f32>)
  %a = ml_program.global_load @a : tensor<4xf32>
  %a1 = train.update #train.sgd<> %a, %clipped#0, %lr, %t : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  // CHECK: amp.gate %[[JOINT]]
  // CHECK-NEXT: ml_program.global_store @a
  ml_program.global_store @a = %a1 : tensor<4xf32>
  %b = ml_program.global_load @b : tensor<4xf32>
  %b1 = train.update #train.sgd<> %b, %clipped#1, %lr, %t : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  // CHECK: amp.gate %[[JOINT]]
  // CHECK-NEXT: ml_program.global_store @b =
  ml_program.global_store @b = %b1 : tensor<4xf32>
  // CHECK: amp.gate %[[JOINT]]
  // CHECK-NEXT: ml_program.global_store @b.step
  ml_program.global_store @b.step = %t : tensor<i32>
  %c = ml_program.global_load @c : tensor<4xf32>
  %c1 = train.update #train.sgd<> %c, %own, %lr, %t : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  // CHECK: amp.gate %[[ALONE]]
  // CHECK-NEXT: ml_program.global_store @c
  ml_program.global_store @c = %c1 : tensor<4xf32>
  return
}

// -----

// In a window of micro-batches @accumulate scales its seed and gates nothing. What
// it changes is kept from before the window, and comes back if the window is
// skipped; the sums are cleared in any case.
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @w.grad(dense<0.0> : tensor<4xf32>) : tensor<4xf32> {train.role = "accumulator"}
ml_program.global private mutable @mean(#train.constant<0.0>) : tensor<4xf32> {train.role = "statistic"}

// CHECK-LABEL: func.func @accumulate
func.func @accumulate(%x: tensor<4xf32>) {
  // CHECK: %[[SCALE:.*]] = ml_program.global_load @amp.scale
  // CHECK: amp.scale %{{.*}}, %[[SCALE]]
  %s = train.seed : tensor<f32>
  %dw = train.broadcast %s dims = [] : tensor<f32> -> tensor<4xf32>
  %sum = ml_program.global_load @w.grad : tensor<4xf32>
  %more = arith.addf %sum, %dw : tensor<4xf32>
  // CHECK-NOT: amp.gate
  ml_program.global_store @w.grad = %more : tensor<4xf32>
  ml_program.global_store @mean = %x : tensor<4xf32>
  // CHECK: return
  return
}
// CHECK: ml_program.global private mutable @mean.saved(#train.constant<0.000000e+00>) : tensor<4xf32> {train.role = "statistic"}
// CHECK-LABEL: func.func @step
func.func @step(%x: tensor<4xf32>, %t: tensor<i32>, %lr: tensor<f32>) {
  // CHECK: %[[SAVED:.*]] = ml_program.global_load @mean.saved
  %s = train.seed : tensor<f32>
  %dw = train.broadcast %s dims = [] : tensor<f32> -> tensor<4xf32>
  %sum = ml_program.global_load @w.grad : tensor<4xf32>
  // CHECK: %[[ALL:.*]] = arith.addf
  %all = arith.addf %sum, %dw : tensor<4xf32>
  // CHECK: %[[OK:.*]], %{{.*}} = amp.all_finite %[[ALL]]
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  // CHECK: ml_program.global_store @w.grad = %cst
  ml_program.global_store @w.grad = %zero : tensor<4xf32>
  %w = ml_program.global_load @w : tensor<4xf32>
  %w1 = train.update #train.sgd<> %w, %all, %lr, %t : (tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xf32>
  ml_program.global_store @w = %w1 : tensor<4xf32>
  // CHECK: %[[MEAN:.*]] = amp.gate %[[OK]], %[[SAVED]], %{{.*}}
  // CHECK-DAG: ml_program.global_store @mean = %[[MEAN]]
  // CHECK-DAG: ml_program.global_store @mean.saved = %[[MEAN]]
  ml_program.global_store @mean = %x : tensor<4xf32>
  return
}
