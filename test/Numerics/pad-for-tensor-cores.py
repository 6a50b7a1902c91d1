# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# RUN: %python %s
# REQUIRES: numpy, compiler
"""Padded contractions give the bits of the unpadded ones, whatever is stored
transposed; nothing of the padding is read. Inputs are small integers, so that no
sum depends on its order."""

import itertools

import numpy as np

from Numerics.Inputs import vernier

rng = np.random.default_rng(0)


def shape(*extents):
    return "x".join(str(extent) for extent in extents) + "xbf16"


def functions(number, m, k, n):
    """A linear with bias and ReLU, and a matmul with either operand transposed."""
    for lhs, rhs in itertools.product((False, True), repeat=2):
        a = shape(k, m) if lhs else shape(m, k)
        b = shape(n, k) if rhs else shape(k, n)
        flags = ["transpose_lhs"] * lhs + ["transpose_rhs"] * rhs
        yield f"matmul{number}_{lhs:d}{rhs:d}", [
            (k, m) if lhs else (m, k), (n, k) if rhs else (k, n)], f"""
          (%a: tensor<{a}>, %b: tensor<{b}>) -> tensor<{m}x{n}xf32> {{
            %y = train.matmul %a, %b {{{", ".join(flags)}}} : (tensor<{a}>, tensor<{b}>) -> tensor<{m}x{n}xf32>
            return %y : tensor<{m}x{n}xf32>
          }}"""
    x, w = shape(2, m, k), shape(n, k)
    result = f"tensor<2x{m}x{n}xf32>"
    yield f"linear{number}", [(2, m, k), (n, k), (n,)], f"""
      (%x: tensor<{x}>, %w: tensor<{w}>, %b: tensor<{n}xf32>) -> {result} {{
        %y = train.linear %x, %w, %b {{epilogue = #train<epilogue relu>}} : (tensor<{x}>, tensor<{w}>, tensor<{n}xf32>) -> {result}
        return %y : {result}
      }}"""


sizes = list(itertools.product((1, 7, 8, 9), repeat=3)) + [(3, 1157, 2), (2, 9, 1157)]
cases = [case for number, size in enumerate(sizes)
         for case in functions(number, *size)]
for start in range(0, len(cases), 40):
    chunk = cases[start:start + 40]
    text = "\n".join(f"func.func @{name}{body}" for name, _, body in chunk)
    padded = vernier.optimize(text, "--amp-pad-for-tensor-cores")
    assert "tensor.pad" in padded
    for name, shapes, _ in chunk[start // 40 % 7::7]:
        inputs = {f"arg{i}": rng.integers(-3, 4, extents).astype(np.float32)
                  for i, extents in enumerate(shapes)}
        want, got = (vernier.evaluate(module, name, inputs)[0]["result0"]
                     for module in (text, padded))
        np.testing.assert_array_equal(got, want, name)
print(len(cases), "contractions padded, every seventh compared")
