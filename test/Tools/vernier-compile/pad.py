# RUN: %python %s %t
# REQUIRES: compiler, numpy
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""On the CPU device a padded plan computes the same bits as the plain one: with
integer values every sum is exact, so nothing but a wrong pad could differ."""

import os
import subprocess
import sys

import numpy as np

MODEL = """
module @odd {
  ml_program.global private mutable @w1(dense<%s> : tensor<7x13xf32>) : tensor<7x13xf32> {train.role = "parameter"}
  ml_program.global private mutable @b1(#train.constant<3.0>) : tensor<7xf32> {train.role = "parameter"}
  ml_program.global private mutable @w2(#train.constant<2.0>) : tensor<9x7xf32> {train.role = "parameter"}
  func.func @predict(%%x: tensor<5x13xf32> {train.name = "x"}) -> (tensor<5x9xf32> {train.name = "y"}) {
    %%w1 = ml_program.global_load @w1 : tensor<7x13xf32>
    %%b1 = ml_program.global_load @b1 : tensor<7xf32>
    %%w2 = ml_program.global_load @w2 : tensor<9x7xf32>
    %%h = train.linear %%x, %%w1, %%b1 : (tensor<5x13xf32>, tensor<7x13xf32>, tensor<7xf32>) -> tensor<5x7xf32>
    %%r = train.relu %%h : tensor<5x7xf32>
    %%y = train.linear %%r, %%w2 : (tensor<5x7xf32>, tensor<9x7xf32>) -> tensor<5x9xf32>
    return %%y : tensor<5x9xf32>
  }
}
"""

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
os.chdir(folder)
rng = np.random.default_rng(0)
weights = rng.integers(-3, 4, (7, 13)).astype(np.float32)
x = rng.integers(-4, 5, (5, 13)).astype(np.float32)
open("odd.mlir", "w").write(MODEL % weights.tolist())
np.savez("x.npz", x=x)
expected = 2.0 * np.maximum(x @ weights.T + 3.0, 0.0).sum(1, keepdims=True) * np.ones((1, 9))
for policy in ("f32", "bf16", "f16"):
    for flags in ([], ["--pad-for-tensor-cores"]):
        subprocess.run(["vernier-compile", "odd.mlir", "-o", "odd.vplan",
                        "--policy=" + policy] + flags, check=True)
        subprocess.run(["vernier-run", "odd.vplan", "predict", "--data", "x.npz",
                        "--output", "y.npz"], check=True, capture_output=True)
        y = np.load("y.npz")["y"]
        # Sums stay below 2^11 in f16; bf16 rounds the result to 8 bits, and rounding
        # is the same whether padded or not.
        if policy != "bf16" and not np.array_equal(y, expected):
            sys.exit(f"{policy} {flags}: {y} is not {expected}")
        if flags and not np.array_equal(y, plain):
            sys.exit(f"{policy}: padded {y} is not {plain}")
        plain = y
