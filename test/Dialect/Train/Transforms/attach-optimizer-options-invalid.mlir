// Each bad option is named with its value and what was expected.
// RUN: not vernier-opt %s --train-attach-optimizer="optimizer=rmsprop" 2>&1 | FileCheck %s --check-prefix=CHECK-OPTIMIZER
// CHECK-OPTIMIZER: error: unknown optimizer 'rmsprop', expected sgd, adam or adamw
// RUN: not vernier-opt %s --train-attach-optimizer="schedule=step" 2>&1 | FileCheck %s --check-prefix=CHECK-SCHEDULE
// CHECK-SCHEDULE: error: option schedule is 'step', expected constant, linear or cosine
// RUN: not vernier-opt %s --train-attach-optimizer="lr=-1" 2>&1 | FileCheck %s --check-prefix=CHECK-RATE
// CHECK-RATE: error: option lr is -1{{.*}}, expected 0 or more
// RUN: not vernier-opt %s --train-attach-optimizer="lr=nan" 2>&1 | FileCheck %s --check-prefix=CHECK-NAN
// CHECK-NAN: error: option lr is {{.*}}, expected 0 or more
// RUN: not vernier-opt %s --train-attach-optimizer="beta2=1" 2>&1 | FileCheck %s --check-prefix=CHECK-BETA
// CHECK-BETA: error: option beta2 is 1{{.*}}, expected a number in [0, 1)
// RUN: not vernier-opt %s --train-attach-optimizer="optimizer=sgd nesterov" 2>&1 | FileCheck %s --check-prefix=CHECK-NESTEROV
// CHECK-NESTEROV: error: option nesterov needs a momentum above 0
// RUN: not vernier-opt %s --train-attach-optimizer="schedule=linear warmup-steps=5 total-steps=5" 2>&1 | FileCheck %s --check-prefix=CHECK-TOTAL
// CHECK-TOTAL: error: option total-steps is 5{{.*}}, expected more than warmup-steps with this schedule
// RUN: not vernier-opt %s --train-attach-optimizer="clip-norm=1 clip-scope=head" 2>&1 | FileCheck %s --check-prefix=CHECK-SCOPE
// CHECK-SCOPE: error: option clip-scope is 'head', expected all or group
// What f32 or i32 cannot hold would be another number in the step.
// RUN: not vernier-opt %s --train-attach-optimizer="lr=inf" 2>&1 | FileCheck %s --check-prefix=CHECK-INF
// CHECK-INF: error: option lr is INF, expected 0 or more, finite in f32
// RUN: not vernier-opt %s --train-attach-optimizer="lr=1e39" 2>&1 | FileCheck %s --check-prefix=CHECK-F32
// CHECK-F32: error: option lr is 1.000000e+39, expected 0 or more, finite in f32
// RUN: not vernier-opt %s --train-attach-optimizer="warmup-steps=2147483648" 2>&1 | FileCheck %s --check-prefix=CHECK-WARMUP
// CHECK-WARMUP: error: option warmup-steps is 2.147484e+09, expected 0 or more, up to 2147483647
// RUN: not vernier-opt %s --train-attach-optimizer="schedule=cosine total-steps=4294967297" 2>&1 | FileCheck %s --check-prefix=CHECK-I32
// CHECK-I32: error: option total-steps is 4.294967e+09, expected 0 or more, up to 2147483647

ml_program.global private mutable @w(#train.kaiming) : tensor<f32> {train.role = "parameter"}
func.func @loss() -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<f32>
  return %w : tensor<f32>
}
