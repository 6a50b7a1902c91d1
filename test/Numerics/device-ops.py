#===- device-ops.py - Ops and vjps on the CPU against evaluator and JAX
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, jax, compiler
"""Each op and its vjp, compiled under each policy and run on the CPU: against the
evaluator on the same step, and in f32 against JAX in f64. The momentum of SGD
after one step is the gradient."""

import os
import tempfile

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np

from Numerics.Inputs import cases, formats, programs, runtime, vernier

CASES = cases.all_cases()
# One rounding that falls the other way, carried through an op or two.
BOUNDS = {"f32": 1e-5, "tf32": 1e-5, "bf16": 2.0**-6, "f16": 2.0**-9}


def draw():
    rng = np.random.default_rng(5)
    inputs = [[entry.draw(rng, "f32") for entry in case.inputs] for case in CASES]
    cotangents = [np.asarray(formats.rounded(rng.standard_normal(case.result_shape),
                                             "f32")) for case in CASES]
    return inputs, cotangents


INPUTS, COTANGENTS = draw()
DATA, STATES = programs.data(CASES, INPUTS, COTANGENTS)
MODEL = programs.loss_module(CASES, "f32")


def run(policy):
    """Of each target, and of the evaluator: results and gradients by name."""
    options = [f"--policy={policy}", "--optimizer=sgd,lr=0.0,momentum=0.9",
               "--loss-scale=none"]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        model, plan = (os.path.join(folder, name) for name in ("m.mlir", "m.vplan"))
        with open(model, "w") as file:
            file.write(MODEL)
        step = vernier.run_tool("vernier-compile", model, "--emit=step", *options)
        found["evaluator"] = vernier.evaluate(step, "step", DATA, STATES)
        for target in runtime.targets():
            vernier.run_tool("vernier-compile", model, "-o", plan, *options,
                             f"--target={target}")
            session = runtime.Session(plan)
            session.set_states(STATES)
            found[target] = session.run("step", DATA), session.get_states()
            session.close()
    # The first momentum is the gradient.
    return {who: {**outputs, **{name: states[name + ".momentum"] for name in STATES}}
            for who, (outputs, states) in found.items()}


def compare(policy, target, device, wanted, whose):
    failures = []
    for number, case in enumerate(CASES):
        for name in (f"y{number}", *(n for n in STATES
                                     if n.startswith(f"g{number}_"))):
            if name not in wanted:
                continue
            error = formats.error_relative_to_largest(device[name], wanted[name])
            if not error <= BOUNDS[policy]:
                failures.append(f"{policy}, {target}: {case.name}, {name}: {error:.3g} from "
                                f"{whose}, above {BOUNDS[policy]:.3g}")
    print(f"{policy}, {target}: {len(CASES)} cases against {whose}, {len(failures)} failures")
    return failures


def references():
    """What JAX computes in f64, by name."""
    wanted = {}
    for number, case in enumerate(CASES):
        floats = [i for i, entry in enumerate(case.inputs) if programs.is_float(entry)]

        def function(*arguments, case=case, floats=floats, values=INPUTS[number]):
            full = list(values)
            for i, argument in zip(floats, arguments):
                full[i] = argument
            return case.function(*full)
        y, vjp = jax.vjp(function, *(jax.numpy.asarray(INPUTS[number][i])
                                     for i in floats))
        wanted[f"y{number}"] = y
        for i, gradient in zip(floats, vjp(jax.numpy.asarray(COTANGENTS[number]))):
            wanted[f"g{number}_{i}"] = gradient
    return wanted


failures, jax_values = [], references()
for policy in ("f32", "tf32", "bf16", "f16"):
    found = run(policy)
    for target in runtime.targets():
        failures += compare(policy, target, found[target], found["evaluator"],
                            "the evaluator")
        if policy == "f32":
            failures += compare(policy, target, found[target], jax_values, "JAX")
print("\n".join(failures))
assert not failures
