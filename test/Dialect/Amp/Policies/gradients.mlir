// RUN: vernier-opt %s --amp-autocast=policy=%S/Inputs/gradients.yaml | FileCheck %s --check-prefix=DECIDED
// RUN: vernier-opt %s --amp-autocast=policy=%S/Inputs/gradients.yaml --amp-materialize-casts --amp-verify-precision | FileCheck %s --check-prefix=ASKED
// RUN: vernier-opt %s --amp-autocast=policy=%S/Inputs/gradients.yaml --amp-materialize-casts --train-attach-optimizer --train-differentiate --amp-verify-precision --canonicalize --cse | FileCheck %s
// RUN: vernier-opt %s --amp-autocast=policy=bf16 --amp-materialize-casts --train-attach-optimizer --train-differentiate | FileCheck %s --check-prefix=PLAIN

ml_program.global private mutable @embed(#train.normal<0.0, 1.0>) : tensor<16x8xf32> {train.role = "parameter"}
ml_program.global private mutable @body(#train.normal<0.0, 1.0>) : tensor<16x16xf32> {train.role = "parameter"}
ml_program.global private mutable @bias(#train.constant<0.0>) : tensor<16xf32> {train.role = "parameter"}
ml_program.global private mutable @head(#train.normal<0.0, 1.0>) : tensor<4x16xf32> {train.role = "parameter"}

// The decision has the types of both gradients, completed from what the policy
// leaves open: the op's own type is multiplied, and written.
// DECIDED-LABEL: func.func @loss
// DECIDED: operand = f32, {{.*}}rule = "trained/overrides[1]: low"{{.*}}, weightGradient = <operand = bf16, result = bf16>>
// DECIDED: operand = bf16, {{.*}}reason = "contraction, summed in f32", weightGradient = <operand = bf16, result = f32>>
// DECIDED: reason = "the gradient of the head is small", inputGradient = <operand = f32, result = f32>, weightGradient = <operand = tf32, result = f32>>

// Each operand is told apart: weight and bias are made from a parameter.
// ASKED-LABEL: func.func @loss
// ASKED: train.linear {{.*}}train.operand_gradients = [unit, #train.gradient_types<operand = bf16, result = bf16>]
// ASKED: train.linear {{.*}}train.operand_gradients = [unit, #train.gradient_types<operand = bf16, result = f32>, #train.gradient_types<operand = bf16, result = f32>]
// ASKED: train.linear {{.*}}train.operand_gradients = [#train.gradient_types<operand = f32, result = f32>, #train.gradient_types<operand = tf32, result = f32>]

// What is computed. The head multiplies f32 both ways, its weight's with tf32; its
// input's gradient stays f32 until the body multiplies bf16 again. The body's weight
// and bias get f32 that nothing rounds. The f32 embedding's weight gradient is bf16.
// CHECK-LABEL: func.func @step
// CHECK: %[[G:.*]] = train.matmul {{.*}}train.gradient_types = #train.gradient_types<operand = f32, result = f32>} : (tensor<8x4xf32>, tensor<4x16xf32>) -> tensor<8x16xf32>
// CHECK: %[[HEAD:.*]] = train.matmul {{.*}}{tf32, {{.*}}train.gradient_types = #train.gradient_types<operand = tf32, result = f32>{{.*}}} : (tensor<8x4xf32>, tensor<8x16xf32>) -> tensor<4x16xf32>
// CHECK: %[[BIAS:.*]] = train.reduce sum %[[G]] {{.*}} : tensor<8x16xf32> -> tensor<16xf32>
// CHECK: %[[NARROW:.*]] = arith.truncf %[[G]]
// CHECK: train.matmul %[[NARROW]], {{.*}}{train.backward} : (tensor<8x16xbf16>, tensor<16x16xbf16>) -> tensor<8x16xbf16>
// CHECK: %[[BODY:.*]] = train.matmul {{.*}}} : (tensor<8x16xbf16>, tensor<8x16xbf16>) -> tensor<16x16xf32>
// CHECK: %[[EMBED:.*]] = train.matmul {{.*}}} : (tensor<8x16xbf16>, tensor<8x8xbf16>) -> tensor<16x8xbf16>
// CHECK: %[[WIDE:.*]] = arith.extf %[[EMBED]]
// CHECK-DAG: train.update {{.*}}, %[[WIDE]],
// CHECK-DAG: train.update {{.*}}, %[[BODY]],
// CHECK-DAG: train.update {{.*}}, %[[BIAS]],
// CHECK-DAG: train.update {{.*}}, %[[HEAD]],

// Without a line about gradients they follow the op.
// PLAIN-NOT: train.operand_gradients
// PLAIN-NOT: train.gradient_types
func.func @loss(%x: tensor<8x8xf32>, %y: tensor<8xi32>) -> tensor<f32> {
  %we = ml_program.global_load @embed : tensor<16x8xf32>
  %wb = ml_program.global_load @body : tensor<16x16xf32>
  %b = ml_program.global_load @bias : tensor<16xf32>
  %wh = ml_program.global_load @head : tensor<4x16xf32>
  %0 = train.linear %x, %we : (tensor<8x8xf32>, tensor<16x8xf32>) -> tensor<8x16xf32> loc("embed")
  %1 = train.linear %0, %wb, %b : (tensor<8x16xf32>, tensor<16x16xf32>, tensor<16xf32>) -> tensor<8x16xf32> loc("body")
  %2 = train.linear %1, %wh : (tensor<8x16xf32>, tensor<4x16xf32>) -> tensor<8x4xf32> loc("head")
  %loss = train.cross_entropy %2, %y : (tensor<8x4xf32>, tensor<8xi32>) -> tensor<f32>
  return %loss : tensor<f32>
}
