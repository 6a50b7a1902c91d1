# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# RUN: %python %s %t
# REQUIRES: numpy, ml_dtypes, compiler
"""Contractions of all extents of {1, 7, 8, 9, 1157}, whatever is stored transposed, and
convolutions of such channels: a padded plan gives the bits of the plain one on the device, and both those of NumPy
on integers. In the evaluator the padding holds other numbers than zeros, on one side
of the product at a time: no result reads them."""

import itertools
import os
import re
import subprocess
import sys

import numpy as np

from Numerics.Inputs import runtime, vernier

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
rng = np.random.default_rng(0)
SIZES = (1, 7, 8, 9, 1157)


def kind(shape):
    return "tensor<" + "".join(f"{extent}x" for extent in shape) + "f32>"


class Program:
    """@predict: contractions of inputs that are shared by name and shape."""

    def __init__(self):
        self.inputs, self.lines, self.results = {}, [], []

    def operand(self, role, shape):
        name = role + "x".join(map(str, shape))
        self.inputs[name] = shape
        return "%" + name

    def add(self, op, operands, shape, reference):
        names = [self.operand(role, extents) for role, extents in operands]
        types = ", ".join(kind(extents) for _, extents in operands)
        name = f"y{len(self.results)}"
        mnemonic, attributes = op
        self.lines.append(f"    %{name} = train.{mnemonic} {', '.join(names)} {attributes} : "
                          f"({types}) -> {kind(shape)}")
        self.results.append((name, shape, [n[1:] for n in names], reference))

    def text(self):
        arguments = ", ".join(f'%{name}: {kind(shape)} {{train.name = "{name}"}}'
                              for name, shape in self.inputs.items())
        results = ", ".join(f'{kind(shape)} {{train.name = "{name}"}}'
                            for name, shape, *_ in self.results)
        returned = (", ".join("%" + name for name, *_ in self.results) + " : "
                    + ", ".join(kind(shape) for _, shape, *_ in self.results))
        return (f"module {{\n  func.func @predict({arguments}) -> ({results}) {{\n"
                + "\n".join(self.lines) + f"\n    return {returned}\n  }}\n}}\n")

    def draw(self):
        """Integers whose sums of 1157 products are far below 2^24."""
        return {name: rng.integers(-2, 3, shape).astype(np.float32)
                for name, shape in self.inputs.items()}


def swap(array, transposed):
    return np.swapaxes(array, -1, -2) if transposed else array


def add_contractions(program, m, k, n):
    """A linear with bias, and (batched) matmuls with either operand transposed."""
    for batch, (lhs, rhs) in itertools.product(((), (2,)), itertools.product((False, True), repeat=2)):
        if batch and m * k * n > 1157 * 81:
            continue  # Says nothing that the product without a batch does not.
        flags = ", ".join(["transpose_lhs"] * lhs + ["transpose_rhs"] * rhs)
        program.add(("matmul", f"{{{flags}}}" if flags else ""),
                    [("a", batch + ((k, m) if lhs else (m, k))),
                     ("b", batch + ((n, k) if rhs else (k, n)))], batch + (m, n),
                    lambda a, b, lhs=lhs, rhs=rhs: swap(a, lhs) @ swap(b, rhs))
    program.add(("linear", ""), [("a", (m, k)), ("w", (n, k)), ("c", (n,))], (m, n),
                lambda x, w, c: x @ w.T + c)


def convolve(x, w):
    """A kernel of 2 x 2 on images of 3 x 3."""
    return sum(x[:, i:i + 2, j:j + 2, :] @ w[:, i, j, :].T for i in (0, 1) for j in (0, 1))


def add_convolutions(program):
    for c, o in [*itertools.product((1, 7, 8, 9), repeat=2), (1157, 7), (9, 1157)]:
        program.add(("conv2d", ""), [("a", (2, 3, 3, c)), ("b", (o, 2, 2, c))], (2, 2, 2, o), convolve)


def compile_both(name, text, policy):
    source = os.path.join(folder, name + ".mlir")
    with open(source, "w") as file:
        file.write(text)
    for suffix, flags in (("plain", []), ("padded", ["--pad-for-tensor-cores"])):
        plan = os.path.join(folder, f"{name}.{policy}.{suffix}.vplan")
        subprocess.run(["vernier-compile", source, "-o", plan, "--policy=" + policy,
                        *flags], check=True)
        yield plan


def compare(got, want, what):
    for name in want:
        np.testing.assert_array_equal(got[name], want[name], f"{what} {name}")


#===-- Device --------------------------------------------------------------===#

device = Program()
for size in itertools.product(SIZES, repeat=3):
    add_contractions(device, *size)
add_convolutions(device)
ROUNDED = {"bf16": runtime.ml_dtypes.bfloat16, "f16": np.float16, "tf32": np.float32}
for policy, element in ROUNDED.items():
    plain, padded = map(runtime.Session, compile_both("device", device.text(), policy))
    for _ in range(2):  # The second run finds what the first left in the arena.
        data = device.draw()
        want, got = plain.run("predict", data), padded.run("predict", data)
        compare(got, want, policy)
        exact = {}
        for name, _, operands, reference in device.results:
            value = reference(*(data[operand].astype(np.float64) for operand in operands))
            # Results are 16 bits wide where the policy is.
            exact[name] = value.astype(np.float32).astype(element).astype(np.float32)
        compare(got, exact, policy + " and NumPy")
    for session in (plain, padded):
        session.close()
print(len(device.results), "contractions on the device, 3 policies")

#===-- Evaluator -----------------------------------------------------------===#

def poison(text, program, roles):
    """Other numbers than zeros behind the operands of `roles`, as `--amp-pad-for-
    tensor-cores` pads them: directly, or what they are rounded to."""
    names = list(program.inputs)
    rounded = dict(re.findall(r"%(\w+) = arith\.truncf %arg(\d+) ", text))
    count = 0

    def replace(match):
        nonlocal count
        source = match[1]
        number = source[3:] if source.startswith("arg") else rounded.get(source)
        if number is None or names[int(number)][0] not in roles:
            return match[0]
        count += 1
        return match[0].replace("%" + match[2] + " :", f"%poison_{match[3]} :")

    text = re.sub(r"tensor\.pad %(\w+) [^}]*tensor\.yield %(\w+) : (\w+)", replace, text)
    constants = "".join(f"%poison_{kind} = arith.constant 3.0 : {kind}\n"
                        for kind in ("f32", "bf16", "f16"))
    text = re.sub(r"(func\.func @predict.*\{)\n", r"\1\n" + constants, text)
    assert count, f"nothing of {roles} is padded"
    return text


small = Program()
for size in [*itertools.product((1, 7, 8, 9), repeat=3), (3, 1157, 2), (2, 9, 1157)]:
    add_contractions(small, *size)
add_convolutions(small)
data = small.draw()
for policy in ROUNDED:
    text = vernier.optimize(small.text(), f"--amp-autocast=policy={policy}",
                            "--amp-materialize-casts")
    padded = vernier.optimize(text, "--amp-pad-for-tensor-cores")
    want = vernier.evaluate(text, "predict", data)[0]
    compare(vernier.evaluate(padded, "predict", data)[0], want, policy)
    for roles in ("a", "bw", "c"):
        got = vernier.evaluate(poison(padded, small, roles), "predict", data)[0]
        compare(got, want, f"{policy}, poison behind {roles}")
    # Of both sides it does reach the sums, so that the above says something.
    got = vernier.evaluate(poison(padded, small, "abw"), "predict", data)[0]
    assert any((got[name] != want[name]).any() for name in want), "poison is not read at all"
print(len(small.results), "contractions with poisoned padding in the evaluator")
