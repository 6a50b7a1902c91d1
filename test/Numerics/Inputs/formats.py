#===- formats.py - Element types and their rounding
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Element types: their names in MLIR, their NumPy types, their spacing."""

import ml_dtypes
import numpy as np

NUMPY = {
    "f32": np.float32,
    "bf16": ml_dtypes.bfloat16,
    "f16": np.float16,
    "f64": np.float64,
    "i32": np.int32,
    "i1": np.bool_,
}

# Bits after the leading one, exponent of the smallest normal number.
FORMATS = {"f32": (23, -126), "bf16": (7, -126), "f16": (10, -14),
           "f64": (52, -1022)}


def tensor_type(shape, element):
    """("tensor<2x3xf32>") of shape (2, 3) and "f32"."""
    return "tensor<" + "".join(f"{extent}x" for extent in shape) + element + ">"


def rounded(values, element):
    """`values` rounded to the element type (through f32 as ops do), as f64."""
    if element in ("i32", "i1", "f64"):
        return np.asarray(values)
    values = np.asarray(values, np.float32)
    return values.astype(NUMPY[element]).astype(np.float64)


def spacing(values, element):
    """The distance between neighbours in `element` at each of `values`."""
    mantissa, minimum = FORMATS[element]
    _, exponent = np.frexp(np.abs(np.asarray(values, np.float64)))
    return np.ldexp(1.0, np.maximum(exponent - 1, minimum) - mantissa)


def error_in_spacings(got, exact, element):
    """The largest distance of `got` from `exact`, in spacings of `element` at
    `exact`. 0.5 is one rounding. NaN and infinities must agree."""
    got, exact = np.asarray(got, np.float64), np.asarray(exact, np.float64)
    assert got.shape == exact.shape, (got.shape, exact.shape)
    reference = rounded(exact, element)
    special = ~np.isfinite(reference)
    if not np.array_equal(got[special], reference[special], equal_nan=True):
        return np.inf
    error = np.abs(got - exact)[~special]
    if error.size == 0:
        return 0.0
    return float(np.max(error / spacing(exact, element)[~special]))


def error_relative_to_largest(got, exact):
    """The largest difference over the largest magnitude of `exact`."""
    got, exact = np.asarray(got, np.float64), np.asarray(exact, np.float64)
    assert got.shape == exact.shape, (got.shape, exact.shape)
    if exact.size == 0:
        return 0.0
    scale = np.max(np.abs(exact))
    return float(np.max(np.abs(got - exact)) / (scale if scale else 1.0))
