#===- random-graphs.py - Ops in every order, against JAX and the evaluator
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, jax, compiler
"""A step of models made at random, on the CPU: in f32 loss and gradients are those of
JAX in f64; in 16 bits those of the evaluator, which does the same roundings. What
fusion, padding and buffer assignment make of one op beside another shows here.

usage: random-graphs.py [FIRST_SEED COUNT], for more of them."""

import os
import sys
import tempfile

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np

from Numerics.Inputs import random_graphs, runtime, vernier

FIRST, COUNT = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (0, 24)
OPS = 14
# Of the largest element. A chain of ops multiplies f32's differences; and 16-bit
# roundings that fall otherwise after a sum, or choose another maximum, are spread by
# what follows. Wrong values are off by about 1.
F32_BOUND, NARROW_BOUND = 1e-4, 0.1
# Gradients that are 0 because their sum cancels are as wrong as its terms.
SMALLEST = 1e-2


def run_step(folder, graph, policy, target):
    """{name: array} of loss and gradients: of the device and of the evaluator."""
    model, plan = (os.path.join(folder, name) for name in ("m.mlir", "m.vplan"))
    with open(model, "w") as file:
        file.write(graph.text())
    options = [f"--policy={policy}", "--optimizer=sgd,lr=0.0,momentum=0.9", "--loss-scale=none", f"--target={target}"]
    vernier.run_tool("vernier-compile", model, "-o", plan, *options)
    session = runtime.Session(plan)
    known = session.get_states()
    states = {name: value for name, value in graph.states.items() if name in known}
    session.set_states(states)
    device = session.run("step", graph.data), session.get_states()
    session.close()
    if policy == "f32":
        return pick(graph, *device), None
    step = vernier.run_tool("vernier-compile", model, "--emit=step", *options)
    return pick(graph, *device), pick(graph, *vernier.evaluate(step, "step", graph.data, states))


def pick(graph, outputs, states):
    """The first momentum of SGD is the gradient; a parameter that no op of the loss
    needs has none."""
    momenta = {name: states.get(name + ".momentum") for name in graph.states}
    return {"loss": outputs["loss"], **{name: value for name, value in momenta.items() if value is not None}}


def compare(what, got, want, bound):
    failures = []
    for name, value in want.items():
        value = np.asarray(value, np.float64)
        if name not in got:
            if np.any(value):
                failures.append(f"{what}: '{name}' has no gradient")
            continue
        largest = max(np.max(np.abs(value), initial=0.0), SMALLEST)
        error = np.max(np.abs(np.asarray(got[name], np.float64) - value), initial=0.0) / largest
        if not error <= bound:
            failures.append(f"{what}: '{name}' is off by {error:.3g}, above {bound:.3g}")
    return failures


failures = []
with tempfile.TemporaryDirectory() as scratch:
    for seed in range(FIRST, FIRST + COUNT):
        model = random_graphs.Graph(seed, OPS)
        target = runtime.targets()[seed % len(runtime.targets())]
        loss, gradients = model.gradients()
        jax.clear_caches()
        for policy in ("f32", ("bf16", "f16")[seed % 2]):
            device, evaluator = run_step(scratch, model, policy, target)
            want = evaluator or {"loss": loss, **gradients}
            found = compare(f"seed {seed}, {policy}, {target}", device, want, F32_BOUND if policy == "f32" else NARROW_BOUND)
            if found:
                failures += [*found, model.text()]
print(f"{COUNT} graphs, {len(failures)} failures")
print("\n".join(failures))
assert not failures
