// RUN: vernier-opt %s --train-attach-optimizer="optimizer=sgd clip-norm=2" --split-input-file | FileCheck %s
// RUN: vernier-opt %s --train-attach-optimizer="optimizer=sgd clip-norm=2 clip-scope=group" --split-input-file | FileCheck %s --check-prefix=GROUP
// RUN: vernier-opt %s --train-attach-optimizer="optimizer=sgd clip-norm=2" --split-input-file --remarks-filter=train-attach-optimizer --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// One norm bounds the gradients of all groups, of which the second says nothing
// about it; the third asks for none, the last for one of its own.
// CHECK: func.func @step
// CHECK-SAME: {train.name = "learning_rate.own"}, tensor<f32> {train.name = "grad_norm"}, tensor<f32> {train.name = "clip_factor"}, tensor<f32> {train.name = "grad_norm.own"}, tensor<f32> {train.name = "clip_factor.own"})
// CHECK: %[[G:.*]]:5 = train.gradient @loss() wrt [@a, @b, @free, @own]
// CHECK: %[[C:.*]]:2, %[[NORM:.*]] = train.clip_by_global_norm %[[G]]#1, %[[G]]#2 {max_norm = 2.000000e+00 : f64}
// CHECK: %[[OWN:.*]], %[[OWN_NORM:.*]] = train.clip_by_global_norm %[[G]]#4 {max_norm = 5.000000e-01 : f64}
// CHECK: train.update #train.sgd<> %{{.*}}, %[[C]]#0,
// CHECK: train.update #train.sgd<> %{{.*}}, %[[C]]#1,
// CHECK: train.update #train.sgd<> %{{.*}}, %[[G]]#3,
// CHECK: train.update #train.sgd<> %{{.*}}, %[[OWN]],
// CHECK: return {{.*}}, %[[NORM]], %{{.*}}, %[[OWN_NORM]], %{{.*}} :

// With clip-scope=group each has its own; that of parameters in no group has the
// plain name.
// GROUP: func.func @step
// GROUP-SAME: {train.name = "grad_norm"}
// GROUP-SAME: {train.name = "grad_norm.next"}
// GROUP-NOT: grad_norm.free
// GROUP-SAME: {train.name = "clip_factor.own"})
// GROUP: train.clip_by_global_norm %[[G:.*]]#1 {max_norm = 2.000000e+00 : f64}
// GROUP: train.clip_by_global_norm %[[G]]#2 {max_norm = 2.000000e+00 : f64}
// GROUP: train.clip_by_global_norm %[[G]]#4 {max_norm = 5.000000e-01 : f64}

// REMARK: remark: [Passed] clipping | Category:train-attach-optimizer{{.*}}grad_norm: one norm over 2 gradients of 2 groups, at most 2
ml_program.global private mutable @a(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @b(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter", train.optimizer = {group = "next"}}
ml_program.global private mutable @free(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter", train.optimizer = {group = "free", "clip-norm" = 0.0}}
ml_program.global private mutable @own(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter", train.optimizer = {group = "own", "clip-norm" = 0.5, "clip-scope" = "group"}}
func.func @loss() -> (tensor<f32> {train.name = "loss"}) {
  %a = ml_program.global_load @a : tensor<4xf32>
  %b = ml_program.global_load @b : tensor<4xf32>
  %free = ml_program.global_load @free : tensor<4xf32>
  %own = ml_program.global_load @own : tensor<4xf32>
  %0 = arith.mulf %a, %b : tensor<4xf32>
  %1 = arith.mulf %free, %own : tensor<4xf32>
  %2 = arith.addf %0, %1 : tensor<4xf32>
  %loss = train.reduce sum %2 dims = [0] : tensor<4xf32> -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// Where only the parameters of no group ask for a norm of their own, the plain name
// is that of the shared one.
// CHECK: func.func @step
// GROUP: func.func @step
// GROUP-SAME: {train.name = "grad_norm"}, tensor<f32> {train.name = "clip_factor"}, tensor<f32> {train.name = "grad_norm.default"}
ml_program.global private mutable @a(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @b(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter", train.optimizer = {group = "b", "clip-scope" = "all"}}
func.func @loss() -> (tensor<f32> {train.name = "loss"}) {
  %a = ml_program.global_load @a : tensor<4xf32>
  %b = ml_program.global_load @b : tensor<4xf32>
  %0 = arith.mulf %a, %b : tensor<4xf32>
  %loss = train.reduce sum %0 dims = [0] : tensor<4xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
