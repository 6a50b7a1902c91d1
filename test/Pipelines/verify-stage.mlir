// RUN: vernier-opt --verify-stage=import %s | FileCheck %s
// RUN: vernier-opt --verify-stage=loss-scaling %s | FileCheck %s

// A model that keeps the contract passes through unchanged; without a scaler
// loss scaling promises nothing.
// CHECK: func.func @step
module {
  func.func @step(%x: tensor<4xf32>) -> tensor<4xf32> {
    %0 = math.exp %x : tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}
