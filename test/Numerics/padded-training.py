# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# RUN: %python %s %t
# REQUIRES: numpy, ml_dtypes, compiler
"""Padded plans train to the bits of plain ones on the CPU device: a hidden layer of
700 with parameters and moments stored padded, and an output layer of 50257 classes.
Values are small integers (the MLP) or sums short enough to have one order. Models with
norms, tied embeddings and attention agree within the roundings of their sums."""

import itertools
import os
import subprocess
import sys
from ctypes import Structure, c_uint32, c_uint64

import numpy as np

from Numerics.Inputs import runtime
from Numerics.Inputs.padded_models import MODELS, PERCEPTRONS

MLP = """
module @mlp {
  ml_program.global private mutable @w1(#train.uniform<-1.0, 1.0>) : tensor<700x13xf32> {train.role = "parameter"}
  ml_program.global private mutable @b1(#train.constant<1.0>) : tensor<700xf32> {train.role = "parameter"}
  ml_program.global private mutable @w2(#train.kaiming) : tensor<10x700xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<4x13xf32> {train.name = "x"}, %t: tensor<4x10xf32> {train.name = "t"})
      -> (tensor<f32> {train.name = "loss"}, tensor<4x10xf32> {train.name = "y"}) {
    %w1 = ml_program.global_load @w1 : tensor<700x13xf32>
    %b1 = ml_program.global_load @b1 : tensor<700xf32>
    %w2 = ml_program.global_load @w2 : tensor<10x700xf32>
    %h = train.linear %x, %w1, %b1 : (tensor<4x13xf32>, tensor<700x13xf32>, tensor<700xf32>) -> tensor<4x700xf32>
    %r = train.relu %h : tensor<4x700xf32>
    %y = train.linear %r, %w2 : (tensor<4x700xf32>, tensor<10x700xf32>) -> tensor<4x10xf32>
    %loss = train.mse_loss %y, %t {reduction = #train<reduction sum>} : (tensor<4x10xf32>, tensor<4x10xf32>) -> tensor<f32>
    return %loss, %y : tensor<f32>, tensor<4x10xf32>
  }
}
"""
VOCABULARY = """
module @vocabulary {
  ml_program.global private mutable @w(#train.normal<0.0, 0.5>) : tensor<50257x7xf32> {train.role = "parameter"}
  ml_program.global private mutable @b(#train.constant<0.25>) : tensor<50257xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<4x7xf32> {train.name = "x"}, %t: tensor<4xi32> {train.name = "t"})
      -> (tensor<f32> {train.name = "loss"}) {
    %w = ml_program.global_load @w : tensor<50257x7xf32>
    %b = ml_program.global_load @b : tensor<50257xf32>
    %y = train.linear %x, %w, %b : (tensor<4x7xf32>, tensor<50257x7xf32>, tensor<50257xf32>) -> tensor<4x50257xf32>
    %loss = train.cross_entropy %y, %t : (tensor<4x50257xf32>, tensor<4xi32>) -> tensor<f32>
    return %loss : tensor<f32>
  }
}
"""
rng = np.random.default_rng(0)
folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)


def compile_both(name, text, policy, optimizer):
    """The plain and the padded plan."""
    source = os.path.join(folder, name + ".mlir")
    with open(source, "w") as file:
        file.write(text)
    for suffix, flags in (("plain", []), ("padded", ["--pad-for-tensor-cores"])):
        plan = os.path.join(folder, f"{name}.{suffix}.vplan")
        subprocess.run(["vernier-compile", source, "-o", plan, "--policy=" + policy,
                        "--optimizer=" + optimizer,
                        # Scaled gradients of the first step must fit f16.
                        "--loss-scale=" + ("64" if policy == "f16" else "auto")] + flags,
                       check=True)
        yield plan


class Retention(Structure):
    """Which checkpoints stay when one is saved."""
    _fields_ = [("newest", c_uint32), ("every", c_uint64)]


def reload(source, target):
    """Load into `target` what `source` saves."""
    path = os.path.join(folder, "checkpoint").encode()
    runtime.call("vernier_session_save", source.session, path, c_uint64(1), None, Retention(0, 0))
    runtime.call("vernier_session_load", target.session, path, None, None)
    compare(([], target.get_states()), ([], source.get_states()), "checkpoint")


def sparse(shape):
    return rng.integers(-1, 2, shape).astype(np.float32) * (rng.random(shape) < 0.2)


def train(session, data, steps, state=None):
    for name, value in (state or {}).items():
        session.set_states({name: value})
    outputs = [session.run("step", data) for _ in range(steps)]
    return outputs, session.get_states()


def compare(got, want, what):
    for a, b in zip(got[0], want[0]):
        for name in b:
            np.testing.assert_array_equal(a[name], b[name], f"{what} {name}")
    assert got[1].keys() == want[1].keys()
    for name in want[1]:
        np.testing.assert_array_equal(got[1][name], want[1][name], f"{what} {name}")


x, t = sparse((4, 13)), sparse((4, 10))
state = {"w1": sparse((700, 13)), "w2": sparse((10, 700)) * (rng.random((10, 700)) < 0.1)}
optimizers = ("sgd,lr=0.0009765625", "sgd,lr=0.0009765625,momentum=0.5",
              "sgd,lr=0.0009765625,momentum=0.5,nesterov,weight-decay=0.0625",
              "adam,lr=0.0009765625,weight-decay=0.0625", "adamw,lr=0.0009765625,clip-norm=4")
for policy, optimizer in itertools.product(("f32", "tf32", "bf16", "f16"), optimizers):
    what = f"{policy} {optimizer}"
    plain, padded = (runtime.Session(plan) for plan in
                     compile_both("mlp", MLP, policy, optimizer))
    # The initial values are those of the real shape.
    compare(([], padded.get_states()), ([], plain.get_states()), what)
    # Adam's quotients are no integers: one step of it has exact sums.
    steps = 1 if optimizer.startswith("adam") else 2
    want = train(plain, {"x": x, "t": t}, steps, state)
    compare(train(padded, {"x": x, "t": t}, steps, state), want, what)
    # Checkpoints have the real shapes: each plan goes on with the other's.
    reload(padded, plain)
    reload(plain, padded)
    compare(train(padded, {"x": x, "t": t}, 1, state), train(plain, {"x": x, "t": t}, 1, state), what)
    for session in (plain, padded):
        session.close()
    if not all(np.isfinite(value).all() and (value != state[name]).any()
               for name, value in want[1].items() if name in state):
        sys.exit(f"{what}: the steps diverge or change nothing")

for policy in ("f32", "bf16", "f16"):
    data = {"x": rng.integers(-2, 3, (4, 7)).astype(np.float32),
            "t": np.array([0, 50256, 17, 50255], np.int32)}
    plain, padded = (runtime.Session(plan) for plan in
                     compile_both("vocabulary", VOCABULARY, policy, "sgd,lr=0.5"))
    compare(train(padded, data, 3), train(plain, data, 3), policy)
    for session in (plain, padded):
        session.close()
# Kernels that read and write padded rows; norms of real numbers have no exact sums.
for (name, model), policy in itertools.product(MODELS.items(), ("tf32", "bf16", "f16")):
    plain, padded = (runtime.Session(plan) for plan in
                     compile_both(name, model.text(), policy, "adamw,lr=0.01,clip-norm=1"))
    data = {key: rng.integers(0, 10, [6 if name in PERCEPTRONS else 5]) if "i32" in kind else
            rng.normal(size=[int(extent) for extent in kind[7:-1].split("x")[:-1]])
            for key, kind in model.arguments}
    (want, states), (got, padded_states) = train(plain, data, 3), train(padded, data, 3)
    tolerance = 1e-5 if policy == "tf32" else 0.02
    for a, b in zip(got, want):
        np.testing.assert_allclose(a["loss"], b["loss"], tolerance, err_msg=f"{name} {policy}")
    for key, value in states.items():
        # Adam moves a parameter by lr whatever the size of its gradient is.
        if key.endswith((".m", ".v")):
            np.testing.assert_allclose(padded_states[key], value, 10 * tolerance,
                                       10 * tolerance * abs(value).max(), err_msg=f"{name} {policy} {key}")
    reload(padded, plain)
    for session in (plain, padded):
        session.close()
print("padded training equals plain training")
