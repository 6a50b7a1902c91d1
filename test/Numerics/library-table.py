#===- library-table.py - Every product and convolution at every level
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""What compiles runs: each product and convolution, its input's and its weight's
gradient, of operands and results of every type, padded for tensor cores or not,
compiled for each set of instructions that oneDNN knows and run with no others.
Operands are small integers, so that all sums are exact: results are those of NumPy,
rounded once, bit for bit.

A plan of a lesser processor also runs on this one, where oneDNN uses all that there
is."""

import itertools
import os
import subprocess
import sys
import tempfile

import numpy as np

from Numerics.Inputs import formats, runtime, vernier

TYPES = ["f32", "bf16", "f16"]
# A target, and what oneDNN is held to when its plan runs.
LEVELS = [("cpu:x86-64-v3", "AVX2"), ("cpu:x86-64-v4", "AVX512_CORE"),
          ("cpu:cooperlake", "AVX512_CORE_BF16"), ("cpu:sapphirerapids", "AVX512_CORE_AMX")]

# (images, rows, columns, channels), outputs, kernel, strides, padding, dilation, groups.
CONVOLUTIONS = [
    ((9, 6, 6, 16), 32, (1, 1), (2, 2), (0, 0, 0, 0), (1, 1), 1),  # a shortcut
    ((4, 6, 6, 16), 16, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    ((3, 7, 5, 3), 5, (3, 3), (2, 1), (0, 1, 2, 1), (1, 1), 1),
    ((2, 7, 7, 1), 16, (5, 3), (1, 2), (2, 1, 2, 1), (1, 1), 1),
    ((2, 9, 9, 16), 16, (3, 3), (1, 1), (2, 2, 2, 2), (2, 2), 1),
    ((2, 9, 9, 16), 32, (3, 3), (2, 2), (2, 2, 2, 2), (2, 2), 1),
    ((2, 6, 6, 16), 16, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 16),  # depthwise
    ((2, 6, 6, 5), 10, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 5),
    ((2, 6, 6, 12), 12, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 3),
    ((2, 9, 9, 64), 64, (3, 3), (1, 1), (1, 1, 1, 1), (2, 2), 2),
    ((2, 4, 4, 64), 48, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1),
]

# Shapes of the operands, attributes.
PRODUCTS = [
    ((7, 5), (5, 3), ""), ((64, 32), (32, 48), ""), ((1, 16), (16, 1), ""), ((5, 1), (1, 6), ""),
    ((16, 6), (16, 9), "transpose_lhs"), ((6, 16), (9, 16), "transpose_rhs"),
    ((16, 6), (9, 16), "transpose_lhs, transpose_rhs"),
    ((3, 4, 8), (3, 8, 6), ""), ((3, 4, 8), (8, 6), ""), ((2, 3, 5, 7), (2, 3, 9, 7), "transpose_rhs"),
    ((520, 70), (70, 33), ""),  # several tiles
    ((6, 8), (8, 5), "epilogue = #train<epilogue relu>"),
]


def draw(rng, shape):
    return rng.integers(-2, 3, shape).astype(np.float64)


class Module:
    """The text of @predict, its data, and what its results should be."""

    def __init__(self):
        self.rng = np.random.default_rng(3)
        self.arguments, self.lines, self.results, self.data, self.wanted = [], [], [], {}, {}

    def operand(self, shape, kind):
        name, text = f"a{len(self.arguments)}", formats.tensor_type(shape, kind)
        self.arguments.append(f'%{name}: {text} {{train.name = "{name}"}}')
        values = draw(self.rng, shape)
        self.data[name] = values.astype(formats.NUMPY[kind])
        return f"%{name}", text, values

    def add(self, op, operands, attributes, kind, want):
        result, number = formats.tensor_type(want.shape, kind), len(self.results)
        names, types = (", ".join(each[i] for each in operands) for i in (0, 1))
        self.lines.append(f"  %y{number} = {op} {names} {attributes} : ({types}) -> {result}")
        self.results.append((f"%y{number}", f'{result} {{train.name = "y{number}"}}', result))
        self.wanted[f"y{number}"] = (f"{op} {attributes} : ({types}) -> {result}",
                                     formats.rounded(want, kind))

    def text(self):
        names, declared, types = zip(*self.results)
        return "\n".join([f"func.func @predict({', '.join(self.arguments)}) -> ({', '.join(declared)}) {{",
                          *self.lines, f"  return {', '.join(names)} : {', '.join(types)}", "}"])


def windows(image, kernel, strides, padding, dilation, places):
    """For each place (i, j) of the kernel the pixels that it meets, as a view of the
    padded image."""
    for i, j in itertools.product(*map(range, kernel)):
        rows = slice(i * dilation[0], i * dilation[0] + strides[0] * (places[0] - 1) + 1, strides[0])
        columns = slice(j * dilation[1], j * dilation[1] + strides[1] * (places[1] - 1) + 1, strides[1])
        yield i, j, image[:, rows, columns]


def convolve(shape, outputs, kernel, strides, padding, dilation, groups, image, weight, gradient):
    """(result, input gradient, weight gradient) of small integers in f64; `gradient`
    is drawn for the result's shape."""
    n, h, w, c = shape
    top, left, bottom, right = padding
    places = [(extent + before + after - d * (k - 1) - 1) // s + 1
              for extent, before, after, d, k, s in
              ((h, top, bottom, dilation[0], kernel[0], strides[0]),
               (w, left, right, dilation[1], kernel[1], strides[1]))]
    padded = np.pad(image, ((0, 0), (top, bottom), (left, right), (0, 0)))
    g = gradient((n, *places, outputs))
    split = (groups, c // groups)
    result, wide, dw = np.zeros(g.shape), np.zeros(padded.shape), np.zeros(weight.shape)
    by_group = weight.reshape(groups, outputs // groups, *kernel, c // groups)
    grouped = g.reshape(n, *places, groups, outputs // groups)
    for i, j, pixels in windows(padded, kernel, strides, padding, dilation, places):
        pixels = pixels.reshape(n, *places, *split)
        result += np.einsum("npqgc,goc->npqgo", pixels, by_group[:, :, i, j]).reshape(g.shape)
        dw[:, i, j] += np.einsum("npqgc,npqgo->goc", pixels, grouped).reshape(outputs, -1)
    for i, j, pixels in windows(wide, kernel, strides, padding, dilation, places):
        pixels += np.einsum("npqgo,goc->npqgc", grouped, by_group[:, :, i, j]).reshape(pixels.shape)
    return g, result, wide[:, top:top + h, left:left + w], dw


def add_convolution(module, case, operand, result):
    shape, outputs, kernel, strides, padding, dilation, groups = case
    lists = {"strides": strides, "padding": padding, "dilation": dilation}
    attributes = " ".join(f"{name} = {list(value)}" for name, value in lists.items())
    attributes += f" groups = {groups}"
    x = module.operand(shape, operand)
    w = module.operand((outputs, *kernel, shape[3] // groups), operand)
    drawn = []

    def gradient(extents):
        drawn.append(module.operand(extents, operand))
        return drawn[0][2]

    _, y, dx, dw = convolve(*case, x[2], w[2], gradient)
    module.add("train.conv2d", (x, w), attributes, result, y)
    module.add("train.conv2d_input_gradient", (drawn[0], w), attributes, result, dx)
    module.add("train.conv2d_weight_gradient", (x, drawn[0]), attributes, result, dw)


def add_product(module, case, operand, result):
    lhs, rhs, attributes = case
    a, b = module.operand(lhs, operand), module.operand(rhs, operand)
    left = a[2].swapaxes(-1, -2) if "transpose_lhs" in attributes else a[2]
    right = b[2].swapaxes(-1, -2) if "transpose_rhs" in attributes else b[2]
    want = left @ right
    if "relu" in attributes:
        want = np.maximum(want, 0)
    module.add("train.matmul", (a, b), f"{{{attributes}}}", result, want)


def add_linears(module, operand, result):
    for bias in (None, operand, "f32"):
        x, w = module.operand((12, 9), operand), module.operand((5, 9), operand)
        b = [module.operand((5,), bias)] if bias else []
        module.add("train.linear", (x, w, *b), "", result,
                   x[2] @ w[2].T + (b[0][2] if bias else 0))


def build():
    module = Module()
    for operand, result in itertools.product(TYPES, TYPES):
        for case in CONVOLUTIONS:
            add_convolution(module, case, operand, result)
        for case in PRODUCTS:
            add_product(module, case, operand, result)
        add_linears(module, operand, result)
    # tf32 keeps 10 digits: small integers are themselves.
    a, b = module.operand((6, 8), "f32"), module.operand((8, 5), "f32")
    module.add("train.matmul", (a, b), "{tf32}", "f32", a[2] @ b[2])
    return module


def run_here(plan):
    """In a process of its own: oneDNN's instructions are chosen once."""
    module = build()
    session = runtime.Session(plan)
    outputs = session.run("predict", module.data)
    session.close()
    failures = [what for name, (what, want) in module.wanted.items()
                if not np.array_equal(np.asarray(outputs[name], np.float64), want)]
    print("\n".join(failures))
    sys.exit(1 if failures else 0)


def run(plan, instructions):
    """Nothing, or what went wrong."""
    environment = dict(os.environ, **({"ONEDNN_MAX_CPU_ISA": instructions} if instructions else {}))
    done = subprocess.run([sys.executable, __file__, "--run", plan], env=environment,
                          capture_output=True, text=True)
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[-3000:]


def is_missing(problem):
    """Whether this machine lacks instructions of the plan's target."""
    return "this processor lacks" in problem


def main():
    module, failures, levels = build(), [], 0
    with tempfile.TemporaryDirectory() as folder:
        model, plan, policy = (os.path.join(folder, name) for name in ("m.mlir", "m.vplan", "p.yaml"))
        with open(model, "w") as file:
            file.write(module.text())
        with open(policy, "w") as file:
            file.write("name: as-written\ncompute: bf16\ndefault: untouched\n")
        for (target, instructions), pads in itertools.product(LEVELS, (False, True)):
            if pads and target not in ("cpu:x86-64-v3", "cpu:cooperlake"):
                continue
            options = ["--pad-for-tensor-cores"] if pads else []
            vernier.run_tool("vernier-compile", model, "-o", plan, f"--policy={policy}",
                             f"--target={target}", *options)
            for held in (instructions, None):
                problem = run(plan, held)
                what = f"{target}{' padded' if pads else ''} with {held or 'all instructions'}"
                print(f"{what}: {'skipped' if is_missing(problem) else problem or 'equal'}")
                if problem and not is_missing(problem):
                    failures.append(what)
                levels += not problem
    print(f"{len(module.wanted)} calls")
    assert not failures, failures
    assert levels >= 4  # AVX2 is everywhere.


if __name__ == "__main__":
    run_here(sys.argv[2]) if sys.argv[1:2] == ["--run"] else main()
