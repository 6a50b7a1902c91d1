#===- special-points.py - Derivatives where functions are not smooth
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, torch, compiler
"""The gradient of every differentiable elementwise op on the CPU at zeros, bounds of
domains, ties, infinities, NaN, and numbers near the ends of f32: as PyTorch's, but
for what DIFFERENCES lists with its reason. A difference that no longer exists fails,
too."""

import itertools

import numpy as np
import torch
import torch.nn.functional as F

from Numerics.Inputs import runtime, slopes

NAN, INF, TINY, HUGE = np.nan, np.inf, 1e-30, 1e30
POINTS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, TINY, -TINY, 1e-42, HUGE, -HUGE, INF, -INF, NAN]

UNARY = {
    "arith.negf": torch.neg, "math.absf": torch.abs, "math.exp": torch.exp,
    "math.exp2": torch.exp2, "math.expm1": torch.expm1, "math.log": torch.log,
    "math.log2": torch.log2, "math.log10": torch.log10, "math.log1p": torch.log1p,
    "math.sqrt": torch.sqrt, "math.rsqrt": torch.rsqrt, "math.sin": torch.sin,
    "math.cos": torch.cos, "math.tan": torch.tan, "math.asin": torch.asin,
    "math.acos": torch.acos, "math.atan": torch.atan, "math.sinh": torch.sinh,
    "math.cosh": torch.cosh, "math.tanh": torch.tanh, "math.asinh": torch.asinh,
    "math.acosh": torch.acosh, "math.atanh": torch.atanh, "math.erf": torch.erf,
    "math.erfc": torch.erfc, "math.ceil": torch.ceil, "math.floor": torch.floor,
    "math.trunc": torch.trunc, "math.roundeven": torch.round,
    "train.relu": torch.relu, "train.gelu": F.gelu,
    "train.gelu {form = #train<gelu_form tanh>}": lambda x: F.gelu(x, approximate="tanh"),
    "train.silu": F.silu, "train.sigmoid": torch.sigmoid,
    "math.clampf to [%low, %high]": lambda x: torch.clamp(x, -1.0, 1.0),
}
BINARY = {
    "arith.addf": torch.add, "arith.subf": torch.sub, "arith.mulf": torch.mul,
    "arith.divf": torch.div, "arith.maximumf": torch.maximum,
    "arith.minimumf": torch.minimum, "arith.maxnumf": torch.fmax,
    "arith.minnumf": torch.fmin, "math.powf": torch.pow, "math.atan2": torch.atan2,
    "math.copysign": torch.copysign,
}

# By op: reason and where it holds.
DIFFERENCES = {
    "train.gelu": {"the limit, where PyTorch has inf * 0": np.isinf},
    "train.gelu {form = #train<gelu_form tanh>}": {
        "the limit, where PyTorch has inf * 0": lambda x: np.abs(x) > 1e19},
    "train.silu": {"the limit, where PyTorch has inf * 0": np.isinf},
    "math.atan2": {
        "0 at the origin, where PyTorch has 0 / 0":
            lambda y, x: (x == 0) & (y == 0),
        "right where PyTorch's x^2 + y^2 overflows or vanishes":
            lambda y, x: (np.maximum(np.abs(x), np.abs(y)) > 1e19)
            | (np.maximum(np.abs(x), np.abs(y)) < 1e-19)},
    "math.rsqrt": {
        "-inf at -0 as at 0, where PyTorch cubes 1 / -0":
            lambda x: (x == 0) & np.signbit(x)},
    "math.copysign": {
        "the sign, where PyTorch has inf / inf or NaN / NaN":
            lambda x, y: ~np.isfinite(x)},
}


def points(op):
    if op in UNARY:
        return [np.array(POINTS, np.float32)]
    return [np.array(values, np.float32)
            for values in zip(*itertools.product(POINTS, POINTS))]


OPS = {**UNARY, **BINARY}
INPUTS = {op: points(op) for op in OPS}


def theirs(op):
    leaves = [torch.tensor(values, requires_grad=True) for values in INPUTS[op]]
    OPS[op](*leaves).sum().backward()
    return [leaf.grad.numpy() if leaf.grad is not None else np.zeros(leaf.shape)
            for leaf in leaves]


def agree(got, want):
    """To 1e-5, and one subnormal number or so; a zero's sign has no meaning."""
    with np.errstate(invalid="ignore"):
        close = np.abs(got - want) <= 1e-5 * np.abs(want) + 1e-43
    return close & np.isfinite(want) | (got == want) | (np.isnan(got) & np.isnan(want))


def check(op, gradients):
    """Points that differ without a reason, and reasons that explain nothing."""
    inputs, failures = INPUTS[op], []
    wrong = np.zeros(len(inputs[0]), bool)
    wanted = theirs(op)
    for got, want in zip(gradients, wanted):
        wrong |= ~agree(got.astype(np.float64), want.astype(np.float64))
    explained = np.zeros_like(wrong)
    for reason, predicate in DIFFERENCES.get(op, {}).items():
        covered = predicate(*(values.astype(np.float64) for values in inputs))
        if not np.any(covered & wrong):
            failures.append(f"{op}: no difference '{reason}' any more")
        explained |= covered
    for index in np.flatnonzero(wrong & ~explained):
        at = ", ".join(f"{values[index]:g}" for values in inputs)
        failures.append(f"{op}({at}): {[float(g[index]) for g in gradients]}, PyTorch "
                        f"{[float(w[index]) for w in wanted]}")
    # Where we differ on purpose we know the derivative.
    for index in np.flatnonzero(explained & wrong):
        if not any(np.isnan(values[index]) for values in inputs) and any(
                np.isnan(got[index]) for got in gradients):
            at = ", ".join(f"{values[index]:g}" for values in inputs)
            failures.append(f"{op}({at}): explained, but NaN")
    return failures


failures = []
for target in runtime.targets():
    found = slopes.run(INPUTS, target)
    failures += [f"{target}: {failure}" for op in OPS
                 for failure in check(op, found[op][1])]
print(f"{sum(len(inputs[0]) for inputs in INPUTS.values())} points of {len(OPS)} ops, "
      f"{len(failures)} failures")
print("\n".join(failures))
assert not failures
