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

from Numerics.Inputs import cases, formats, vernier

# Not differentiable: no vjp.
CASES = [case for case in cases.all_cases() if "copysign" not in case.name]


def is_float(entry):
    return not isinstance(entry.domain, int)


def loss_element(element):
    return "f64" if element == "f64" else "f32"


def loss_lines(number, case, element):
    """(lines, the loss they give): the sum of the result times the cotangent, whose
    gradient with respect to the result is the cotangent."""
    lines, operands = [], []
    for i, entry in enumerate(case.inputs):
        name = f"%a{number}_{i}"
        operands.append(name)
        if is_float(entry):
            lines.append(f"{name} = ml_program.global_load @g{number}_{i} : "
                         f"{entry.type(element)}")
    types = ", ".join(entry.type(element) for entry in case.inputs)
    kind = case.result_type(element)
    wide = formats.tensor_type(case.result_shape, loss_element(element))
    y = f"%y{number}"
    lines.append(f"{y} = func.call @case{number}({', '.join(operands)}) : "
                 f"({types}) -> {kind}")
    if kind != wide:
        lines.append(f"{y}w = arith.extf {y} : {kind} to {wide}")
        y += "w"
    lines.append(f"%p{number} = arith.mulf {y}, %c{number} : {wide}")
    dims = list(range(len(case.result_shape)))
    if dims:
        lines.append(f"%l{number} = train.reduce sum %p{number} dims = {dims} : "
                     f"{wide} -> tensor<{loss_element(element)}>")
    return lines, f"%l{number}" if dims else f"%p{number}"


def module(element, numbers):
    """A module whose @step gives the gradient of the sum of all cases' losses."""
    functions, globals_, arguments, lines = [], [], [], []
    total, scalar = "%start", formats.tensor_type((), loss_element(element))
    for number in numbers:
        case = CASES[number]
        functions.append(case.function_text(f"case{number}", element))
        for i, entry in enumerate(case.inputs):
            kind = entry.type(element)
            if is_float(entry):
                globals_.append((f"g{number}_{i}", kind))
            else:
                arguments.append((f"a{number}_{i}", kind))
        arguments.append((f"c{number}",
                          formats.tensor_type(case.result_shape,
                                              loss_element(element))))
        case_lines, loss = loss_lines(number, case, element)
        lines += [*case_lines,
                  f"%t{number} = arith.addf {total}, {loss} : {scalar}"]
        total = f"%t{number}"
    declared = ", ".join(f'%{name}: {kind} {{train.name = "{name}"}}'
                         for name, kind in arguments)
    names = ", ".join(f"%{name}" for name, _ in arguments)
    kinds = ", ".join(kind for _, kind in arguments)
    results = ", ".join(f'{kind} {{train.name = "{name}"}}'
                        for name, kind in globals_)
    outputs = ", ".join(kind for _, kind in globals_)
    return "\n".join([
        *(f"ml_program.global private mutable @{name} : {kind} "
          '{train.role = "parameter"}' for name, kind in globals_),
        *functions,
        f"func.func @loss({declared}) -> {scalar} {{",
        f"  %start = arith.constant dense<0.0> : {scalar}",
        *("  " + line for line in lines),
        f"  return {total} : {scalar}", "}",
        f"func.func @step({declared}) -> ({results}) {{",
        f"  %r:{len(globals_) + 1} = train.gradient @loss({names}) wrt ["
        + ", ".join(f"@{name}" for name, _ in globals_)
        + f"] : ({kinds}) -> ({scalar}, {outputs})",
        "  return " + ", ".join(f"%r#{i + 1}" for i in range(len(globals_)))
        + f" : {outputs}", "}"])


def representable(values):
    """Rounded to what f32, bf16 and f16 all hold, so that one reference serves."""
    return formats.rounded(formats.rounded(values, "f16"), "bf16")


def draw():
    rng = np.random.default_rng(2)
    inputs = [[representable(values) if is_float(entry) else values
               for entry in case.inputs for values in [entry.draw(rng, "f64")]]
              for case in CASES]
    cotangents = [representable(rng.standard_normal(case.result_shape))
                  for case in CASES]
    return inputs, cotangents


def get_gradients(case, values, cotangent):
    """From jax.vjp: the gradient of each floating input."""
    floats = [i for i, entry in enumerate(case.inputs) if is_float(entry)]

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
    numbers = range(len(CASES))
    arrays, state = {}, {}
    for number in numbers:
        arrays[f"c{number}"] = np.asarray(COTANGENTS[number])
        for i, entry in enumerate(CASES[number].inputs):
            values = np.asarray(INPUTS[number][i])
            if is_float(entry):
                state[f"g{number}_{i}"] = values
            else:
                arrays[f"a{number}_{i}"] = values
    text = vernier.optimize(module(element, numbers), "--inline",
                            "--train-differentiate")
    got, _ = vernier.evaluate(text, "step", arrays, state, exact=exact)
    failures, count = [], 0
    for number in numbers:
        case = CASES[number]
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
