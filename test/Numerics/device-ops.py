#===- device-ops.py - Ops and vjps on the CPU against evaluator and JAX
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, jax, compiler
"""Each op and its vjp, compiled in each precision and run on the CPU: against the
evaluator on the same step, and in f32 against JAX in f64. The momentum of SGD
after one step is the gradient.

How far device and evaluator may be apart is derived from the IR of the step, see
roundings.py: bit for bit what only moves, selects, or rounds as IEEE 754 says; else
1e-5 of the largest element, and one spacing of bf16 or f16 for each rounding to it
that the IR has on the way. Nothing is allowed for a kernel that rounds more often, or
elsewhere, than its op says."""

import collections
import os
import tempfile

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np

from Numerics.Inputs import cases, formats, programs, roundings, runtime, vernier

CASES = cases.all_cases()
# The presets keep most ops of such a model in f32; bf16 and f16 here keep none there.
POLICIES = {"f32": "base: f32", "tf32": "base: tf32",
            "bf16": "compute: bf16\ndefault: low", "f16": "compute: f16\ndefault: low"}
JAX_BOUND = 1e-5


def draw():
    rng = np.random.default_rng(5)
    inputs = [[entry.draw(rng, "f32") for entry in case.inputs] for case in CASES]
    cotangents = [np.asarray(formats.rounded(rng.standard_normal(case.result_shape),
                                             "f32")) for case in CASES]
    return inputs, cotangents


INPUTS, COTANGENTS = draw()
DATA, STATES = programs.data(CASES, INPUTS, COTANGENTS)
MODEL = programs.loss_module(CASES, "f32")
# The results, and the parameters for their gradients.
NAMES = [*(f"y{number}" for number in range(len(CASES))), *STATES]


def run(kind):
    """(what the IR says of each value; of the evaluator and of each target, results
    and gradients by name)."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        model, plan, policy = (os.path.join(folder, name)
                               for name in ("m.mlir", "m.vplan", "p.yaml"))
        for path, text in ((model, MODEL), (policy, f"name: {kind}\n{POLICIES[kind]}\n")):
            with open(path, "w") as file:
                file.write(text)
        options = [f"--policy={policy}", "--optimizer=sgd,lr=0.0,momentum=0.9",
                   "--loss-scale=none"]
        step = vernier.run_tool("vernier-compile", model, "--emit=step", *options)
        found["the evaluator"] = vernier.evaluate(step, "step", DATA, STATES)
        for target in runtime.targets():
            vernier.run_tool("vernier-compile", model, "-o", plan, *options,
                             f"--target={target}")
            session = runtime.Session(plan)
            session.set_states(STATES)
            found[target] = session.run("step", DATA), session.get_states()
            session.close()
    # A skipped step would have no gradients to compare.
    assert all(outputs["all_finite"] for outputs, _ in found.values())
    known = roundings.analyse(step)
    return pick(known), {who: pick({**outputs, **states})
                         for who, (outputs, states) in found.items()}


def pick(found):
    """What is compared, by NAMES: the first momentum is the gradient."""
    return {name: found[name + ".momentum" if name in STATES else name] for name in NAMES}


def compare(what, got, wanted, bound_of):
    """`bound_of` name and values; elements that are further apart."""
    failures = []
    for name in NAMES:
        if name not in wanted:
            continue
        have, want = (np.asarray(values[name], np.float64) for values in (got, wanted))
        excess = np.abs(have - want) - bound_of(name, want)
        if not np.all(excess <= 0):
            worst = np.unravel_index(np.argmax(excess), excess.shape)
            failures.append(f"{what}: {CASES[int(name[1:].split('_')[0])].name}, {name}"
                            f"{list(map(int, worst))}: {have[worst]:.9g} for "
                            f"{want[worst]:.9g}, {excess[worst]:.3g} above the bound")
    print(f"{what}: {len(failures)} of {len(NAMES)} values differ")
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
for kind in POLICIES:
    known, found = run(kind)
    tiers = collections.Counter(str(known[name]) for name in NAMES)
    print(f"{kind}: " + ", ".join(f"{n} {tier}" for tier, n in tiers.most_common()))
    # Each tier has values: the analysis has not lost its way.
    assert tiers["equal"] > 200 and (kind == "tf32" or any(kind in t for t in tiers))
    for target in runtime.targets():
        failures += compare(f"{kind}, {target} against the evaluator", found[target],
                            found["the evaluator"],
                            lambda name, values: known[name].bound(values))
        if kind == "f32":
            failures += compare(f"{kind}, {target} against JAX", found[target], jax_values,
                                lambda _, values: JAX_BOUND * np.max(np.abs(values),
                                                                     initial=0.0))
print("\n".join(failures))
assert not failures
