#===- autocast-random-graphs.py - Min-cut costs least on 1,000 random graphs
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s %t.mlir
# REQUIRES: compiler
"""1,000 random graphs, the same in every run, as functions of one module. On each
the assignment of min-cut costs at most what those of the other strategies cost, in
bf16 (where painting has one step more) and f16. The reported casts are those that
are in the IR afterwards."""

import os
import random
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
import strategies

GRAPHS = 1000
ROWS, WIDTHS = 4, (2, 3, 8, 32)
UNARY = ("train.relu", "train.gelu", "train.silu", "math.tanh", "math.exp", "math.log", "arith.negf", "math.absf", "math.sqrt")
BINARY = ("arith.addf", "arith.mulf", "arith.subf", "arith.divf", "arith.maximumf", "math.powf", "math.atan2")


def tensor(width):
    return f"tensor<{ROWS}x{width}xf32>"


class Graph:
    """One function under construction: the values so far with their widths, and
    None for vectors of one number for each row."""

    def __init__(self, number, rng):
        self.rng, self.lines, self.values = rng, [], []
        arguments = []
        for index in range(rng.randint(1, 3)):
            width = rng.choice(WIDTHS)
            arguments.append(f"%a{index}: {tensor(width)}")
            self.values.append((f"%a{index}", width))
        for index, width in enumerate(WIDTHS):
            for other in WIDTHS:
                arguments.append(f"%w{width}_{other}: tensor<{other}x{width}xf32>")
        for _ in range(rng.randint(1, 40)):
            self.add()
        returned = rng.sample(self.values, min(len(self.values), rng.randint(1, 3)))
        names = ", ".join(name for name, _ in returned)
        types = ", ".join(tensor(width) for _, width in returned)
        self.text = "\n".join([f"func.func @g{number}({', '.join(arguments)}) -> ({types}) {{", *self.lines,
                               f"  return {names} : {types}", "}"])

    def emit(self, text, width):
        name = f"%v{len(self.lines)}"
        self.lines.append(f"  {name} = {text}")
        if width is not None:
            self.values.append((name, width))
        return name

    def add(self):
        rng = self.rng
        # Recent values more often: long chains with skips.
        value, width = rng.choice(self.values[-4:] if rng.random() < 0.7 else self.values)
        kind = rng.random()
        if kind < 0.2:
            other = rng.choice(WIDTHS)
            self.emit(f"train.linear {value}, %w{width}_{other} : ({tensor(width)}, tensor<{other}x{width}xf32>) -> {tensor(other)}", other)
        elif kind < 0.5:
            self.emit(f"{rng.choice(UNARY)} {value} : {tensor(width)}", width)
        elif kind < 0.8:
            other = rng.choice([name for name, candidate in self.values if candidate == width])
            self.emit(f"{rng.choice(BINARY)} {value}, {other} : {tensor(width)}", width)
        elif kind < 0.85:
            constant = self.emit(f"arith.constant dense<{rng.choice((0.5, 1.0e9))}> : {tensor(width)}", None)
            self.emit(f"arith.mulf {value}, {constant} : {tensor(width)}", width)
        elif kind < 0.93:
            self.emit(f"train.{rng.choice(('softmax', 'log_softmax'))} {value} : ({tensor(width)}) -> {tensor(width)}", width)
        else:
            row = f"tensor<{ROWS}xf32>"
            total = self.emit(f"train.reduce {rng.choice(('sum', 'mean', 'max'))} {value} dims = [1] : {tensor(width)} -> {row}", None)
            other = rng.choice(WIDTHS)
            self.emit(f"train.broadcast {total} dims = [0] : {row} -> {tensor(other)}", other)


def count_casts(text):
    """{function: (cast bytes, casts)} of the IR; casts of constants are free."""
    found = {}
    for body in re.split(r"(?=func\.func @)", text)[1:]:
        name = re.match(r"func\.func @(\w+)", body).group(1)
        constants = set(re.findall(r"(%\w+) = arith\.constant", body))
        total = count = 0
        for operand, shape in re.findall(r"arith\.(?:extf|truncf) (%\w+) : tensor<((?:\d+x)+)", body):
            if operand in constants:
                continue
            elements = 1
            for extent in shape.rstrip("x").split("x"):
                elements *= int(extent)
            total += 6 * elements
            count += 1
        found[name] = (total, count)
    return found


def main():
    rng = random.Random(20)
    with open(sys.argv[1], "w") as file:
        file.write("\n".join(Graph(number, rng).text for number in range(GRAPHS)))
    for options in ("policy=bf16", "policy=f16", "policy=torch-cuda"):
        results, error = strategies.compare(sys.argv[1], options)
        assert results, error
        totals = {}
        for strategy, (costs, text) in results.items():
            assert len(costs) == GRAPHS
            counted = count_casts(text)
            for function, (_, cast_bytes, casts) in costs.items():
                assert counted[function] == (cast_bytes, casts), \
                    f"{options} {strategy} @{function}: {(cast_bytes, casts)} reported, {counted[function]} in the IR"
            totals[strategy] = sum(cost[0] for cost in costs.values())
        # The strategies are three: each differs from the others somewhere.
        assert len(set(totals.values())) == 3, totals
        print(options, totals)


if __name__ == "__main__":
    main()
