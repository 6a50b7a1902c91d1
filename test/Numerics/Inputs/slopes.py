#===- slopes.py - Elementwise ops and their derivatives on the CPU
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Each op at points of its own, and its gradient where every result has the gradient
1. A step of a training run would skip those that are not finite: the model has its own
@step, which returns them."""

import os
import tempfile

import numpy as np

from Numerics.Inputs import formats, runtime, vernier


def _case(number, op, inputs, element):
    """The lines that compute one op; its results are %y and its loss %l."""
    kind = formats.tensor_type(inputs[0].shape, element)
    wide = formats.tensor_type(inputs[0].shape, "f32")
    mnemonic, _, attributes = op.partition(" ")
    lines, operands = [], []
    for i in range(len(inputs)):
        name = f"%g{number}_{i}"
        lines.append(f"{name} = ml_program.global_load @{name[1:]} : {wide}")
        if kind != wide:
            lines.append(f"{name}n = arith.truncf {name} : {wide} to {kind}")
            name += "n"
        operands.append(name)
    for bound, value in (("low", -1.0), ("high", 1.0)):
        if f"%{bound}" in op:
            lines.append(f"%{bound} = arith.constant dense<{value}> : {kind}")
    result = f"%y{number}"
    lines.append(f"{result}{'n' if kind != wide else ''} = {mnemonic} "
                 f"{', '.join(operands)} {attributes} : {kind}")
    if kind != wide:
        lines.append(f"{result} = arith.extf {result}n : {kind} to {wide}")
    lines.append(f"%l{number} = train.reduce sum {result} dims = [0] : {wide} -> "
                 "tensor<f32>")
    return lines


def _module(cases, element):
    """@loss returns the sum of all results, and each; @step their gradients."""
    states, body, total = [], [], "%l0"
    for number, (op, inputs) in enumerate(cases.items()):
        states += [(f"g{number}_{i}", formats.tensor_type(values.shape, "f32"))
                   for i, values in enumerate(inputs)]
        body += _case(number, op, inputs, element)
        if number:
            body.append(f"%t{number} = arith.addf {total}, %l{number} : tensor<f32>")
            total = f"%t{number}"
    results = [(f"y{number}", formats.tensor_type(inputs[0].shape, "f32"))
               for number, inputs in enumerate(cases.values())]
    kinds = ", ".join(["tensor<f32>", *(kind for _, kind in results)])
    named = ", ".join(f'{kind} {{train.name = "{name}"}}' for name, kind in results)
    returned = results + states
    everything = ", ".join(["tensor<f32>", *(kind for _, kind in returned)])
    data = '%x: tensor<1xf32> {train.name = "x"}'
    return "\n".join([
        *(f"ml_program.global private mutable @{name}(#train.constant<0.0>) : {kind} "
          '{train.role = "statistic"}' for name, kind in states),
        f'func.func @loss({data}) -> (tensor<f32> {{train.name = "loss"}}, {named}) {{',
        *body, f"return {total}, {', '.join(f'%{name}' for name, _ in results)} : {kinds}",
        "}", f"func.func @step({data}) -> ("
        + ", ".join(f'{kind} {{train.name = "{name}"}}' for name, kind in returned) + ") {",
        f"%r:{1 + len(returned)} = train.gradient @loss(%x) wrt ["
        + ", ".join(f"@{name}" for name, _ in states) + f"] : (tensor<1xf32>) -> ({everything})",
        "return " + ", ".join(f"%r#{1 + i}" for i in range(len(returned))) + " : "
        + ", ".join(kind for _, kind in returned), "}"])


def run(cases, target, element="f32"):
    """By op: the result and the gradient of each operand. `cases` maps an op, with its
    attributes, to the f32 points of its operands; it computes in `element`."""
    policy = "base: f32" if element == "f32" else f"compute: {element}\ndefault: low"
    with tempfile.TemporaryDirectory() as folder:
        model, plan, rules = (os.path.join(folder, name)
                              for name in ("m.mlir", "m.vplan", "p.yaml"))
        for path, text in ((model, _module(cases, element)),
                           (rules, f"name: slopes\n{policy}\n")):
            with open(path, "w") as file:
                file.write(text)
        vernier.run_tool("vernier-compile", model, "-o", plan, f"--policy={rules}",
                         "--loss-scale=none", f"--target={target}")
        session = runtime.Session(plan)
        session.set_states({f"g{number}_{i}": values
                            for number, inputs in enumerate(cases.values())
                            for i, values in enumerate(inputs)})
        outputs = session.run("step", {"x": np.zeros(1, np.float32)})
        session.close()
    return {op: (outputs[f"y{number}"],
                 [outputs[f"g{number}_{i}"] for i in range(len(inputs))])
            for number, (op, inputs) in enumerate(cases.items())}
