// RUN: vernier-opt %s -split-input-file -verify-diagnostics --amp-autocast=policy=%S/Inputs/widest.yaml
// RUN: not vernier-opt %s --amp-autocast=compute=f8 2>&1 | FileCheck %s --check-prefix=COMPUTE
// RUN: not vernier-opt %s --amp-autocast=strategy=mincut 2>&1 | FileCheck %s --check-prefix=STRATEGY

// COMPUTE: error: unknown compute type 'f8': expected f32, tf32, bf16 or f16
// STRATEGY: error: unknown strategy 'mincut': expected lists, propagate or min-cut

// Neither of the 16-bit types holds the values of the other.
func.func @loss(%a: tensor<4xbf16>, %b: tensor<4xf16>) -> tensor<f32> {
  // expected-error@+1 {{mixes bf16 and f16 operands, neither of which holds the other's values: cast one of them with arith.extf to f32 in the model, or give 'train.mse_loss' the class full in the policy}}
  %loss = train.mse_loss %a, %b : (tensor<4xbf16>, tensor<4xf16>) -> tensor<f32>
  return %loss : tensor<f32>
}
