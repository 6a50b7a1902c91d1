# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# RUN: %python %s
# REQUIRES: numpy, torch-gradscaler, compiler
"""A step with --amp-loss-scaling and torch.amp.GradScaler with torch.optim.SGD see
the same scales, skip the same steps and reach the same weights."""

import numpy as np
import torch

from Numerics.Inputs import vernier

STEPS, INTERVAL = 1000, 10
rng = np.random.default_rng(1)

text = vernier.optimize(
    """
    ml_program.global private mutable @w(#train.constant<1.0>) : tensor<1x4xf32> {train.role = "parameter"}
    func.func @loss(%x: tensor<1x4xf32> {train.name = "x"})
        -> (tensor<f32> {train.name = "loss"}, tensor<1x4xf32> {train.name = "w"}) {
      %w = ml_program.global_load @w : tensor<1x4xf32>
      %y = train.linear %x, %w : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x1xf32>
      %loss = train.reduce sum %y dims = [0, 1] : tensor<1x1xf32> -> tensor<f32>
      return %loss, %w : tensor<f32>, tensor<1x4xf32>
    }
    """,
    "--amp-autocast=policy=f32", "--amp-materialize-casts",
    "--train-attach-optimizer=optimizer=sgd lr=0.125", "--train-differentiate",
    f"--amp-loss-scaling=growth-interval={INTERVAL}")

# Large enough that the scale is driven to the end of f32 now and then.
x = rng.standard_normal((STEPS, 1, 4)).astype(np.float32)
x[rng.random(STEPS) < 0.05, 0, rng.integers(4)] = np.inf
x[200:400] *= np.float32(1e30)
ours, states = vernier.evaluate(text, "step", {"x": x}, steps=STEPS)

w = torch.ones(1, 4, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.125)
scaler = torch.amp.GradScaler("cpu", growth_interval=INTERVAL)
for step in range(STEPS):
    assert ours["loss_scale"][step] == scaler.get_scale(), step
    np.testing.assert_allclose(ours["w"][step], w.detach().numpy(), rtol=1e-5)
    optimizer.zero_grad()
    loss = torch.nn.functional.linear(torch.from_numpy(x[step]), w).sum()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
assert states["amp.scale"] == scaler.get_scale()
assert states["amp.growth_tracker"] == scaler.state_dict()["_growth_tracker"]
print(f"{STEPS} steps, {int(states['amp.skipped_steps'])} skipped, "
      f"last scale {scaler.get_scale()}")
