// RUN: vernier-opt %s -verify-diagnostics --amp-autocast="policy=torch-cuda compute=bf16"
// RUN: vernier-opt %s --amp-autocast="policy=torch-cuda compute=f16" | FileCheck %s
// RUN: vernier-opt %s --amp-autocast="policy=bf16" | FileCheck %s

// What PyTorch's promote raises on: the 16-bit type that the region does not compute
// in. Under the type itself, or under a policy that does not refuse it, it runs.
// CHECK: math.atan2 {{.*}}operand = f16, accumulate = f32, result = f16
func.func @predict(%a: tensor<4xf16>, %b: tensor<4xf16>) -> tensor<4xf16> {
  // expected-error@+1 {{'math.atan2' op reads 'f16' as operand 0, where 'torch-cuda/math.atan2: widest' computes in 'bf16' and refuses the other 16-bit type: cast the operand with arith.extf to f32 in the model, or give 'math.atan2' the class full in the policy}}
  %r = math.atan2 %a, %b : tensor<4xf16>
  return %r : tensor<4xf16>
}
