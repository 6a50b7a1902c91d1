#===- accumulate-gradients.py - A window of micro-batches is one large step
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""With --accumulate=N, N calls on micro-batches equal one step of a plain plan on all
their rows, and what NumPy computes from the formulas in f64, up to f32 rounding. A
window is a transaction: an inf in any micro-batch undoes all of it but the scale
(conformance case 8), running statistics included, and a window that is saved half
done and resumed ends with the same bits."""

import os
import tempfile

import numpy as np

from Numerics.Inputs import runtime, vernier

MICRO, COUNT, WIDTH, OUT = 4, 4, 8, 5
LR, MOMENTUM, CLIP = 0.05, 0.9, 0.5

# A running mean of the inputs, as a norm has it.
MODEL = """
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<{out}x{width}xf32> {{train.role = "parameter"}}
ml_program.global private mutable @b(#train.constant<0.0>) : tensor<{out}xf32> {{train.role = "parameter"}}
ml_program.global private mutable @mean(#train.constant<0.0>) : tensor<{width}xf32> {{train.role = "statistic"}}
func.func @loss(%x: tensor<{rows}x{width}xf32> {{train.name = "x"}}, %y: tensor<{rows}x{out}xf32> {{train.name = "y"}})
    -> (tensor<f32> {{train.name = "loss"}}) {{
  %w = ml_program.global_load @w : tensor<{out}x{width}xf32>
  %b = ml_program.global_load @b : tensor<{out}xf32>
  %z = train.linear %x, %w, %b : (tensor<{rows}x{width}xf32>, tensor<{out}x{width}xf32>, tensor<{out}xf32>) -> tensor<{rows}x{out}xf32>
  %loss = train.mse_loss %z, %y : (tensor<{rows}x{out}xf32>, tensor<{rows}x{out}xf32>) -> tensor<f32>
  %old = ml_program.global_load @mean : tensor<{width}xf32>
  %now = train.reduce mean %x dims = [0] : tensor<{rows}x{width}xf32> -> tensor<{width}xf32>
  %new = arith.addf %old, %now : tensor<{width}xf32>
  ml_program.global_store @mean = %new : tensor<{width}xf32>
  return %loss : tensor<f32>
}}
"""


class Plans:
    def __init__(self, folder):
        self.folder = folder

    def session(self, rows, *flags):
        model, plan = (os.path.join(self.folder, name) for name in ("m.mlir", "m.vplan"))
        with open(model, "w") as file:
            file.write(MODEL.format(rows=rows, width=WIDTH, out=OUT))
        vernier.run_tool("vernier-compile", model, "-o", plan, *flags)
        return runtime.Session(plan)


def run_window(session, x, y, first=0):
    """The micro-batches of a window from `first`; the losses and the step's outputs."""
    losses = []
    for i in range(first, COUNT):
        rows = slice(i * MICRO, (i + 1) * MICRO)
        outputs = session.run("step" if i == COUNT - 1 else "accumulate",
                              {"x": x[rows], "y": y[rows]})
        losses.append(outputs["loss"])
    return losses, outputs


def formulas(data, w, b):
    """SGD with momentum and clipping on the mean squared error, in f64."""
    w, b = w.astype(np.float64), b.astype(np.float64)
    velocity = [np.zeros_like(w), np.zeros_like(b)]
    for x, y in data:
        error = 2 * (x @ w.T + b - y) / y.size
        gradients = [error.T @ x, error.sum(0)]
        norm = np.sqrt(sum((g * g).sum() for g in gradients))
        for i, g in enumerate(gradients):
            velocity[i] = MOMENTUM * velocity[i] + g * min(1, CLIP / norm)
        w, b = w - LR * velocity[0], b - LR * velocity[1]
    return w, b


rng = np.random.default_rng(3)
start = {"w": rng.standard_normal((OUT, WIDTH)).astype(np.float32),
         "b": rng.standard_normal(OUT).astype(np.float32)}
data = [(rng.standard_normal((MICRO * COUNT, WIDTH)).astype(np.float32),
         rng.standard_normal((MICRO * COUNT, OUT)).astype(np.float32)) for _ in range(6)]
SGD = f"--optimizer=sgd,lr={LR},momentum={MOMENTUM},clip_norm={CLIP}"
WINDOW = f"--accumulate={COUNT}"


def close(a, b, tolerance):
    return np.abs(a - b).max() <= tolerance * np.abs(b).max()


with tempfile.TemporaryDirectory() as folder:
    plans = Plans(folder)
    w, b = formulas(data, start["w"], start["b"])
    for policy, tolerance in (("f32", 1e-6), ("bf16", 2e-2), ("f16", 4e-3)):
        # A scale that overflows in neither: sums of a window are f32, those of 16 rows f16.
        flags = (f"--policy={policy}", SGD, *(["--loss-scale=256"] if policy == "f16" else []))
        whole, parts = plans.session(MICRO * COUNT, *flags), plans.session(MICRO, *flags, WINDOW)
        for session in (whole, parts):
            session.set_states(start)
        for x, y in data:
            outputs = whole.run("step", {"x": x, "y": y})
            losses, _ = run_window(parts, x, y)
            assert close(np.mean(losses), outputs["loss"], tolerance), policy
        states = parts.get_states()
        assert close(states["w"], w, tolerance) and close(states["b"], b, tolerance), policy
        for name in ("w", "b", "w.momentum"):
            assert close(states[name], whole.get_states()[name], tolerance), (policy, name)
        assert states["train.step"] == len(data) and states["train.micro_step"] == 0
        assert not states["w.grad"].any() and not states["b.grad"].any()
        print(f"{policy}: {len(data)} windows of {COUNT} agree with steps on {MICRO * COUNT} rows")

    # Case 8: an inf in one micro-batch, whichever, poisons the window: one skip, one
    # backoff, everything else as before, bit for bit.
    scaled = ("--policy=f16", SGD, "--loss-scale=dynamic,init=1024", WINDOW)
    for poisoned in range(COUNT):
        session = plans.session(MICRO, *scaled)
        session.set_states(start)
        run_window(session, *data[0])
        before = session.get_states()
        bad = data[1][0].copy()
        bad[poisoned * MICRO + 1, 2] = np.inf
        _, outputs = run_window(session, bad, data[1][1])
        after = session.get_states()
        assert not outputs["all_finite"] and outputs["loss_scale"] == 1024
        assert after["amp.scale"] == 512 and after["amp.skipped_steps"] == 1
        for name in before:
            if not name.startswith("amp."):
                np.testing.assert_array_equal(after[name], before[name], name)
        # What follows is what would have followed without that window.
        _, outputs = run_window(session, *data[2])
        assert outputs["all_finite"] and np.isfinite(session.get_states()["mean"]).all()
    print("case 8: a poisoned micro-batch undoes its window alone")

    # A window saved after each of its micro-batches and resumed in another session.
    straight = plans.session(MICRO, *scaled)
    straight.set_states(start)
    for x, y in data[:2]:
        run_window(straight, x, y)
    expected = straight.get_states()
    for done in range(COUNT):
        session, resumed = plans.session(MICRO, *scaled), plans.session(MICRO, *scaled)
        session.set_states(start)
        run_window(session, *data[0])
        for i in range(done):
            rows = slice(i * MICRO, (i + 1) * MICRO)
            session.run("accumulate", {"x": data[1][0][rows], "y": data[1][1][rows]})
        saved = session.get_states()
        assert saved["train.micro_step"] == done
        resumed.set_states(saved)
        run_window(resumed, *data[1], first=done)
        for name, value in resumed.get_states().items():
            np.testing.assert_array_equal(value, expected[name], f"saved after {done}: {name}")
    print("a window saved half done ends with the same bits")
