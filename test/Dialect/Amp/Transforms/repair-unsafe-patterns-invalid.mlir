// RUN: vernier-opt %s --verify-diagnostics --amp-repair-unsafe-patterns=policy=torch-cuda
// RUN: sed '/expected/d' %s | vernier-opt --amp-repair-unsafe-patterns=policy=f16 2>&1 | FileCheck %s --check-prefix=WARNING
// RUN: sed '/expected/d' %s | vernier-opt --amp-repair-unsafe-patterns=policy=f32 2>&1 | FileCheck %s --check-prefix=SILENT
// RUN: sed '/expected/d' %s | vernier-opt --amp-repair-unsafe-patterns=policy=torch-cpu 2>&1 | FileCheck %s --check-prefix=WARNING

// With a guard nothing is infinite, and nobody bans it: a warning under any policy of
// 16 bits.
// WARNING: warning: binary cross entropy of a probability: in 16 bits it rounds to 0 or 1 long before epsilon is reached, which leaves log(epsilon) and no gradient; compute it from the scores
func.func @predict(%p: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<f32> {
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %eps = arith.constant dense<1.0e-12> : tensor<4xf32>
  %pe = arith.addf %p, %eps : tensor<4xf32>
  %logp = math.log %pe : tensor<4xf32>
  %q = arith.subf %one, %p : tensor<4xf32>
  %qe = arith.addf %q, %eps : tensor<4xf32>
  %logq = math.log %qe : tensor<4xf32>
  %u = arith.subf %one, %t : tensor<4xf32>
  %hit = arith.mulf %t, %logp : tensor<4xf32>
  %miss = arith.mulf %u, %logq : tensor<4xf32>
  %sum = arith.addf %hit, %miss : tensor<4xf32>
  %minus = arith.negf %sum : tensor<4xf32>
  // expected-warning@+1 {{which leaves log(epsilon) and no gradient; compute it from the scores with train.bce_with_logits_loss}}
  %loss = train.reduce mean %minus dims = [0] : tensor<4xf32> -> tensor<f32>
  return %loss : tensor<f32>
}

// Binary cross entropy of a probability that comes from outside: there are no scores
// to repair it with. PyTorch bans it under CUDA's autocast; ours warns, and f32 has
// nothing to warn of.
// WARNING: warning: binary cross entropy of a probability: near 0 and 1 its logarithms are -inf and its gradient overflows in 16 bits; compute it from the scores with train.bce_with_logits_loss, or from train.sigmoid of them, which is repaired
// WARNING-NOT: refuses
// SILENT-NOT: warning
func.func @loss(%p: tensor<4xf32>, %t: tensor<4xf32>) -> tensor<f32> {
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %logp = math.log %p : tensor<4xf32>
  %q = arith.subf %one, %p : tensor<4xf32>
  %logq = math.log %q : tensor<4xf32>
  %u = arith.subf %one, %t : tensor<4xf32>
  %hit = arith.mulf %t, %logp : tensor<4xf32>
  %miss = arith.mulf %u, %logq : tensor<4xf32>
  %sum = arith.addf %hit, %miss : tensor<4xf32>
  %mean = train.reduce mean %sum dims = [0] : tensor<4xf32> -> tensor<f32>
  // expected-error@+1 {{compute it from the scores with train.bce_with_logits_loss, or from train.sigmoid of them, which is repaired; policy 'torch-cuda' refuses it}}
  %loss = arith.negf %mean : tensor<f32>
  return %loss : tensor<f32>
}
