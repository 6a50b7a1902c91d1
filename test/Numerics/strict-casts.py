#===- strict-casts.py - What --casts=strict and --casts=relaxed promise
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""Strict: the device computes what the evaluator does, to the bit, where IEEE 754
fixes every operation and sums are exact in any order: arithmetic with casts under
every policy, and whole training steps on integers. Relaxed: fewer casts, other bits,
and an error within the roundings that are skipped."""

import os
import re
import tempfile

import numpy as np

from Numerics.Inputs import formats, runtime, vernier

# Casts at every turn: those of the model, and those of autocast beside them.
ARITHMETIC = """
func.func @predict(%a: tensor<64x33xf32> {train.name = "a"}, %b: tensor<64x33xf32> {train.name = "b"},
                   %h: tensor<64x33xf16> {train.name = "h"})
    -> (tensor<64x33xf32> {train.name = "y"}, tensor<64x33xf16> {train.name = "z"}) {
  %0 = arith.truncf %a : tensor<64x33xf32> to tensor<64x33xbf16>
  %1 = arith.extf %0 : tensor<64x33xbf16> to tensor<64x33xf32>
  %2 = arith.mulf %1, %b : tensor<64x33xf32>
  %3 = arith.addf %2, %a : tensor<64x33xf32>
  %4 = arith.truncf %3 : tensor<64x33xf32> to tensor<64x33xf16>
  %5 = arith.divf %4, %h : tensor<64x33xf16>
  %6 = arith.subf %5, %4 : tensor<64x33xf16>
  %7 = arith.extf %6 : tensor<64x33xf16> to tensor<64x33xf32>
  %8 = arith.maximumf %7, %3 : tensor<64x33xf32>
  %9 = math.absf %8 : tensor<64x33xf32>
  %10 = arith.truncf %9 : tensor<64x33xf32> to tensor<64x33xbf16>
  %11 = arith.extf %10 : tensor<64x33xbf16> to tensor<64x33xf32>
  %12 = arith.mulf %11, %11 : tensor<64x33xf32>
  %13 = arith.addf %12, %7 : tensor<64x33xf32>
  return %13, %6 : tensor<64x33xf32>, tensor<64x33xf16>
}"""

# Small integers: every product and every sum is an integer below 2^24.
STEP = """
ml_program.global private mutable @w1(#train.constant<0.0>) : tensor<24x16xf32> {train.role = "parameter"}
ml_program.global private mutable @b1(#train.constant<0.0>) : tensor<24xf32> {train.role = "parameter"}
ml_program.global private mutable @w2(#train.constant<0.0>) : tensor<8x24xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<32x16xf32> {train.name = "x"}, %t: tensor<32x8xf32> {train.name = "t"})
    -> (tensor<f32> {train.name = "loss"}, tensor<32x8xf32> {train.name = "y"}) {
  %w1 = ml_program.global_load @w1 : tensor<24x16xf32>
  %b1 = ml_program.global_load @b1 : tensor<24xf32>
  %w2 = ml_program.global_load @w2 : tensor<8x24xf32>
  %h = train.linear %x, %w1, %b1 : (tensor<32x16xf32>, tensor<24x16xf32>, tensor<24xf32>) -> tensor<32x24xf32>
  %r = train.relu %h : tensor<32x24xf32>
  %y = train.linear %r, %w2 : (tensor<32x24xf32>, tensor<8x24xf32>) -> tensor<32x8xf32>
  %loss = train.mse_loss %y, %t {reduction = #train<reduction sum>} : (tensor<32x8xf32>, tensor<32x8xf32>) -> tensor<f32>
  return %loss, %y : tensor<f32>, tensor<32x8xf32>
}"""

# One kernel behind a contraction, whose 16-bit values never leave it.
CHAIN = """
func.func @predict(%x: tensor<64x64xf32> {train.name = "x"}, %w: tensor<64x64xf32> {train.name = "w"})
    -> (tensor<64x64xf32> {train.name = "y"}) {
  %0 = train.matmul %x, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %1 = train.gelu %0 : tensor<64x64xf32>
  %2 = train.silu %1 : tensor<64x64xf32>
  %3 = train.softmax %2 : (tensor<64x64xf32>) -> tensor<64x64xf32>
  return %3 : tensor<64x64xf32>
}"""


# The gradient goes to the element that equals the maximum.
MAXIMUM = """
ml_program.global private mutable @w(#train.normal<0.0, 1.0>) : tensor<4x8xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<13x8xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
  %w = ml_program.global_load @w : tensor<4x8xf32>
  %z = train.linear %x, %w : (tensor<13x8xf32>, tensor<4x8xf32>) -> tensor<13x4xf32>
  %m = train.reduce max %z dims = [1] : tensor<13x4xf32> -> tensor<13xf32>
  %e = math.exp %m : tensor<13xf32>
  %l = train.reduce mean %e dims = [0] : tensor<13xf32> -> tensor<f32>
  return %l : tensor<f32>
}"""


class Compiled:
    def __init__(self, folder, text, *options):
        self.model, self.plan = (os.path.join(folder, n) for n in ("m.mlir", "m.vplan"))
        with open(self.model, "w") as file:
            file.write(text)
        self.options = options

    def emit(self, stage):
        return vernier.run_tool("vernier-compile", self.model, f"--emit={stage}", *self.options)

    def explain(self):
        return vernier.run_tool("vernier-compile", self.model, "-o", self.plan, "--explain",
                                *self.options)

    def run(self, entry, inputs, states=None, target="cpu"):
        vernier.run_tool("vernier-compile", self.model, "-o", self.plan, *self.options,
                         f"--target={target}")
        session = runtime.Session(self.plan)
        session.set_states(states or {})
        found = session.run(entry, inputs), session.get_states()
        session.close()
        return found


def same_bits(device, evaluator, what):
    for name, want in evaluator.items():
        got = np.asarray(device[name])
        want = np.asarray(want).astype(got.dtype)
        assert got.tobytes() == want.tobytes(), (what, name, np.abs(
            got.astype(np.float64) - want.astype(np.float64)).max())


def check_arithmetic(folder):
    rng = np.random.default_rng(3)
    draw = lambda: (rng.standard_normal((64, 33)) * 2.0**rng.integers(-4, 4, (64, 33))).astype(np.float32)
    inputs = {"a": draw(), "b": draw(), "h": draw().astype(np.float16)}
    for policy in ("f32", "bf16", "f16"):
        compiled = Compiled(folder, ARITHMETIC, f"--policy={policy}")
        wanted, _ = vernier.evaluate(compiled.emit("amp"), "predict", inputs)
        for target in runtime.targets():
            found, _ = compiled.run("predict", inputs, target=target)
            same_bits(found, wanted, (policy, target))
    print("arithmetic: the same bits")


def check_steps(folder):
    rng = np.random.default_rng(4)
    draw = lambda shape, most: rng.integers(-most, most + 1, shape).astype(np.float32)
    inputs = {"x": draw((32, 16), 2), "t": draw((32, 8), 3)}
    states = {"w1": draw((24, 16), 1), "b1": draw((24,), 2), "w2": draw((8, 24), 1)}
    for policy in ("f32", "tf32", "bf16"):
        compiled = Compiled(folder, STEP, f"--policy={policy}", "--optimizer=sgd,lr=0.0078125,momentum=0.5")
        wanted, after = vernier.evaluate(compiled.emit("step"), "step", inputs, states)
        for target in runtime.targets():
            found, left = compiled.run("step", inputs, states, target)
            same_bits(found, wanted, (policy, target))
            same_bits(left, {name: value for name, value in after.items() if name in left}, (policy, target))
    print("training steps: the same bits")


def check_relaxed_maximum(folder):
    rng = np.random.default_rng(6)
    inputs = {"x": rng.standard_normal((13, 8)).astype(np.float32)}
    states = {"w": rng.standard_normal((4, 8)).astype(np.float32)}
    for policy, spacing in (("bf16", 2.0**-7), ("f16", 2.0**-10)):
        options = (f"--policy={policy}", "--optimizer=sgd,lr=0.0,momentum=0.9", "--loss-scale=none")
        _, after = vernier.evaluate(Compiled(folder, MAXIMUM, *options).emit("step"), "step", inputs, states)
        outputs, left = Compiled(folder, MAXIMUM, *options, "--casts=relaxed").run("step", inputs, states)
        assert outputs["all_finite"], policy
        # A few roundings: of x, w, z, exp and what comes back.
        error = formats.error_relative_to_largest(left["w.momentum"], after["w.momentum"])
        assert error < 8 * spacing, (policy, error)
    print("relaxed: gradients of maxima")


def check_relaxed_overflow(folder):
    """Sums of a gradient that f16 cannot hold."""
    inputs = {"x": np.zeros((32, 16), np.float32), "t": np.full((32, 8), 3, np.float32)}
    states = {"w1": np.zeros((24, 16), np.float32), "b1": np.full(24, 8192, np.float32),
              "w2": np.zeros((8, 24), np.float32)}
    for casts in ("strict", "relaxed"):
        outputs, left = Compiled(folder, STEP, "--policy=f16", "--loss-scale=none", "--optimizer=sgd,lr=1e-3",
                                 f"--casts={casts}").run("step", inputs, states)
        assert not outputs["all_finite"], casts
        assert not np.any(left["w2"]), casts
    print("relaxed: overflows are found")


def check_relaxed(folder):
    rng = np.random.default_rng(5)
    inputs = {name: rng.standard_normal((64, 64)).astype(np.float32) for name in ("x", "w")}
    strict = Compiled(folder, CHAIN, "--policy=bf16")
    relaxed = Compiled(folder, CHAIN, "--policy=bf16", "--casts=relaxed")
    count = lambda compiled: len(re.findall(r"arith\.(truncf|extf)", compiled.emit("fusion")))
    skipped = int(re.search(r"kernels skip (\d+) roundings", relaxed.explain()).group(1))
    assert skipped > 0 and count(strict) >= count(relaxed) + skipped, (count(strict), count(relaxed), skipped)
    assert "skip" not in strict.explain()
    exact, _ = vernier.evaluate(strict.emit("train"), "predict", inputs, exact=True)
    errors = {}
    results = {}
    for name, compiled in (("strict", strict), ("relaxed", relaxed)):
        results[name], _ = compiled.run("predict", inputs)
        errors[name] = formats.error_relative_to_largest(results[name]["y"], exact["y"])
    # Fewer roundings, and so no larger an error than strict's few bf16 roundings.
    assert not np.array_equal(results["strict"]["y"], results["relaxed"]["y"])
    assert errors["relaxed"] <= 2.0**-4 and errors["strict"] <= 2.0**-4, errors
    # The evaluator agrees about what a relaxed kernel is.
    wanted, _ = vernier.evaluate(relaxed.emit("fusion"), "predict", inputs)
    error = formats.error_relative_to_largest(results["relaxed"]["y"], wanted["y"])
    assert error <= 2.0**-8, error
    print(f"relaxed: {skipped} roundings skipped, errors {errors}")


with tempfile.TemporaryDirectory() as scratch:
    check_arithmetic(scratch)
    check_steps(scratch)
    check_relaxed(scratch)
    check_relaxed_maximum(scratch)
    check_relaxed_overflow(scratch)
