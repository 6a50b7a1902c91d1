#===- tails.py - Activations and angles far from zero
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""Activations, their gradients and the trigonometric functions on the CPU, in f32 and
16 bits, from zero to the ends of f32, against the C library in f64: each element by
itself, so that a tail of 1e-30 counts like a value of 1. Where the exact result is a
normal number of f32 its digits must be right."""

import math

import numpy as np

from Numerics.Inputs import formats, runtime, slopes


def each(function):
    return lambda x: np.array([function(float(value)) for value in x])


def limit(function, low, high):
    """`function`, and its limits beyond 64."""
    return lambda x: function(x) if abs(x) < 64 else low(x) if x < 0 else high(x)


def sigmoid(x):
    power = math.exp(-min(abs(x), 700.0))
    return (1.0 if x > 0 else power) / (1.0 + power)


def zero(_):
    return 0.0


def one(_):
    return 1.0


def same(x):
    return x


def gelu(x):
    return 0.5 * x * math.erfc(-x / math.sqrt(2))


def gelu_slope(x):
    density = math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return 0.5 * math.erfc(-x / math.sqrt(2)) + x * density


C = 2 * math.sqrt(2 / math.pi)


def gelu_tanh(x):
    return x * sigmoid(C * (x + 0.044715 * x ** 3))


def gelu_tanh_slope(x):
    v, dv = C * (x + 0.044715 * x ** 3), C * (1 + 3 * 0.044715 * x * x)
    return sigmoid(v) * (1 + x * sigmoid(-v) * dv)


def silu(x):
    return 0.0 if x == -math.inf else x * sigmoid(x)


def silu_slope(x):
    s = sigmoid(x)
    return s if math.isinf(x) else s * (1 + x * sigmoid(-x))


# op: (function, derivative, relative bound of each). The bound of GELU is that of
# e^(-x^2 / 2) at x = 14, where the argument's rounding counts a hundred times; that of
# its slopes is absolute where they cross zero.
ACTIVATIONS = {
    "train.sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x), 4e-7, None),
    "train.silu": (silu, silu_slope, 6e-7, 2e-6),
    "train.gelu": (limit(gelu, zero, same), limit(gelu_slope, zero, one), 2e-5, 3e-5),
    "train.gelu {form = #train<gelu_form tanh>}":
        (limit(gelu_tanh, zero, same), limit(gelu_tanh_slope, zero, one), 3e-5, 4e-5),
}
ANGLES = {"math.sin": math.sin, "math.cos": math.cos, "math.tan": math.tan}


def activation_points():
    steps = np.arange(-110.0, 110.0, 0.0625)
    return np.concatenate([steps, steps / 8, [1e10, -1e10, 3e38, -3e38, np.inf, -np.inf]])


def angle_points():
    """Every exponent, the largest floats, and the f32 nearest to a multiple of pi / 2
    of all (Muller, Elementary Functions, 11.3): 16367173 * 2^72."""
    rng = np.random.default_rng(3)
    mantissas = rng.integers(0, 1 << 23, (60, 170), np.uint32)
    bits = (np.arange(85, 255, dtype=np.uint32) << 23) | mantissas
    values = bits.astype(np.uint32).view(np.float32).ravel()
    special = np.array([0.0, 1e-40, 3.4028235e38, math.ldexp(16367173, 72), 2.0 ** 45,
                        np.nextafter(np.float32(2.0 ** 45), np.float32(0))], np.float32)
    values = np.concatenate([values, special])
    return np.concatenate([values, -values])


def worst(got, want, relative, absolute, element):
    """The largest error over its bound: relative, one spacing of the type of the
    result, and at least the spacing of the subnormal numbers."""
    bound = relative * np.abs(want) + absolute + 2.0 ** -148
    if element != "f32":
        bound += formats.spacing(want, element)
    # A product of a subnormal number has few digits.
    bound = np.where(np.abs(want) < 2.0 ** -126, bound + 4e-3 * np.abs(want) + 2.0 ** -144,
                     bound)
    got = got.astype(np.float64)
    excess = np.where(np.isfinite(got), np.abs(got - want), np.inf) / bound
    excess[(got == want) | (np.isnan(got) & np.isnan(want))] = 0.0
    return float(np.max(excess)), int(np.argmax(excess))


# NaN and infinities are compared by themselves.
np.seterr(invalid="ignore", over="ignore")
failures = []


def compare(what, points, got, want, relative, absolute=0.0, element="f32"):
    excess, index = worst(got, want, relative, absolute, element)
    print(f"{what}: {excess * relative:.2g} of {relative:.2g}")
    if not excess <= 1.0:
        failures.append(f"{what}({points[index]:.9g}): {got[index]:.9g} for "
                        f"{want[index]:.9g}")


def check_activations(element, target):
    points = formats.rounded(activation_points(), element)
    points = points[~np.isnan(points)].astype(np.float32)
    found = slopes.run({op: [points] for op in ACTIVATIONS}, target, element)
    for op, (function, slope, bound, slope_bound) in ACTIVATIONS.items():
        y, (g,) = found[op]
        compare(f"{target}, {element}, {op}", points, y, each(function)(points), bound,
                element=element)
        if slope_bound:
            compare(f"{target}, {element}, gradient of {op}", points, g,
                    each(slope)(points), slope_bound, 5e-7, element)


def check_angles(target):
    points = angle_points()
    found = slopes.run({op: [points] for op in ANGLES}, target)
    for op, function in ANGLES.items():
        compare(f"{target}, {op}", points, found[op][0], each(function)(points), 6.1e-8)
    compare(f"{target}, gradient of math.sin", points, found["math.sin"][1][0],
            each(math.cos)(points), 6.1e-8)


for target in runtime.targets():
    for element in ("f32", "bf16", "f16"):
        check_activations(element, target)
    check_angles(target)
print("\n".join(failures))
assert not failures
