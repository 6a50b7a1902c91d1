#===- vjps.py - Vjps against JAX
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, jax, compiler
"""The vjp of each op, as --train-differentiate builds it, against jax.vjp in f64:
in exact mode to 1e-12, in f32 to 1e-5 of the largest element, in 16 bits within
a few spacings (the vjp reads rounded results)."""

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np

from Numerics.Inputs import cases, formats, programs, vernier

# Not differentiable: no vjp.
CASES = cases.all_cases()


def representable(values):
    """Rounded to what f32, bf16 and f16 all hold, so that one reference serves."""
    return formats.rounded(formats.rounded(values, "f16"), "bf16")


def draw():
    rng = np.random.default_rng(2)
    inputs = [[representable(values) if programs.is_float(entry) else values
               for entry in case.inputs for values in [entry.draw(rng, "f64")]]
              for case in CASES]
    cotangents = [np.asarray(representable(rng.standard_normal(case.result_shape)))
                  for case in CASES]
    return inputs, cotangents


def get_gradients(case, values, cotangent):
    """From jax.vjp: the gradient of each floating input."""
    floats = [i for i, entry in enumerate(case.inputs) if programs.is_float(entry)]

    def function(*arguments):
        full = list(values)
        for i, argument in zip(floats, arguments):
            full[i] = argument
        return case.function(*full)
    _, vjp = jax.vjp(function, *(jax.numpy.asarray(values[i]) for i in floats))
    return list(zip(floats, vjp(jax.numpy.asarray(cotangent))))


def get_error(case, element, exact, result, want, kind):
    """(error, its bound). Small elements of a gradient are sums that cancel: what
    counts is the spacing at the largest."""
    relative = formats.error_relative_to_largest(result, want)
    if exact:
        return relative, 1e-12
    if kind == "f32" and case.result_element_type(element) == "f32":
        # The forward result in f32 and f32 formulas.
        return relative, 1e-5
    largest = np.max(np.abs(want))
    return float(relative * largest / formats.spacing(largest, element)), case.vjp_spacings


INPUTS, COTANGENTS = draw()
GRADIENTS = [get_gradients(*each) for each in zip(CASES, INPUTS, COTANGENTS)]


def check(element, exact):
    arrays, state = programs.data(CASES, INPUTS, COTANGENTS)
    text = vernier.optimize(programs.gradient_module(CASES, element), "--inline",
                            "--train-differentiate")
    got, _ = vernier.evaluate(text, "step", arrays, state, exact=exact)
    failures, count = [], 0
    for number, case in enumerate(CASES):
        for i, want in GRADIENTS[number]:
            count += 1
            error, bound = get_error(case, element, exact, got[f"g{number}_{i}"],
                                     want, case.inputs[i].element_type(element))
            if not error <= bound:
                failures.append(f"{element}{' exact' if exact else ''}: {case.name}, "
                                f"operand {i}: {error:.3g} above {bound}")
    print(f"{element}{' exact' if exact else ''}: {count} gradients, "
          f"{len(failures)} failures")
    return failures


failures = [failure
            for element, exact in (("f64", True), ("f32", False), ("bf16", False),
                                   ("f16", False))
            for failure in check(element, exact)]
print("\n".join(failures))
assert not failures
