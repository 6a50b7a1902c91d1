#===- subnormal-products.py - bf16 products that the processor flushes
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler, avx512bf16
"""Matmul and convolution of numbers around the smallest normal one on a processor with
bf16 dot products: with cpu:native subnormal operands and sums are 0, with cpu (where
bf16 is multiplied in f32) they are not. Both against the sum in f64, of operands that
are flushed or not, and against the evaluator with and without --bf16-dot-products."""

import os
import tempfile

import ml_dtypes
import numpy as np

from Numerics.Inputs import runtime, vernier

NORMAL = 2.0 ** -126
M, K, N = 24, 32, 40

MODULE = f"""
func.func @predict(%a: tensor<{M}x{K}xbf16> {{train.name = "a"}}, %b: tensor<{N}x{K}xbf16> {{train.name = "b"}})
    -> (tensor<{M}x{N}xf32> {{train.name = "product"}}, tensor<1x4x6x{N}xf32> {{train.name = "image"}}) {{
  %y = train.matmul %a, %b {{transpose_rhs}} : (tensor<{M}x{K}xbf16>, tensor<{N}x{K}xbf16>) -> tensor<{M}x{N}xf32>
  %x = tensor.expand_shape %a [[0, 1, 2], [3]] output_shape [1, 4, 6, {K}] : tensor<{M}x{K}xbf16> into tensor<1x4x6x{K}xbf16>
  %w = tensor.expand_shape %b [[0, 1, 2], [3]] output_shape [{N}, 1, 1, {K}] : tensor<{N}x{K}xbf16> into tensor<{N}x1x1x{K}xbf16>
  %z = train.conv2d %x, %w : (tensor<1x4x6x{K}xbf16>, tensor<{N}x1x1x{K}xbf16>) -> tensor<1x4x6x{N}xf32>
  return %y, %z : tensor<{M}x{N}xf32>, tensor<1x4x6x{N}xf32>
}}
"""


def bf16(values):
    return np.asarray(values, np.float32).astype(ml_dtypes.bfloat16)


def flush(values):
    values = np.asarray(values, np.float64)
    return np.where(np.abs(values) < NORMAL, 0.0, values)


def draw():
    """Rows of three kinds: subnormal operands whose products with large numbers are
    normal; normal ones whose products are not; products that add up to normal sums."""
    rng = np.random.default_rng(4)
    a = rng.uniform(1, 2, (M, K)) * np.array([2.0 ** -130, 2.0 ** -70, 2.0 ** -40])[
        np.arange(M) % 3, None]
    b = rng.uniform(1, 2, (N, K)) * np.array([2.0 ** 30, 2.0 ** -70])[np.arange(N) % 2, None]
    return bf16(a), bf16(b)


A, B = draw()


def exact(flushes):
    """The model, with the bound of its error: each of K sums on the way may lose what
    is subnormal, and rounds to f32."""
    a, b = A.astype(np.float64), B.astype(np.float64)
    if flushes:
        a, b = flush(a), flush(b)
    sums, terms = a @ b.T, np.abs(a) @ np.abs(b).T
    if flushes:
        sums = flush(sums)
    lost = K * NORMAL if flushes else K * 2.0 ** -149
    # Sums of subnormal terms vanish altogether where each is flushed.
    return sums, K * 2.0 ** -24 * terms + lost


def run(target):
    with tempfile.TemporaryDirectory() as folder:
        model, plan = (os.path.join(folder, name) for name in ("m.mlir", "m.vplan"))
        with open(model, "w") as file:
            file.write(MODULE)
        vernier.run_tool("vernier-compile", model, "-o", plan, "--policy=bf16",
                         f"--target={target}")
        session = runtime.Session(plan)
        outputs = session.run("predict", {"a": A, "b": B})
        session.close()
    return outputs


def check(who, outputs, flushes):
    sums, bound = exact(flushes)
    for name in ("product", "image"):
        got = np.asarray(outputs[name], np.float64).reshape(M, N)
        assert np.all(np.abs(got - sums) <= bound), (who, name)
        is_subnormal = (got != 0) & (np.abs(got) < NORMAL)
        operands_vanish = got[np.arange(M) % 3 == 0]
        print(f"{who}, {name}: {is_subnormal.sum()} subnormal sums, "
              f"{(operands_vanish == 0).sum()} of {operands_vanish.size} sums of subnormal "
              "operands are 0")
        assert is_subnormal.any() != flushes, (who, name)
        assert np.all(operands_vanish == 0) == flushes, (who, name)


check("cpu:native", run("cpu:native"), flushes=True)
check("cpu", run("cpu"), flushes=False)
arrays = {"a": A, "b": B}
for flag in (False, True):
    outputs, _ = vernier.evaluate(MODULE, "predict", arrays, bf16_dot_products=flag)
    check(f"the evaluator{' with bf16 dot products' if flag else ''}", outputs, flag)
