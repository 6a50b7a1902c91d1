// RUN: vernier-opt %s --amp-autocast=policy=%S/Inputs/speech.yaml | FileCheck %s
// RUN: vernier-opt %s --amp-autocast="policy=%S/Inputs/speech.yaml compute=f16" | FileCheck %s --check-prefix=F16
// RUN: vernier-opt %s --amp-autocast="policy=%S/Inputs/speech.yaml strategy=min-cut" --amp-materialize-casts --amp-verify-precision | FileCheck %s --check-prefix=CUT
// RUN: vernier-opt %s --amp-autocast=policy=%S/Inputs/speech.yaml --amp-materialize-casts --amp-verify-precision | FileCheck %s --check-prefix=IR

// The worked example of docs/Policies.md: classes for each compute type, a result
// type by an op's attribute, a region left alone, other types by name and place.
func.func @predict(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> (tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>) {
  %0 = train.matmul %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  // CHECK: math.log {{.*}}result = bf16, rule = "speech/math.log: follow"
  // F16: math.log {{.*}}result = f32, rule = "speech/math.log: full"
  %1 = math.log %0 : tensor<8x16xf32>
  // CHECK: train.reduce sum {{.*}}operand = bf16, accumulate = f32, result = f32, rule = "speech/overrides[0]: full-inside", reason = "sums over thousands of frames"
  // IR: train.reduce sum {{.*}} : tensor<8x16xbf16> -> tensor<8xf32>
  // CUT: train.reduce sum {{.*}} : tensor<8x16xbf16> -> tensor<8xf32>
  %2 = train.reduce sum %1 dims = [1] : tensor<8x16xf32> -> tensor<8xf32>
  // CHECK: train.reduce mean {{.*}}result = bf16, rule = "vernier/train.reduce: full-inside"
  %3 = train.reduce mean %1 dims = [1] : tensor<8x16xf32> -> tensor<8xf32>
  // CHECK: arith.mulf {{.*}}<operand = f32, accumulate = f32, result = f32, rule = "speech/overrides[1]: untouched", reason = "written in f32 by hand">
  // IR: arith.mulf {{.*}} : tensor<8x16xf32>
  // CUT: arith.mulf {{.*}} : tensor<8x16xf32>
  %4 = arith.mulf %1, %1 : tensor<8x16xf32> loc("decoder.norm.square")
  // CHECK: train.matmul {{.*}}operand = f32, accumulate = f32, result = f32, rule = "speech/overrides[2]: low", reason = "the policy computes in f32"
  %5 = train.matmul %4, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> loc("decoder.scores")
  return %5, %2, %3 : tensor<8x16xf32>, tensor<8xf32>, tensor<8xf32>
}
