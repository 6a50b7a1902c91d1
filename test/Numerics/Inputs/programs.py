#===- programs.py - Modules that hold many cases
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""One module for all cases, so that a tool starts once. Floating inputs of case 3
are the globals @g3_0, @g3_1, ...; labels are data a3_I, cotangents data c3."""

from Numerics.Inputs import formats


def is_float(entry):
    return not isinstance(entry.domain, int)


def _loss_element(element):
    return "f64" if element == "f64" else "f32"


def _case_lines(number, case, element):
    """(lines, their loss): the sum of the result times the cotangent, whose
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
    wide = formats.tensor_type(case.result_shape, _loss_element(element))
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
                     f"{wide} -> tensor<{_loss_element(element)}>")
    return lines, f"%l{number}" if dims else f"%p{number}"


def _arguments(cases, element):
    """(name, type) of the data of @loss."""
    arguments = []
    for number, case in enumerate(cases):
        arguments += [(f"a{number}_{i}", entry.type(element))
                      for i, entry in enumerate(case.inputs) if not is_float(entry)]
        arguments.append((f"c{number}", formats.tensor_type(
            case.result_shape, _loss_element(element))))
    return arguments


def _globals(cases, element):
    return [(f"g{number}_{i}", entry.type(element))
            for number, case in enumerate(cases)
            for i, entry in enumerate(case.inputs) if is_float(entry)]


def _declare(arguments):
    return ", ".join(f'%{name}: {kind} {{train.name = "{name}"}}'
                     for name, kind in arguments)


def _name(results):
    return ", ".join(f'{kind} {{train.name = "{name}"}}' for name, kind in results)


def loss_module(cases, element):
    """@loss returns the sum of all cases' losses, then their results y0, y1, ..."""
    lines, total = [], "%start"
    scalar = formats.tensor_type((), _loss_element(element))
    for number, case in enumerate(cases):
        case_lines, loss = _case_lines(number, case, element)
        lines += [*case_lines, f"%t{number} = arith.addf {total}, {loss} : {scalar}"]
        total = f"%t{number}"
    results = [("loss", scalar), *((f"y{number}", case.result_type(element))
                                   for number, case in enumerate(cases))]
    return "\n".join([
        *(f"ml_program.global private mutable @{name}(#train.constant<0.0>) : {kind} "
          '{train.role = "parameter"}' for name, kind in _globals(cases, element)),
        *(case.function_text(f"case{number}", element)
          for number, case in enumerate(cases)),
        f"func.func @loss({_declare(_arguments(cases, element))}) -> "
        f"({_name(results)}) {{",
        f"  %start = arith.constant dense<0.0> : {scalar}",
        *("  " + line for line in lines),
        f"  return {total}, " + ", ".join(f"%y{n}" for n in range(len(cases)))
        + " : " + ", ".join(kind for _, kind in results), "}"])


def gradient_module(cases, element):
    """Besides @loss, @step: the gradient of each global, named like it."""
    arguments, wrt = _arguments(cases, element), _globals(cases, element)
    first = len(cases) + 1
    scalar = formats.tensor_type((), _loss_element(element))
    outputs = ", ".join([scalar, *(case.result_type(element) for case in cases),
                         *(kind for _, kind in wrt)])
    return "\n".join([
        loss_module(cases, element),
        f"func.func @step({_declare(arguments)}) -> ({_name(wrt)}) {{",
        f"  %r:{first + len(wrt)} = train.gradient @loss("
        + ", ".join(f"%{name}" for name, _ in arguments) + ") wrt ["
        + ", ".join(f"@{name}" for name, _ in wrt) + "] : ("
        + ", ".join(kind for _, kind in arguments) + f") -> ({outputs})",
        "  return " + ", ".join(f"%r#{first + i}" for i in range(len(wrt))) + " : "
        + ", ".join(kind for _, kind in wrt), "}"])


def data(cases, inputs, cotangents):
    """(data, states) of the module, by name."""
    arrays, states = {}, {}
    for number, (case, values) in enumerate(zip(cases, inputs)):
        arrays[f"c{number}"] = cotangents[number]
        for i, entry in enumerate(case.inputs):
            if is_float(entry):
                states[f"g{number}_{i}"] = values[i]
            else:
                arrays[f"a{number}_{i}"] = values[i]
    return arrays, states
