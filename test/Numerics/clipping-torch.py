#===- clipping-torch.py - One norm over groups of parameters against torch
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s %t
# REQUIRES: numpy, ml_dtypes, torch, compiler
"""Steps whose gradients are clipped, compiled for the CPU, against
torch.nn.utils.clip_grad_norm_ and torch.optim.SGD: by one norm over all groups of
parameters, over all but one, and by one of each group, in f32, bf16 and f16 with a
scaler, with windows of micro-batches, too. The gradient of a step is the momentum of a
plan without clipping that starts with none, so only clipping and update are compared."""

import os
import sys

import numpy as np
import torch

from Numerics.Inputs import runtime, vernier

MODEL = """
ml_program.global private mutable @fc1.weight(#train.kaiming) : tensor<16x8xf32> {train.role = "parameter"}
ml_program.global private mutable @fc1.bias(#train.normal<0.0, 1.0>) : tensor<16xf32> {train.role = "parameter"}
ml_program.global private mutable @fc2.weight(#train.kaiming) : tensor<4x16xf32> {train.role = "parameter"}
ml_program.global private mutable @fc2.bias(#train.normal<0.0, 1.0>) : tensor<4xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<16x8xf32> {train.name = "x"}, %t: tensor<16x4xf32> {train.name = "t"})
    -> (tensor<f32> {train.name = "loss"}) {
  %w1 = ml_program.global_load @fc1.weight : tensor<16x8xf32>
  %b1 = ml_program.global_load @fc1.bias : tensor<16xf32>
  %w2 = ml_program.global_load @fc2.weight : tensor<4x16xf32>
  %b2 = ml_program.global_load @fc2.bias : tensor<4xf32>
  %h = train.linear %x, %w1, %b1 : (tensor<16x8xf32>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<16x16xf32>
  %a = math.tanh %h : tensor<16x16xf32>
  %y = train.linear %a, %w2, %b2 : (tensor<16x16xf32>, tensor<4x16xf32>, tensor<4xf32>) -> tensor<16x4xf32>
  %l = train.mse_loss %y, %t : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<f32>
  return %l : tensor<f32>
}
"""
NAMES = ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")
BIASES, HEAD = ("fc1.bias", "fc2.bias"), ("fc2.weight",)
RATE, STEPS, BOUND = 0.05, 6, 2.0
SGD = f"--optimizer=sgd,lr={RATE}"
GROUPS = (f"{SGD},group=nodecay,parameters=.*bias", f"{SGD},group=head,parameters=fc2.weight")
# Settings of the three optimizers, and whose gradients share a norm, with its bound.
CLIPPINGS = {
    "one norm": ((f",clip_norm={BOUND}", "", ""), {"": (NAMES, BOUND)}),
    "given three times": ((f",clip_norm={BOUND}",) * 3, {"": (NAMES, BOUND)}),
    "but one": ((f",clip_norm={BOUND}", "", ",clip_norm=0"), {"": (("fc1.weight", *BIASES), BOUND)}),
    "one of its own": ((f",clip_norm={BOUND}", "", ",clip_norm=0.5,clip_scope=group"),
                       {"": (("fc1.weight", *BIASES), BOUND), ".head": (HEAD, 0.5)}),
    "each": ((f",clip_norm={BOUND},clip_scope=group", "", ""),
             {"": (("fc1.weight",), BOUND), ".nodecay": (BIASES, BOUND), ".head": (HEAD, BOUND)})}
PRECISIONS = {"f32": ("--policy=f32",), "bf16": ("--policy=bf16",),
              "f16": ("--policy=f16", "--loss-scale=dynamic,init=1024"),
              "windows": ("--policy=f16", "--loss-scale=dynamic,init=1024", "--accumulate=3"),
              "windows in f32": ("--policy=f32", "--accumulate=2")}
FOLDER = sys.argv[1]
os.makedirs(FOLDER, exist_ok=True)


def compile_session(optimizers, precision):
    model, plan = (os.path.join(FOLDER, name) for name in ("m.mlir", "m.vplan"))
    with open(model, "w") as file:
        file.write(MODEL)
    vernier.run_tool("vernier-compile", model, "-o", plan, *optimizers, *precision)
    return runtime.Session(plan, seed=3)


def step(session, batches):
    for batch in batches[:-1]:
        session.run("accumulate", batch)
    return session.run("step", batches[-1])


def clip_in_torch(parameters, clippings):
    norms = {}
    for suffix, (names, bound) in clippings.items():
        norms[suffix] = torch.nn.utils.clip_grad_norm_([parameters[name] for name in names], bound).item()
    return norms


clipped = 0
for precision, flags in PRECISIONS.items():
    plain = compile_session((f"{SGD},momentum=0.5",), flags)
    count = next((int(flag[-1]) for flag in flags if flag.startswith("--accumulate")), 1)
    for what, (settings, clippings) in CLIPPINGS.items():
        optimizers = [text + setting for text, setting in zip((SGD, *GROUPS), settings)]
        session = compile_session(optimizers, flags)
        rng = np.random.default_rng(7)
        for number in range(STEPS):
            size = (8, 4, 2, 1, 0.5, 0.25)[number]  # the last are not clipped
            batches = [{"x": rng.standard_normal((16, 8)).astype("f4"),
                        "t": (size * rng.standard_normal((16, 4))).astype("f4")} for _ in range(count)]
            before = session.get_states()
            plain.set_states({name: before[name] for name in NAMES}
                             | {f"{name}.momentum": np.zeros_like(before[name]) for name in NAMES})
            step(plain, batches)
            gradients = plain.get_states()
            parameters = {name: torch.nn.Parameter(torch.from_numpy(before[name].copy())) for name in NAMES}
            for name, parameter in parameters.items():
                parameter.grad = torch.from_numpy(gradients[f"{name}.momentum"].copy())
            norms = clip_in_torch(parameters, clippings)
            torch.optim.SGD(parameters.values(), lr=RATE).step()
            outputs, after = step(session, batches), session.get_states()
            where = f"{precision}, {what}, step {number}"
            assert {name for name in outputs if name.startswith("grad_norm")} == {
                "grad_norm" + suffix for suffix in norms}, where
            for suffix, norm in norms.items():
                bound = clippings[suffix][1]
                np.testing.assert_allclose(outputs["grad_norm" + suffix], norm, rtol=2e-6, err_msg=where)
                np.testing.assert_allclose(outputs["clip_factor" + suffix], min(1, bound / (norm + 1e-6)),
                                           rtol=2e-6, err_msg=where)
                clipped += norm > bound
            for name in NAMES:
                np.testing.assert_allclose(after[name], parameters[name].detach().numpy(), rtol=1e-6, atol=1e-7,
                                           err_msg=f"{where}, {name}")
total = len(PRECISIONS) * STEPS * sum(len(clippings) for _, clippings in CLIPPINGS.values())
assert 0.2 * total < clipped < 0.9 * total, (clipped, total)
print(f"{total} norms agree with torch {torch.__version__}; {clipped} were above their bound")
