#===- legalize-contractions.py - Legalizing changes no bit
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, compiler
"""A tf32 contraction and the f32 one that integer arithmetic rounds for: ties to
even, carries into the exponent, overflow, subnormals, inf and NaN. Sums in 16
bits, and f32 sums that are rounded."""

import numpy as np

from Numerics.Inputs import vernier

# A half of the last kept bit, more and less; the largest finite; subnormals.
BITS = np.array([0x3f801000, 0x3f803000, 0x3f800fff, 0x3f801001, 0x3fffffff,
                 0x7f7fffff, 0x7f7fefff, 0x00001000, 0x00003000, 0x80003000,
                 0xbf801000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001,
                 0x00000000], np.uint32)
TEXT = """
func.func @predict(%a: tensor<16x2xf32> {train.name = "a"}, %b: tensor<2x4xf32> {train.name = "b"})
    -> (tensor<16x4xf32> {train.name = "y"}) {
  %y = train.matmul %a, %b {tf32} : (tensor<16x2xf32>, tensor<2x4xf32>) -> tensor<16x4xf32>
  return %y : tensor<16x4xf32>
}"""


def run(text, a, b):
    results, _ = vernier.evaluate(text, "predict", {"a": a, "b": b})
    return np.asarray(results["y"], np.float32)


def main():
    legal = vernier.optimize(TEXT, "--train-legalize-contractions")
    assert "tf32" not in legal
    rng = np.random.default_rng(0)
    hard = np.zeros((16, 2), np.float32)
    hard[:, 0] = BITS.view(np.float32)
    identity = np.zeros((2, 4), np.float32)
    identity[0, 0] = 1
    usual = rng.normal(0, 1, (16, 2)).astype(np.float32)
    weights = rng.normal(0, 1, (2, 4)).astype(np.float32)
    for a, b in ((hard, identity), (usual, weights)):
        want, got = run(TEXT, a, b), run(legal, a, b)
        assert np.array_equal(want, got, equal_nan=True), (want, got)
    rounded = run(legal, hard, identity)[:3, 0].view(np.uint32)
    assert [hex(bits) for bits in rounded] == ["0x3f800000", "0x3f804000", "0x3f800000"]
    check_accumulate_types()


def check_accumulate_types():
    """The same bits: sums of integers below 2^24 are exact in any order."""
    rng = np.random.default_rng(1)
    a, b = (rng.integers(-60, 60, shape).astype(np.float32)
            for shape in ((16, 9), (9, 4)))
    for operand, sums, result in (("bf16", "bf16", "f32"), ("bf16", "f16", "bf16"),
                                  ("f16", "bf16", "f16"), ("f32", "f16", "f32")):
        kinds = f"tensor<16x9x{operand}>, tensor<9x4x{operand}>"
        text = f"""
          func.func @predict(%a: tensor<16x9x{operand}> {{train.name = "a"}},
                             %b: tensor<9x4x{operand}> {{train.name = "b"}})
              -> (tensor<16x4x{result}> {{train.name = "y"}}) {{
            %y = train.matmul %a, %b {{accumulate_type = {sums}}}
              : ({kinds}) -> tensor<16x4x{result}>
            return %y : tensor<16x4x{result}>
          }}"""
        for target in ("cpu", "cpu:znver5"):
            legal = vernier.optimize(text, f"--attach-target=target={target}", "--train-legalize-contractions")
            assert "accumulate_type" not in legal
            np.testing.assert_array_equal(run(text, a, b), run(legal, a, b), legal)
        plain = text.replace(f"{{accumulate_type = {sums}}}", "")
        # f16 has more bits than bf16: rounding to it first is seldom seen.
        assert sums == "f16" or not np.array_equal(run(text, a, b), run(plain, a, b))


if __name__ == "__main__":
    main()
