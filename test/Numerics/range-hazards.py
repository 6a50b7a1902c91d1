#===- range-hazards.py - What f16 is given, f16 holds
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""Decisions of --amp-autocast in f16 against NumPy in f64. Where all ranges are
declared: whatever is read or written in f16 neither overflows there nor vanishes,
for inputs at the ends of their ranges and within them. Where none is: a perceptron
with initial weights of some size is written in f32 where its values, for normal
inputs, leave f16, and in f16 where they are far from it."""

import re

import numpy as np

from Numerics.Inputs import vernier

GRAPHS, OPS, INPUTS = 40, 14, 3
SIDE = 8
TENSOR = f"tensor<{SIDE}x{SIDE}xf32>"
LARGEST, SMALLEST_NORMAL = 65504.0, 2.0 ** -14


class Graph:
    """Ops as text and as what NumPy does."""

    def __init__(self, rng):
        self.rng = rng
        self.ranges = [sorted(rng.choice([-300.0, -2.0, -1.0, 0.0, 1.0e-3, 0.5, 2.0, 20.0], 2, replace=False))
                       for _ in range(INPUTS)]
        self.values = [f"%arg{i}" for i in range(INPUTS)]
        self.lines, self.steps = [], []
        for _ in range(OPS):
            self.add()

    def emit(self, text, compute, *operands):
        name = f"%v{len(self.steps)}"
        self.lines.append(f"{name} = {text}")
        self.steps.append((name, compute, operands))
        self.values.append(name)

    def add(self):
        x, y = self.rng.choice(self.values, 2)
        kind = self.rng.integers(9)
        if kind < 3:
            op, compute = (("addf", np.add), ("subf", np.subtract), ("mulf", np.multiply))[kind]
            self.emit(f"arith.{op} {x}, {y} : {TENSOR}", compute, x, y)
        elif kind == 3:
            self.emit(f"arith.mulf {x}, {x} : {TENSOR}", np.square, x)
        elif kind == 4:
            factor = float(self.rng.choice([1.0e-3, 0.1, 3.0, 100.0]))
            self.lines.append(f"%c{len(self.steps)} = arith.constant dense<{factor}> : {TENSOR}")
            self.emit(f"arith.mulf {x}, %c{len(self.steps)} : {TENSOR}", lambda a: factor * a, x)
        elif kind == 5:
            self.emit(f"train.relu {x} : {TENSOR}", lambda a: np.maximum(a, 0), x)
        elif kind == 6:
            self.emit(f"train.transpose {x} permutation = [1, 0] : {TENSOR} -> {TENSOR}", np.transpose, x)
        else:
            self.emit(f"train.matmul {x}, {y} : ({TENSOR}, {TENSOR}) -> {TENSOR}", np.matmul, x, y)

    def text(self):
        arguments = ", ".join(f"%arg{i}: {TENSOR} {{train.range = [{low}, {high}]}}"
                              for i, (low, high) in enumerate(self.ranges))
        body = "\n  ".join(self.lines)
        results = [name for name, _, _ in self.steps]
        types = ", ".join([TENSOR] * len(results))
        return f"func.func @loss({arguments}) -> ({types}) {{\n  {body}\n  return {', '.join(results)} : {types}\n}}\n"

    def compute(self, inputs):
        values = dict(inputs)
        for name, compute, operands in self.steps:
            values[name] = compute(*(values[operand] for operand in operands))
        return values


def get_decisions(text):
    """(operand, result) of each op, in order."""
    decided = vernier.optimize(text, "--amp-autocast=policy=f16")
    return re.findall(r"amp\.precision = #amp\.precision<operand = (\w+), accumulate = \w+, result = (\w+)", decided)


def draw(rng, low, high, how):
    if how < 2:
        return np.full((SIDE, SIDE), (low, high)[how])
    values = rng.uniform(low, high, (SIDE, SIDE))
    return np.where(rng.integers(3, size=values.shape) == 0, high, values)


def check_held(values, what):
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float16)
    assert np.isfinite(rounded).all(), f"{what} overflows: {np.abs(values).max()}"


def check_declared(rng):
    """Nothing that is decided to be f16 overflows; what is f16 is not all subnormal."""
    narrow = wide = 0
    for number in range(GRAPHS):
        graph = Graph(rng)
        decisions = get_decisions(graph.text())
        assert len(decisions) == len(graph.steps), graph.text()
        largest = {}
        for how in range(5):
            values = graph.compute({f"%arg{i}": draw(rng, low, high, how)
                                    for i, (low, high) in enumerate(graph.ranges)})
            for (name, _, operands), (read, written) in zip(graph.steps, decisions):
                for operand in operands if read == "f16" else ():
                    check_held(values[operand], f"graph {number}: {operand} of {name}\n{graph.text()}")
                if written == "f16":
                    check_held(values[name], f"graph {number}: {name}\n{graph.text()}")
                largest[name] = max(largest.get(name, 0), np.abs(values[name]).max())
        for (name, _, _), (_, written) in zip(graph.steps, decisions):
            vanishes = 0 < largest[name] < SMALLEST_NORMAL
            assert not (vanishes and written == "f16"), f"graph {number}: {name} vanishes\n{graph.text()}"
            narrow += written == "f16"
            wide += written == "f32"
    print(f"{narrow} results in f16, {wide} in f32")
    assert narrow > 20 and wide > 20


def check_likely(rng):
    """The estimate, where no bound is finite: inputs of order 1."""
    checked = set()
    for deviation in (1e-7, 1e-3, 0.1, 1.0, 10.0, 60.0, 200.0, 1000.0, 1e4):
        text = f"""
ml_program.global private mutable @w(#train.normal<0.0, {deviation:.1e}>) : tensor<96x96xf32> {{train.role = "parameter"}}
func.func @predict(%x: tensor<64x96xf32>) -> tensor<64x96xf32> {{
  %w = ml_program.global_load @w : tensor<96x96xf32>
  %y = train.linear %x, %w : (tensor<64x96xf32>, tensor<96x96xf32>) -> tensor<64x96xf32>
  %h = train.relu %y : tensor<64x96xf32>
  %z = train.linear %h, %w : (tensor<64x96xf32>, tensor<96x96xf32>) -> tensor<64x96xf32>
  return %z : tensor<64x96xf32>
}}"""
        x, w = rng.normal(size=(64, 96)), rng.normal(scale=deviation, size=(96, 96))
        y = x @ w.T
        z = np.maximum(y, 0) @ w.T
        (_, first), _, (_, second) = get_decisions(text)
        for value, written in ((y, first), (z, second)):
            largest = np.abs(value).max()
            expected = ("f32" if largest > LARGEST or largest < SMALLEST_NORMAL / 4
                        else "f16" if 4 * SMALLEST_NORMAL < largest < LARGEST / 5 else None)
            assert expected in (None, written), f"{deviation}: reaches {largest}, written in {written}"
            checked.add(expected)
    assert checked >= {"f16", "f32"}, checked


def main():
    rng = np.random.default_rng(7)
    check_declared(rng)
    check_likely(rng)


if __name__ == "__main__":
    main()
