#===- rounding-casts.py - Roundings against ml_dtypes and NumPy
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""Every bf16 and f16 value survives; between any two, rounding agrees with
ml_dtypes and NumPy bit for bit: ties, subnormals, overflow, signed zeros."""

import numpy as np

from Numerics.Inputs import formats, vernier

rng = np.random.default_rng(0)


def probes(element):
    """As f32: every value, every midpoint of neighbours, its neighbours in f32,
    and random bits."""
    bits = np.arange(65536, dtype=np.uint16)
    values = bits.view(formats.NUMPY[element]).astype(np.float32)
    finite = np.sort(values[np.isfinite(values)]).astype(np.float64)
    middles = ((finite[1:] + finite[:-1]) / 2).astype(np.float32)
    noise = rng.integers(0, 2**32, 100000, dtype=np.uint64).astype(np.uint32)
    limit = np.float32(65520.0)
    return np.concatenate([
        values, middles,
        np.nextafter(middles, np.float32(np.inf)),
        np.nextafter(middles, np.float32(-np.inf)),
        noise.view(np.float32),
        [limit, np.nextafter(limit, np.float32(0)), np.float32(3.4e38)],
    ]).astype(np.float32)


def check(name, got, want):
    """Equal bits, but any NaN equals any other."""
    got, want = np.float32(got), np.float32(want)
    same = (got.view(np.uint32) == want.view(np.uint32)) | (
        np.isnan(got) & np.isnan(want))
    assert same.all(), (name, np.flatnonzero(~same)[:5], got[~same][:5],
                        want[~same][:5])
    print(f"{name}: {same.size} values agree")


for element in ("bf16", "f16"):
    x = probes(element)
    narrow = f"tensor<{x.size}x{element}>"
    wide = f"tensor<{x.size}xf32>"
    text = f"""
      func.func @f(%x: {wide}) -> {narrow} {{
        %y = arith.truncf %x : {wide} to {narrow}
        return %y : {narrow}
      }}"""
    with np.errstate(all="ignore"):
        want = x.astype(formats.NUMPY[element]).astype(np.float32)
    check(f"f32 to {element}", vernier.evaluate(text, "f", {"arg0": x})[0]["result0"],
          want)

# From f64 in one rounding: NumPy's own f16 is correct there, where going through
# f32 would round twice.
x = probes("f16").astype(np.float64)
x = x[np.isfinite(x)]
x = np.concatenate([x, np.nextafter(x, np.inf), np.nextafter(x, -np.inf)])
text = f"""
  func.func @f(%x: tensor<{x.size}xf64>) -> tensor<{x.size}xf16> {{
    %y = arith.truncf %x : tensor<{x.size}xf64> to tensor<{x.size}xf16>
    return %y : tensor<{x.size}xf16>
  }}"""
with np.errstate(all="ignore"):
    want = x.astype(np.float16).astype(np.float32)
check("f64 to f16", vernier.evaluate(text, "f", {"arg0": x})[0]["result0"], want)

# Elementwise arithmetic on 16 bits is f32 arithmetic rounded once.
for element in ("bf16", "f16"):
    a, b = (rng.permutation(np.arange(65536, dtype=np.uint16))
            .view(formats.NUMPY[element]) for _ in range(2))
    kind = f"tensor<65536x{element}>"
    text = "\n".join([
        f"func.func @f(%a: {kind}, %b: {kind}) -> ({kind}, {kind}, {kind}, {kind}) {{",
        *(f"  %{op} = arith.{op} %a, %b : {kind}"
          for op in ("addf", "subf", "mulf", "divf")),
        f"  return %addf, %subf, %mulf, %divf : {kind}, {kind}, {kind}, {kind}",
        "}"])
    results, _ = vernier.evaluate(text, "f", {"arg0": a, "arg1": b})
    wide = [v.astype(np.float32) for v in (a, b)]
    with np.errstate(all="ignore"):
        for index, function in enumerate((np.add, np.subtract, np.multiply,
                                          np.divide)):
            want = function(*wide).astype(formats.NUMPY[element])
            check(f"{function.__name__} of {element}",
                  results[f"result{index}"], want.astype(np.float32))
