# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# RUN: %python %s %t
# REQUIRES: numpy, ml_dtypes, compiler
"""After 50 steps of each optimizer the padding of parameters, moments and 16-bit
copies is zero, bit for bit, on the CPU device: with clipping, with loss scaling, and
where steps are skipped because the data overflows."""

import os
import subprocess
import sys

import numpy as np

from Numerics.Inputs import runtime

MODEL = """
module @mlp {
  ml_program.global private mutable @w1(#train.kaiming) : tensor<30x13xf32> {train.role = "parameter"}
  ml_program.global private mutable @b1(#train.constant<0.5>) : tensor<30xf32> {train.role = "parameter"}
  ml_program.global private mutable @w2(#train.kaiming) : tensor<9x30xf32> {train.role = "parameter"}
  ml_program.global private mutable @b2(#train.constant<0.5>) : tensor<9xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<6x13xf32> {train.name = "x"}, %t: tensor<6x9xf32> {train.name = "t"})
      -> (tensor<f32> {train.name = "loss"}) {
    %w1 = ml_program.global_load @w1 : tensor<30x13xf32>
    %b1 = ml_program.global_load @b1 : tensor<30xf32>
    %w2 = ml_program.global_load @w2 : tensor<9x30xf32>
    %b2 = ml_program.global_load @b2 : tensor<9xf32>
    %h = train.linear %x, %w1, %b1 : (tensor<6x13xf32>, tensor<30x13xf32>, tensor<30xf32>) -> tensor<6x30xf32>
    %s = train.silu %h : tensor<6x30xf32>
    %y = train.linear %s, %w2, %b2 : (tensor<6x30xf32>, tensor<9x30xf32>, tensor<9xf32>) -> tensor<6x9xf32>
    %loss = train.mse_loss %y, %t : (tensor<6x9xf32>, tensor<6x9xf32>) -> tensor<f32>
    return %loss : tensor<f32>
  }
}
"""
OPTIMIZERS = {"sgd,lr=0.05": 0, "sgd,lr=0.05,weight-decay=0.1": 0, "sgd,lr=0.02,momentum=0.9": 1,
              "sgd,lr=0.02,momentum=0.9,nesterov,weight-decay=0.1": 1, "adam,lr=0.01": 2,
              "adam,lr=0.01,weight-decay=0.1": 2, "adamw,lr=0.01,weight-decay=0.1": 2,
              "adamw,lr=0.01,clip-norm=0.5": 2}
STEPS = 50
folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
source = os.path.join(folder, "mlp.mlir")
with open(source, "w") as file:
    file.write(MODEL)
rng = np.random.default_rng(0)


def find_padding(observed, real):
    """The elements of `observed` behind those of shape `real`."""
    mask = np.ones(observed.shape, bool)
    mask[tuple(slice(extent) for extent in real)] = False
    return observed[mask]


def check(policy, optimizer, moments):
    what = f"{policy} {optimizer}"
    plan = os.path.join(folder, "mlp.vplan")
    subprocess.run(["vernier-compile", source, "-o", plan, "--policy=" + policy, "--optimizer=" + optimizer,
                    "--loss-scale=" + ("dynamic" if policy == "f16" else "none"),
                    "--pad-for-tensor-cores"], check=True)
    session = runtime.Session(plan)
    real = {name: value.shape for name, value in session.get_states().items()}
    real |= {f"{name}.{policy}": shape for name, shape in real.items()}  # 16-bit copies
    padded = {}

    def observe(name, value):
        if name in real and value.shape != real[name]:
            padding = find_padding(value, real[name])
            padded[name] = padded.get(name, 0) + 1
            assert not padding.view(np.uint8).any(), f"{what}: the padding of {name} holds {padding}"

    first = session.get_states()["w1"]
    for step in range(STEPS):
        data = {"x": rng.normal(size=(6, 13)), "t": rng.normal(size=(6, 9))}
        if policy == "f16" and step % 7 == 3:
            data["x"][2, 5] = np.inf
        if step == STEPS - 1:
            session.observe(observe)
        session.run("step", data)
    # What the last step wrote is read by the forward part of the next.
    session.run("loss", data)
    session.observe(None)
    last = session.get_states()
    assert np.isfinite(last["w1"]).all() and (last["w1"] != first).any(), f"{what}: nothing is learned"
    if policy == "f16":
        assert last["amp.skipped_steps"] >= 7, f"{what}: {last['amp.skipped_steps']} steps skipped"
    copies = 2 if policy in ("bf16", "f16") else 0
    matrices = [name for name in padded if name.startswith("w")]
    assert len(matrices) == 2 * (1 + moments) + copies, f"{what}: padded are {sorted(padded)}"
    session.close()


for policy in ("tf32", "bf16", "f16"):
    for optimizer, moments in OPTIMIZERS.items():
        check(policy, optimizer, moments)
print("the padding of states stays zero")
