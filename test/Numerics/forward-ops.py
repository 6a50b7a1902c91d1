#===- forward-ops.py - Ops against JAX
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, jax, compiler
"""Each op, in f32, bf16 and f16 and in exact mode, against JAX in f64: the result
is JAX's rounded once. NumPy's rounding of ml_dtypes stands for the types."""

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np

from Numerics.Inputs import cases, formats, vernier

CASES = cases.all_cases()


def module(element):
    """A module whose @all calls every case on its own arguments."""
    functions, arguments, calls, results = [], [], [], []
    for number, case in enumerate(CASES):
        functions.append(case.function_text(f"case{number}", element))
        types = [entry.type(element) for entry in case.inputs]
        names = [f"%a{number}_{i}" for i in range(len(types))]
        arguments += [f'{name}: {kind} {{train.name = "{name[1:]}"}}'
                      for name, kind in zip(names, types)]
        kind = case.result_type(element)
        calls.append(f"  %r{number} = func.call @case{number}({', '.join(names)}) : "
                     f"({', '.join(types)}) -> {kind}")
        results.append((f"%r{number}", kind))
    declared = ", ".join(f'{kind} {{train.name = "{name[1:]}"}}'
                         for name, kind in results)
    return "\n".join([
        *functions, f"func.func @all({', '.join(arguments)}) -> ({declared}) {{",
        *calls, "  return " + ", ".join(name for name, _ in results) + " : "
        + ", ".join(kind for _, kind in results), "}"])


def check(element, exact):
    rng = np.random.default_rng(1)
    inputs = [[entry.draw(rng, element) for entry in case.inputs] for case in CASES]
    arrays = {f"a{number}_{i}": np.asarray(value)
              for number, values in enumerate(inputs)
              for i, value in enumerate(values)}
    got, _ = vernier.evaluate(module(element), "all", arrays, exact=exact)
    failures = []
    for number, (case, values) in enumerate(zip(CASES, inputs)):
        want = np.asarray(case.function(*values), np.float64)
        result = got[f"r{number}"]
        if exact:
            # Cancellation may lose a few of f64's bits in either.
            error, bound = formats.error_relative_to_largest(result, want), 1e-13
        else:
            # A hair above one rounding: through f32, and libraries differ in f64.
            error = formats.error_in_spacings(
                result, want, case.result_element_type(element))
            bound = 0.5 + 2e-4
        if not error <= bound:
            failures.append(f"{case.name}: {error:.3g} above {bound}")
    print(f"{element}{' exact' if exact else ''}: {len(CASES)} cases, "
          f"{len(failures)} failures")
    return failures


failures = [f"{element}: {failure}"
            for element, exact in (("f32", True), ("f32", False), ("bf16", False),
                                   ("f16", False))
            for failure in check(element, exact)]
print("\n".join(failures))
assert not failures
