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

ml_program.global private mutable @w(#train.kaiming) : tensor<f32> {train.role = "parameter"}
func.func @loss() -> tensor<f32> {
  %w = ml_program.global_load @w : tensor<f32>
  return %w : tensor<f32>
}
