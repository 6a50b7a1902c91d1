#===- optimizers-torch.py - Optimizers against torch
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, torch, compiler
"""Optimizers and clipping against torch's own, over several steps."""

import numpy as np
import torch

from Numerics.Inputs import optimizers, vernier

rng = np.random.default_rng(4)
STEPS, SHAPE = 12, (3, 5)


def torch_optimizer(optimizer, parameter, rate):
    o = dict(optimizer.options)
    if optimizer.name == "sgd":
        return torch.optim.SGD([parameter], lr=rate, **o)
    betas = (o.pop("beta1", 0.9), o.pop("beta2", 0.999))
    decay = o.pop("weight_decay", 0.0)
    kind = torch.optim.Adam if optimizer.name == "adam" else torch.optim.AdamW
    return kind([parameter], lr=rate, betas=betas, eps=o.pop("epsilon", 1e-8),
                weight_decay=decay)


for optimizer in optimizers.ALL:
    start = rng.standard_normal(SHAPE).astype(np.float32)
    gradients = rng.standard_normal((STEPS, *SHAPE)).astype(np.float32)
    results, _ = vernier.evaluate(
        optimizers.update_module(optimizer, SHAPE), "step",
        {"arg0": gradients, "arg1": np.full(STEPS, 0.01, np.float32)},
        {"p": start}, steps=STEPS)
    parameter = torch.nn.Parameter(torch.from_numpy(start.copy()))
    peer = torch_optimizer(optimizer, parameter, 0.01)
    for step in range(STEPS):
        parameter.grad = torch.from_numpy(gradients[step].copy())
        peer.step()
        got, want = results["result0"][step], parameter.detach().numpy()
        np.testing.assert_allclose(got, want, rtol=2e-6, atol=1e-6,
                                   err_msg=f"{optimizer.attribute} step {step}")
print(f"{len(optimizers.ALL)} optimizers agree with torch {torch.__version__}")

for bound in (0.5, 100.0):
    gradients = [rng.standard_normal(shape).astype(np.float32)
                 for shape in ((4, 5), (7,))]
    kinds = "tensor<4x5xf32>, tensor<7xf32>"
    text = f"""
      func.func @f(%a: tensor<4x5xf32>, %b: tensor<7xf32>) -> ({kinds}, tensor<f32>) {{
        %0:3 = train.clip_by_global_norm %a, %b {{max_norm = {bound:e} : f64}}
          : ({kinds}) -> ({kinds}, tensor<f32>)
        return %0#0, %0#1, %0#2 : {kinds}, tensor<f32>
      }}"""
    got = vernier.evaluate(text, "f", {"arg0": gradients[0], "arg1": gradients[1]})[0]
    parameters = []
    for gradient in gradients:
        parameters.append(torch.nn.Parameter(torch.zeros(gradient.shape)))
        parameters[-1].grad = torch.from_numpy(gradient.copy())
    norm = torch.nn.utils.clip_grad_norm_(parameters, bound)
    np.testing.assert_allclose(got["result2"], norm.numpy(), rtol=1e-6)
    for i, parameter in enumerate(parameters):
        np.testing.assert_allclose(got[f"result{i}"], parameter.grad.numpy(),
                                   rtol=1e-6)
print("clipping agrees")
