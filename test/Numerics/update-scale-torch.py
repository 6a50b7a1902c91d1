#===- update-scale-torch.py - The loss scale against torch
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, torch-gradscaler, compiler
"""amp.update_scale against the kernel of torch's GradScaler, over several steps."""

import numpy as np
import torch

from Numerics.Inputs import vernier

# A history of finite and skipped steps.
FINITE = np.array([1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1], np.bool_)
INTERVAL = 2
text = f"""
  ml_program.global private mutable @scale(#train.constant<1024.0>) : tensor<f32>
  ml_program.global private mutable @tracker(dense<0> : tensor<i32>) : tensor<i32>
  func.func @step(%finite: tensor<i1>) -> (tensor<f32>, tensor<i32>) {{
    %s = ml_program.global_load @scale : tensor<f32>
    %t = ml_program.global_load @tracker : tensor<i32>
    %0, %1 = amp.update_scale %s, %t, %finite {{growth_interval = {INTERVAL} : i64}}
      : tensor<f32>, tensor<i32>, tensor<i1>
    ml_program.global_store @scale = %0 : tensor<f32>
    ml_program.global_store @tracker = %1 : tensor<i32>
    return %0, %1 : tensor<f32>, tensor<i32>
  }}"""
got, _ = vernier.evaluate(text, "step", {"arg0": FINITE}, steps=len(FINITE))
scale, tracker = torch.tensor(1024.0), torch.tensor(0, dtype=torch.int32)
for step, finite in enumerate(FINITE):
    torch._amp_update_scale_(scale, tracker, torch.tensor(float(not finite)), 2.0,
                             0.5, INTERVAL)
    assert got["result0"][step] == scale.item(), step
    assert got["result1"][step] == tracker.item(), step
print("the loss scale agrees")
