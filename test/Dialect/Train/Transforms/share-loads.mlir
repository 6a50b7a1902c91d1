// RUN: vernier-opt %s --train-share-loads | FileCheck %s

ml_program.global private mutable @a(dense<1.0> : tensor<4xf32>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @b(dense<2.0> : tensor<4xf32>) : tensor<4xf32> {train.role = "parameter"}

// The second load of @a is the first: the store to @b is another's.
// CHECK-LABEL: func @shared
func.func @shared() -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK-NEXT: %[[A:.*]] = ml_program.global_load @a
  %0 = ml_program.global_load @a : tensor<4xf32>
  // CHECK-NEXT: ml_program.global_store @b = %[[A]]
  ml_program.global_store @b = %0 : tensor<4xf32>
  %1 = ml_program.global_load @a : tensor<4xf32>
  // CHECK-NEXT: return %[[A]], %[[A]]
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// Behind a store to its own global, a load has the new value.
// CHECK-LABEL: func @stored
func.func @stored(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  // CHECK: %[[OLD:.*]] = ml_program.global_load @a
  %0 = ml_program.global_load @a : tensor<4xf32>
  ml_program.global_store @a = %x : tensor<4xf32>
  // CHECK: %[[NEW:.*]] = ml_program.global_load @a
  %1 = ml_program.global_load @a : tensor<4xf32>
  %2 = ml_program.global_load @a : tensor<4xf32>
  // CHECK-NEXT: return %[[OLD]], %[[NEW]], %[[NEW]]
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// A call may store anything.
// CHECK-LABEL: func @called
func.func @called() -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK-COUNT-2: ml_program.global_load @a
  %0 = ml_program.global_load @a : tensor<4xf32>
  func.call @other() : () -> ()
  %1 = ml_program.global_load @a : tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}
func.func private @other() {
  %0 = ml_program.global_load @b : tensor<4xf32>
  ml_program.global_store @a = %0 : tensor<4xf32>
  return
}
