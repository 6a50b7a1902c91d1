//===- SmallModel.h - A model for policies and profiles
//
// Part of the Vernier project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for licence information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VERNIER_TEST_FUZZ_SMALLMODEL_H
#define VERNIER_TEST_FUZZ_SMALLMODEL_H

namespace vernier::fuzz {

/// The model that the profiles among the seeds are of (utils/fuzz makes them).
inline constexpr char smallModel[] = R"mlir(
module @small {
  ml_program.global private mutable @w(#train.normal<0.0, 0.1>) : tensor<4x8xf32> {train.role = "parameter"}
  ml_program.global private mutable @b(dense<0.0> : tensor<4xf32>) : tensor<4xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<8x8xf32> {train.name = "x"}, %y: tensor<8xi32> {train.name = "y"})
      -> (tensor<f32> {train.name = "loss"}) {
    %w = ml_program.global_load @w : tensor<4x8xf32>
    %b = ml_program.global_load @b : tensor<4xf32>
    %z = train.linear %x, %w, %b : (tensor<8x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<8x4xf32>
    %a = train.relu %z : tensor<8x4xf32>
    %l = train.cross_entropy %a, %y : (tensor<8x4xf32>, tensor<8xi32>) -> tensor<f32>
    return %l : tensor<f32>
  }
}
)mlir";

} // namespace vernier::fuzz

#endif // VERNIER_TEST_FUZZ_SMALLMODEL_H
