#===- handwritten-losses.py - Losses and norms of primitives in f16
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s | FileCheck %s
# REQUIRES: numpy, ml_dtypes, jax, compiler
"""Losses and norms that are written by hand, under the policy f16, with data of
magnitude 1, 100 and 10,000: the loss and the gradient of the weight of a training
step against JAX in f32. Where JAX is not finite, neither may the loss be: a number
would be made up. Data and weights are numbers of f16, so that what differs is what
the policy has rounded."""

# CHECK: 61 formulas, 183 losses and 183 gradients within 1 %

import os
import subprocess
import sys
import tempfile
import types
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np

from Numerics.Inputs import runtime
from Numerics.Inputs.formulas import Jax, Text, Value, kind
from Numerics.Inputs.handwritten import C, LOSSES, N, STABLE

FEATURES = 8
SCALES = [1, 100, 10000]
SHAPES = {"x": (N, FEATURES), **{name: (N, C) for name in "tunkq"}}
# The most steps until the loss scale has found its size: 2^16 to 2^-24.
MOST_STEPS = 50


def make_data(scale):
    rng = np.random.default_rng(7)
    data = {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}
    data["k"] = (data["k"] > 0.3).astype(float)
    data["q"] = rng.dirichlet(np.ones(C), N) + 1e-3
    for name in "xtu":
        data[name] *= scale
    return {name: value.astype(np.float16).astype(np.float32) for name, value in data.items()}


RNG = np.random.default_rng(8)
WEIGHTS = {name: (RNG.standard_normal(shape) / np.sqrt(shape[1])).astype(np.float16).astype(np.float32)
           for name, shape in {"w": (C, FEATURES), "v": (C, C)}.items()}


def write(formula):
    """The model whose loss is `formula`."""
    text = Text()
    values = {name: Value(text, "%" + name, shape) for name, shape in
              {**SHAPES, **{name: w.shape for name, w in WEIGHTS.items()}}.items()}
    y = text.line(f"train.linear %x, %w : ({kind(SHAPES['x'])}, {kind(WEIGHTS['w'].shape)}) -> {kind((N, C))}", (N, C))
    loss = formula(text, y, types.SimpleNamespace(**values))
    arguments = ", ".join(f'%{name}: {kind(shape)} {{train.name = "{name}"}}' for name, shape in SHAPES.items())
    return "\n".join([
        *(f"ml_program.global private mutable @{name}(#train.constant<0.0>) : {kind(w.shape)} "
          '{train.role = "parameter"}' for name, w in WEIGHTS.items()),
        f'func.func @loss({arguments}) -> (tensor<f32> {{train.name = "loss"}}) {{',
        *(f"  %{name} = ml_program.global_load @{name} : {kind(w.shape)}" for name, w in WEIGHTS.items()),
        *("  " + line for line in text.lines), f"  return {loss.name} : tensor<f32>", "}"])


def differentiate(formula):
    """The loss and its gradients in JAX."""
    def loss(weights, data):
        y = data["x"] @ weights["w"].T
        return formula(Jax, y, types.SimpleNamespace(**data, **weights))

    return jax.jit(jax.value_and_grad(loss))


def compile_model(folder, number, formula, policy):
    path = os.path.join(folder, f"{number}.vplan")
    done = subprocess.run(["vernier-compile", "-", "--policy=" + policy, "--optimizer=sgd,lr=1", "-o", path],
                          input=write(formula), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return path


def run(plan, data):
    """Loss and gradients of the first step that is not skipped."""
    session = runtime.Session(plan)
    # A weight that the formula does not use is no state.
    weights = {name: WEIGHTS[name] for name in session.get_states() if name in WEIGHTS}
    for _ in range(MOST_STEPS):
        session.set_states(weights)
        outputs = session.run("step", data)
        if outputs["all_finite"] or not np.isfinite(outputs["loss"]):
            break
    states = session.get_states()
    session.close()
    gradients = {name: weight - states[name] for name, weight in weights.items()}
    return float(outputs["loss"]), gradients, bool(outputs["all_finite"])


def distance(ours, theirs):
    """In relation to the length, or to what a weight of f32 shows of a change of 1."""
    return np.linalg.norm(ours - theirs) / max(np.linalg.norm(theirs), 1e-3)


def compare(name, plan, formula, policy):
    """What is wrong with a formula, and how many losses and gradients are not."""
    wrong, losses, gradients = [], 0, 0
    reference = differentiate(STABLE.get(name, formula))
    for scale in SCALES:
        data = make_data(scale)
        expected, expected_gradients = reference(WEIGHTS, data)
        loss, actual, is_taken = run(plan, data)
        where = f"{policy}, {name} x {scale}: "
        if not np.isfinite(expected):
            if np.isfinite(loss):
                wrong.append(f"{where}loss {loss}, which is {expected}")
        elif not abs(loss - expected) <= 0.01 * max(abs(expected), 1e-2):
            wrong.append(f"{where}loss {loss} instead of {expected}")
        else:
            losses += 1
        far = max(distance(actual[w], np.asarray(expected_gradients[w])) for w in actual)
        if is_taken and not far <= 0.01:
            wrong.append(f"{where}gradient off by {far:.3g}")
        elif not is_taken and np.isfinite(expected):
            wrong.append(f"{where}no step in {MOST_STEPS}")
        else:
            gradients += 1
    return wrong, losses, gradients


def main(policy="f16"):
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        plans = list(pool.map(lambda entry: compile_model(folder, entry[0], entry[1], policy), enumerate(LOSSES.values())))
        results = [compare(name, plan, formula, policy) for plan, (name, formula) in zip(plans, LOSSES.items())]
    for wrong, _, _ in results:
        print("\n".join(wrong), end="\n" if wrong else "")
    print(f"{len(results)} formulas, {sum(r[1] for r in results)} losses and {sum(r[2] for r in results)} gradients within 1 %")


if __name__ == "__main__":
    main(*sys.argv[1:])
