// Every preset is a policy that reads without a mistake.
// RUN: vernier-opt %s --amp-autocast=policy=f32 | FileCheck %s --check-prefix=VERNIER
// RUN: vernier-opt %s --amp-autocast=policy=tf32 | FileCheck %s --check-prefix=VERNIER
// RUN: vernier-opt %s --amp-autocast=policy=bf16 | FileCheck %s --check-prefix=VERNIER
// RUN: vernier-opt %s --amp-autocast=policy=f16 | FileCheck %s --check-prefix=VERNIER
// RUN: vernier-opt %s --amp-autocast=policy=vernier | FileCheck %s --check-prefix=VERNIER
// RUN: vernier-opt %s --amp-autocast=policy=torch-cuda | FileCheck %s --check-prefix=CUDA
// RUN: vernier-opt %s --amp-autocast=policy=torch-cpu | FileCheck %s --check-prefix=CPU
// RUN: vernier-opt %s --amp-autocast=policy=%S/Inputs/mine.yaml | FileCheck %s --check-prefix=MINE

// PyTorch widens the softmax on CUDA and not on the CPU; a file of one's own names
// exceptions by location or op, the first match decides.
func.func @predict(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
  // VERNIER: rule = "vernier/train.matmul: low"
  // CUDA: operand = f16{{.*}}rule = "torch-cuda/train.matmul: low"
  // CPU: operand = bf16{{.*}}rule = "torch-cpu/train.matmul: low"
  // MINE: operand = bf16{{.*}}rule = "vernier/train.matmul: low"
  %0 = train.matmul %x, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  // VERNIER: rule = "vernier/train.softmax: full-inside"
  // CUDA: result = f32{{.*}}rule = "torch-cuda/train.softmax: full"
  // CPU: result = bf16{{.*}}rule = "torch-cpu/train.softmax: full-inside"
  // MINE: result = f32{{.*}}rule = "mine/train.softmax: full"
  %1 = train.softmax %0 : (tensor<8x16xf32>) -> tensor<8x16xf32>
  // VERNIER: rule = "vernier/train.matmul: low"
  // MINE: operand = f32{{.*}}rule = "mine/overrides[0]: full", reason = "its scores are large"
  %2 = train.matmul %1, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> loc("decoder.scores")
  // MINE: operand = tf32{{.*}}rule = "mine/overrides[1]: low", reason = "contraction of f32 values rounded to tf32"
  %3 = train.matmul %2, %w : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32> loc("decoder.values")
  return %3 : tensor<8x16xf32>
}
