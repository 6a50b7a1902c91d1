#===- split-k.py - Long sums of bf16 products are exact in f32
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""A product of ones of length 257 x 4096 has the f32 sum 1052672, exactly, in the
evaluator and on every target: no partial sum is kept in 16 bits. Partial sums of a
power of two would be exact in bf16, too; 257 needs nine bits and is not."""

import os
import tempfile

import ml_dtypes
import numpy as np

from Numerics.Inputs import runtime, vernier

K = 257 * 4096
MODEL = f"""
func.func @predict(%a: tensor<2x{K}xbf16> {{train.name = "a"}}, %b: tensor<3x{K}xbf16> {{train.name = "b"}})
    -> (tensor<2x3xf32> {{train.name = "y"}}) {{
  %y = train.matmul %a, %b {{transpose_rhs}} : (tensor<2x{K}xbf16>, tensor<3x{K}xbf16>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}}"""

inputs = {"a": np.ones((2, K), ml_dtypes.bfloat16), "b": np.ones((3, K), ml_dtypes.bfloat16)}
assert float(np.float32(257.0).astype(ml_dtypes.bfloat16)) != 257.0
found, _ = vernier.evaluate(MODEL, "predict", inputs)
assert np.array_equal(found["y"], np.full((2, 3), 1052672.0)), found
with tempfile.TemporaryDirectory() as folder:
    model, plan = (os.path.join(folder, name) for name in ("m.mlir", "m.vplan"))
    with open(model, "w") as file:
        file.write(MODEL)
    for target in [*runtime.targets(), "cpu:cooperlake"]:
        vernier.run_tool("vernier-compile", model, "-o", plan, f"--target={target}")
        try:
            session = runtime.Session(plan)
        except RuntimeError as error:  # Instructions that this machine lacks.
            assert target == "cpu:cooperlake", error
            continue
        found = session.run("predict", inputs)
        session.close()
        assert np.array_equal(found["y"], np.full((2, 3), 1052672.0, np.float32)), (target, found)
        print(f"{target}: exact")
