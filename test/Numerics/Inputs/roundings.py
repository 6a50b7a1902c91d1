#===- roundings.py - How far two devices may be apart on a step
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Bounds from the IR of a step. The IR says where values are rounded, and to what;
two devices that obey it differ where it leaves something open:

- in how they sum and in their polynomials, which is f32 arithmetic: F32_TOLERANCE
  of the largest element;
- in a rounding of a value that already differs so: it may fall to the neighbour,
  one spacing of the type that the IR rounds to. Such roundings are counted along
  the path from the inputs that has most of them. The one that made the value is
  measured element by element, at each magnitude; an earlier one, which sums and
  products have spread since, at the largest.

Nothing is left open where values are moved, compared or selected, or where IEEE 754
fixes the result (+, -, *, /, square root and casts; the second rounding from f32 to
bf16 or f16 changes none of them, for f32 has twice their digits and two more:
Figueroa 1995). What is made of the inputs by such ops alone must be equal bit for
bit."""

import re
from dataclasses import dataclass

import numpy as np

from Numerics.Inputs import formats, vernier

F32_TOLERANCE = 1e-5

MOVES = {
    "ml_program.global_load", "arith.constant", "arith.negf", "arith.select", "arith.cmpf",
    "arith.maximumf", "arith.minimumf", "arith.extf", "arith.sitofp", "math.absf",
    "math.copysign", "train.relu", "train.broadcast", "train.transpose", "train.gather",
    "train.one_hot", "train.argmax", "train.seed", "tensor.collapse_shape",
    "tensor.expand_shape", "tensor.concat", "tensor.extract_slice", "tensor.pad"}
FIXED = {"arith.addf", "arith.subf", "arith.mulf", "arith.divf", "arith.truncf", "math.sqrt"}


@dataclass
class Value:
    """What is known of a value: whether all devices agree on its bits, else how many
    roundings to each narrow type may have fallen otherwise, and whether the last of
    them made the value as it is."""
    exact: bool = True
    counts: tuple = ()  # of (type, number)
    rounded_to: str = None

    def __str__(self):
        return "equal" if self.exact else " and ".join(
            ["f32", *(f"{count} rounding{'s'[:count - 1]} to {kind}"
                      for kind, count in self.counts)])

    def bound(self, values):
        """The largest difference from each of `values`."""
        size = np.abs(np.asarray(values, np.float64))
        if self.exact:
            return np.zeros_like(size)
        largest = np.max(size, initial=0.0)
        bound = np.full_like(size, F32_TOLERANCE * largest)
        for kind, count in self.counts:
            here = kind == self.rounded_to
            bound += (count - here) * formats.spacing(largest, kind)
            bound += here * formats.spacing(size, kind)
        return bound


def _join(values):
    counts = {}
    for value in values:
        for kind, count in value.counts:
            counts[kind] = max(counts.get(kind, 0), count)
    return counts


def _narrow(kind):
    return kind if kind in ("bf16", "f16", "tf32") else None


def _apply(op, attributes, operands, kind):
    """The value of element type `kind` that `op` makes."""
    if op == "amp.gate":  # Of a step that is not skipped.
        return operands[2]
    if op == "train.update":  # The first momentum is the gradient.
        return operands[1]
    exact = all(value.exact for value in operands)
    counts = _join(operands)
    is_move = op in MOVES or (op in ("train.reduce", "train.pool2d")
                              and re.search(r"_kind max\b", attributes))
    if is_move:
        kinds = {value.rounded_to for value in operands if not value.exact}
        return Value(exact, tuple(counts.items()), kinds.pop() if len(kinds) == 1 else None)
    if exact and op in FIXED:
        return Value()
    # A contraction in tf32 rounds what it reads.
    if "operand = tf32" in attributes and not exact:
        counts["tf32"] = counts.get("tf32", 0) + 1
    narrow = _narrow(kind)
    if narrow:
        counts[narrow] = counts.get(narrow, 0) + 1
    return Value(False, tuple(counts.items()), narrow)


OP = re.compile(r'(?:(%\w+)(?::\d+)? = )?"([\w.]+)"\((.*?)\)(.*)')
ELEMENT = re.compile(r"\b(?:\d+x)*(b?f\d+|i\d+|index)\b")


def _lines(text):
    """The ops of @step in generic form, one a line; a region is left out."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.lstrip().startswith('"func.func"') and 'sym_name = "step"' in line:
            yield line
            break
    for line in lines:
        if line.strip().startswith("^bb0("):
            continue
        if re.fullmatch(r"\}\) (\{.*\} )?: \(\) -> \(\)", line.strip()):
            return
        if line.endswith("({"):
            for inner in lines:
                if inner.lstrip().startswith("})"):
                    line = line[:-2] + inner.strip()[2:]
                    break
        yield line.strip()


def analyse(step):
    """Of the module `step`: what is known of each result of @step, and of what it
    stores in each global, by name."""
    text = vernier.optimize(step, "--mlir-print-op-generic")
    header, *lines = _lines(text)
    results = re.search(r"res_attrs = \[(.*?)\]", header).group(1)
    names = re.findall(r'train\.name = "(.*?)"', results)
    values, known = {}, {}
    for line in lines:
        result, op, operand_text, rest = OP.match(line).groups()
        operands = [values.get(name, Value()) for name in
                    re.findall(r"%\w+(?:#\d+)?", operand_text)]
        if op == "func.return":
            known.update(zip(names, operands))
        elif op == "ml_program.global_store":
            known[re.search(r'global = @"?([\w.]+)', rest).group(1)] = operands[0]
        elif result:
            kinds = ELEMENT.findall(rest.rsplit(" -> ", 1)[1])
            for number, kind in enumerate(kinds):
                name = f"{result}#{number}" if len(kinds) > 1 else result
                values[name] = _apply(op, rest, operands, kind)
    return known
