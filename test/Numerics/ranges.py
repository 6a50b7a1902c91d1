#===- ranges.py - No value leaves the bounds of --amp-analyze-ranges
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""Soundness of the range analysis: random graphs of random ops, whose every value
is a result, evaluated on random inputs within the declared ranges. Each element
must keep all that the analysis says of it: the bounds, the smallest magnitude,
the grid, and whether it may be NaN. And the analysis must say something: most of
the results are bounded."""

import re

import numpy as np

from Numerics.Inputs import vernier

GRAPHS, OPS, INPUTS, DRAWS = 60, 24, 4, 3
ROWS, COLUMNS = 4, 6
MATRIX = f"{ROWS}x{COLUMNS}"
TYPES = ("f32", "f16", "bf16")

UNARY = ["math." + name for name in (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "cbrt", "sin", "cos",
    "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "absf",
    "ceil", "floor", "round", "roundeven", "trunc")] + ["arith.negf"] + [
    "train." + name for name in ("relu", "gelu", "silu", "sigmoid")]
BINARY = ["arith." + name for name in (
    "addf", "subf", "mulf", "divf", "remf", "maximumf", "minimumf", "maxnumf", "minnumf")] + [
    "math.copysign", "math.powf", "math.atan2"]


class Graph:
    """A function that returns all its values."""

    def __init__(self, rng):
        self.rng = rng
        self.lines, self.values, self.ranges = [], [], []
        self.arguments = []
        for i in range(INPUTS):
            low, high = sorted(rng.choice(
                [-100.0, -4.0, -1.0, -0.125, 0.0, 0.03125, 0.5, 1.0, 3.0, 200.0], 2, replace=False))
            element = rng.choice(TYPES)
            self.ranges.append((low, high))
            self.arguments.append(
                f"%arg{i}: tensor<{MATRIX}x{element}> {{train.range = [{low}, {high}]}}")
            self.values.append((f"%arg{i}", element))
        for _ in range(OPS):
            self.add()

    def emit(self, text, element, shape=MATRIX, reuse=True):
        name = f"%v{len(self.lines)}"
        self.lines.append((name, f"{name} = {text}", f"tensor<{shape}{'x' if shape else ''}{element}>"))
        if reuse:
            self.values.append((name, element))

    def pick(self, element=None):
        candidates = [v for v in self.values if element in (None, v[1])]
        return candidates[self.rng.integers(len(candidates))]

    def add(self):
        x, element = self.pick()
        y, _ = self.pick(element)
        z, _ = self.pick(element)
        tensor = f"tensor<{MATRIX}x{element}>"
        row = f"tensor<{COLUMNS}x{element}>"
        kind = self.rng.integers(16)
        if kind < 4:
            self.emit(f"{self.rng.choice(UNARY)} {x} : {tensor}", element)
        elif kind < 8:
            self.emit(f"{self.rng.choice(BINARY)} {x}, {y} : {tensor}", element)
        elif kind == 8:
            self.emit(f"math.fma {x}, {y}, {z} : {tensor}", element)
        elif kind == 9:
            self.emit(f"arith.mulf {x}, {x} : {tensor}", element)
        elif kind == 10:
            wide = self.rng.choice(["sum", "mean", "max"])
            self.emit(f"train.reduce {wide} {x} dims = [0] : {tensor} -> {row}", element, COLUMNS, reuse=False)
            self.emit(f"train.broadcast {self.lines[-1][0]} dims = [1] : {row} -> {tensor}", element)
        elif kind == 11:
            if element == "f32":
                other = self.rng.choice(["f16", "bf16"])
                self.emit(f"arith.truncf {x} : {tensor} to tensor<{MATRIX}x{other}>", other)
            else:
                self.emit(f"arith.extf {x} : {tensor} to tensor<{MATRIX}xf32>", "f32")
        elif kind == 12:
            op = self.rng.choice(["softmax", "log_softmax"])
            self.emit(f"train.{op} {x} : ({tensor}) -> {tensor}", element)
        elif kind == 13:
            self.emit(f"train.reduce mean {y} dims = [0] : {tensor} -> {row}", element, COLUMNS, reuse=False)
            scale = self.lines[-1][0]
            if self.rng.integers(2):
                self.emit(f"train.rms_norm {x}, {scale} : ({tensor}, {row}) -> {tensor}", element)
            else:
                self.emit(f"train.layer_norm {x}, {scale}, {scale} : ({tensor}, {row}, {row}) -> {tensor}", element)
        elif kind == 14:
            flag = "{tf32, transpose_rhs}" if element == "f32" and self.rng.integers(2) else "{transpose_rhs}"
            square = f"tensor<{ROWS}x{ROWS}x{element}>"
            self.emit(f"train.matmul {x}, {y} {flag} : ({tensor}, {tensor}) -> {square}", element,
                      f"{ROWS}x{ROWS}", reuse=False)
            self.emit(f"train.matmul {self.lines[-1][0]}, {z} : ({square}, {tensor}) -> {tensor}", element)
        else:
            op = self.rng.choice(["mse_loss", "bce_with_logits_loss"])
            reduction = self.rng.choice(["mean", "sum"])
            self.emit(f"train.{op} {x}, {y} {{reduction = #train<reduction {reduction}>}} : ({tensor}, {tensor}) -> tensor<f32>",
                      "f32", "", reuse=False)

    def text(self):
        names = ", ".join(name for name, _, _ in self.lines)
        types = ", ".join(kind for _, _, kind in self.lines)
        body = "\n  ".join(line for _, line, _ in self.lines)
        return (f"func.func @loss({', '.join(self.arguments)}) -> ({types}) {{\n  {body}\n"
                f"  return {names} : {types}\n}}\n")


def parse_number(text):
    if text.startswith("0x"):
        return float(np.array(int(text, 16), np.uint64).view(np.float64))
    return float(text)


def get_bounds(text):
    """The bounds of each result."""
    annotated = vernier.optimize(
        text, "--amp-analyze-ranges=annotate=true warn=false")
    bounds = []
    for found in re.findall(r"amp\.range = \{([^}]*)\}", annotated):
        fields = dict(re.findall(r"(\w+) = ([^ ,}]+)", found))
        bounds.append({key: value == "true" if key == "may_be_nan" else parse_number(value)
                       for key, value in fields.items()})
    return bounds


def violations(values, bound):
    """A mask of the elements that are not what `bound` says."""
    values = values.astype(np.float64)
    numbers = np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=-np.inf)
    wrong = (numbers < bound["low"]) | (numbers > bound["high"])
    wrong |= (numbers != 0) & (np.abs(numbers) < bound["smallest"])
    if 0 < bound["grid"] < np.inf:
        finite = np.where(np.isfinite(numbers), numbers, 0.0)
        wrong |= np.remainder(finite, bound["grid"]) != 0
    return np.where(np.isnan(values), not bound["may_be_nan"], wrong)


def draw(rng, low, high, shape=(ROWS, COLUMNS)):
    """Within the range, often at its ends, often equal or near zero."""
    values = rng.uniform(low, high, shape)
    ends = rng.integers(6, size=values.shape)
    values = np.where(ends == 0, low, np.where(ends == 1, high, values))
    if low <= 0 <= high:
        values = np.where(ends == 2, 0.0, values * np.where(ends == 3, 1e-6, 1.0))
    return np.full_like(values, values.flat[0]) if rng.integers(5) == 0 else values


IMAGES = """
func.func @loss(%x: tensor<2x4x4x6xT> {train.range = [LX, HX]}, %k: tensor<4x3x3x3xT> {train.range = [LK, HK]},
    %i: tensor<3x2xi32> {train.range = [-1, 5]}, %c: tensor<4xT> {train.range = [0.5, 2.0]},
    %step: tensor<i32> {train.range = [0, 9]}) -> (TYPES) {
  %y = train.conv2d %x, %k padding = [1, 1, 1, 1] groups = 2 : (tensor<2x4x4x6xT>, tensor<4x3x3x3xT>) -> tensor<2x4x4x4xT>
  %d = train.conv2d_input_gradient %y, %k padding = [1, 1, 1, 1] groups = 2 : (tensor<2x4x4x4xT>, tensor<4x3x3x3xT>) -> tensor<2x4x4x6xT>
  %g = train.conv2d_weight_gradient %x, %y padding = [1, 1, 1, 1] groups = 2 : (tensor<2x4x4x6xT>, tensor<2x4x4x4xT>) -> tensor<4x3x3x3xT>
  %m = train.pool2d max %x window = [2, 2] strides = [2, 2] : tensor<2x4x4x6xT> -> tensor<2x2x2x6xT>
  %a = train.pool2d average %x window = [3, 3] strides = [1, 1] padding = [1, 1, 1, 1] : tensor<2x4x4x6xT> -> tensor<2x4x4x6xT>
  %n = train.group_norm %y, %c, %c {groups = 2 : i64} : (tensor<2x4x4x4xT>, tensor<4xT>, tensor<4xT>) -> tensor<2x4x4x4xT>
  %o = train.batch_norm_inference %y, %c, %c, %c, %c : (tensor<2x4x4x4xT>, tensor<4xT>, tensor<4xT>, tensor<4xT>, tensor<4xT>) -> tensor<2x4x4x4xT>
  %e = train.gather %k, %i : (tensor<4x3x3x3xT>, tensor<3x2xi32>) -> tensor<3x2x3x3x3xT>
  %s = train.scatter_add %e, %i : (tensor<3x2x3x3x3xT>, tensor<3x2xi32>) -> tensor<4x3x3x3xT>
  %r = train.dropout %x step %step {rate = 0.4 : f64, seed = 7 : i32} : (tensor<2x4x4x6xT>, tensor<i32>) -> tensor<2x4x4x6xT>
  return %y, %d, %g, %m, %a, %n, %o, %e, %s, %r : TYPES
}
"""
IMAGE_SHAPES = ("2x4x4x4", "2x4x4x6", "4x3x3x3", "2x2x2x6", "2x4x4x6", "2x4x4x4", "2x4x4x4", "3x2x3x3x3", "4x3x3x3",
                "2x4x4x6")


def check_images(rng):
    """Convolutions, pools, tables and norms over channels."""
    bounded = 0
    for element in TYPES:
        for (lx, hx), (lk, hk) in (((-1.0, 1.0), (-0.5, 0.25)), ((0.0, 200.0), (0.03125, 3.0)), ((-4.0, -1.0), (0.0, 1.0))):
            text = IMAGES.replace("TYPES", ", ".join(f"tensor<{shape}xT>" for shape in IMAGE_SHAPES))
            for name, value in (("LX", lx), ("HX", hx), ("LK", lk), ("HK", hk), ("xT", "x" + element)):
                text = text.replace(name, str(value))
            bounds = get_bounds(text)
            assert len(bounds) == len(IMAGE_SHAPES), bounds
            for _ in range(DRAWS):
                inputs = {"arg0": draw(rng, lx, hx, (2, 4, 4, 6)), "arg1": draw(rng, lk, hk, (4, 3, 3, 3)),
                          "arg2": rng.integers(-1, 6, (3, 2)).astype(np.int32), "arg3": draw(rng, 0.5, 2.0, (4,)),
                          "arg4": np.array(rng.integers(10), np.int32)}
                results, _ = vernier.evaluate(text, "loss", inputs)
                for i, bound in enumerate(bounds):
                    wrong = violations(results[f"result{i}"], bound)
                    assert not wrong.any(), (element, i, results[f"result{i}"][wrong], bound)
            bounded += sum(np.isfinite(bound["low"]) and np.isfinite(bound["high"]) for bound in bounds)
    # Some do overflow in f16.
    assert bounded > 8 * len(IMAGE_SHAPES), bounded


def check_flushed_products():
    """A processor that takes subnormal bf16 operands for zero, and makes subnormal sums zero, stays within the
    bounds of a product; where everything vanishes they say that zero is possible."""
    tiny = 2.0 ** -126
    for low, high in ((tiny / 4, tiny / 2), (tiny / 2, 2 * tiny), (-tiny / 2, -tiny / 4), (1e-20, 2e-20)):
        text = f"""func.func @loss(%x: tensor<2x8xbf16> {{train.range = [{low:.17e}, {high:.17e}]}}, %y: tensor<8x2xbf16> {{train.range = [0.5, 1.0]}},
            %z: tensor<8x2xbf16> {{train.range = [1.0e-20, 2.0e-20]}}) -> (tensor<2x2xbf16>, tensor<2x2xbf16>) {{
          %p = train.matmul %x, %y : (tensor<2x8xbf16>, tensor<8x2xbf16>) -> tensor<2x2xbf16>
          %q = train.matmul %x, %z : (tensor<2x8xbf16>, tensor<8x2xbf16>) -> tensor<2x2xbf16>
          return %p, %q : tensor<2x2xbf16>, tensor<2x2xbf16>
        }}"""
        for bound, factor in zip(get_bounds(text), (0.75, 1.5e-20), strict=True):
            for element in (low, high, (low + high) / 2):
                operand = element if abs(element) >= tiny else 0.0
                total = 8 * operand * factor
                flushed = np.array([total if abs(total) >= tiny else 0.0, 8 * element * factor])
                assert not violations(flushed[:1], dict(bound, grid=0.0)).any(), (flushed, bound)
                assert bound["low"] <= flushed[1] <= bound["high"], (flushed, bound)


def main():
    rng = np.random.default_rng(11)
    check_images(rng)
    check_flushed_products()
    total = bounded = 0
    for number in range(GRAPHS):
        graph = Graph(rng)
        text = graph.text()
        bounds = get_bounds(text)
        assert len(bounds) == len(graph.lines), (len(bounds), text)
        for _ in range(DRAWS):
            inputs = {f"arg{i}": draw(rng, *graph.ranges[i]) for i in range(INPUTS)}
            results, _ = vernier.evaluate(text, "loss", inputs)
            for i, bound in enumerate(bounds):
                wrong = violations(results[f"result{i}"], bound)
                assert not wrong.any(), (
                    f"graph {number}: {graph.lines[i][1]} is {results[f'result{i}'][wrong]}, "
                    f"outside {bound}\n{text}")
        total += len(bounds)
        bounded += sum(np.isfinite(bound["low"]) and np.isfinite(bound["high"]) for bound in bounds)
    print(f"{total} values of {GRAPHS} graphs, {bounded} of them bounded")
    assert bounded > total / 3


if __name__ == "__main__":
    main()
