#===- loss-scaling-trace.py - The loss scaler against traces of torch's
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""10,000 steps with planted infs and NaNs under each setting of Inputs/gradscaler.py:
in each of them a step with --amp-loss-scaling uses the same scale (bit for bit) and
growth tracker as torch.amp.GradScaler and skips the same steps, in the evaluator and
on the CPU. The trace was recorded by Inputs/gradscaler.py; where torch has
GradScaler for the CPU, it is recorded again and must be the same."""

import importlib.metadata
import importlib.util
import os
import tempfile

import numpy as np

from Numerics.Inputs import gradscaler, runtime, vernier

MODEL = """
ml_program.global private mutable @w(#train.constant<0.0>) : tensor<4xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<4xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
  %w = ml_program.global_load @w : tensor<4xf32>
  %y = arith.mulf %w, %x : tensor<4xf32>
  %loss = train.reduce sum %y dims = [0] : tensor<4xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
"""
# The flag's names of GradScaler's arguments.
KEYS = {"init_scale": "init", "growth_factor": "growth_factor",
        "backoff_factor": "backoff_factor", "growth_interval": "growth_interval"}


def has_gradscaler():
    if not importlib.util.find_spec("torch"):
        return False
    return tuple(map(int, importlib.metadata.version("torch").split(".")[:2])) >= (2, 3)


def flags(name):
    settings = [f"{KEYS[key]}={value!r}"
                for key, value in gradscaler.SETTINGS[name][0].items()]
    # GradScaler has no minimum.
    return ["--policy=f32", "--optimizer=sgd,lr=0.0",
            "--loss-scale=" + ",".join(["dynamic", "min=0", *settings])]


def data(kinds):
    """One row of inputs for each step."""
    x = np.ones((len(kinds), 4), np.float32)
    steps = np.arange(len(kinds))
    x[steps, steps % 4] = np.array(gradscaler.KINDS, np.float32)[kinds]
    return x


def evaluate(model, name, x):
    step = vernier.run_tool("vernier-compile", model, "--emit=step", *flags(name))
    outputs, states = vernier.evaluate(step, "step", {"x": x}, steps=len(x))
    return outputs["loss_scale"], outputs["all_finite"], states


def run(model, plan, name, x):
    vernier.run_tool("vernier-compile", model, "-o", plan, *flags(name))
    session = runtime.Session(plan)
    scales, trackers, finite = [], [], []
    for row in x:
        trackers.append(int(session.get_states()["amp.growth_tracker"]))
        outputs = session.run("step", {"x": row})
        scales.append(outputs["loss_scale"])
        finite.append(outputs["all_finite"])
    states = session.get_states()
    session.close()
    return np.array(scales), np.array(finite), np.array(trackers), states


def same(name, what, got, wanted):
    wrong = np.flatnonzero(np.asarray(got) != np.asarray(wanted))
    assert not wrong.size, (f"{name}: {what} of step {wrong[0]} is {got[wrong[0]]}, "
                            f"torch's {wanted[wrong[0]]}")


def check(name, trace, model, plan):
    x = data(trace["kinds"][0])
    bits = np.array(trace["scale"], np.float32).view(np.uint32)
    stepped = np.array(trace["stepped"][0], bool)
    scales, finite, end = evaluate(model, name, x)
    same(name, "the evaluator's scale", scales.astype(np.float32).view(np.uint32), bits)
    same(name, "the evaluator's decision", finite, stepped)
    scales, finite, trackers, states = run(model, plan, name, x)
    same(name, "the scale", scales.astype(np.float32).view(np.uint32), bits)
    same(name, "the decision", finite, stepped)
    same(name, "the tracker", trackers, trace["tracker"])
    for state in end:
        np.testing.assert_array_equal(end[state], states[state], f"{name}: {state}")
    assert states["amp.skipped_steps"] == np.sum(~stepped)
    print(f"{name}: {len(x)} steps, {np.sum(~stepped)} skipped, "
          f"{len(np.unique(bits))} scales")


recorded = gradscaler.read(os.path.join(os.path.dirname(__file__), "Inputs",
                                        "gradscaler.json"))
with tempfile.TemporaryDirectory() as folder:
    model, plan = os.path.join(folder, "m.mlir"), os.path.join(folder, "m.vplan")
    with open(model, "w") as file:
        file.write(MODEL)
    for name, trace in recorded.items():
        if has_gradscaler():
            assert gradscaler.record(name) == trace, f"{name}: torch's trace has changed"
        if len(trace["kinds"]) == 1:  # Two are in loss-scaling-groups.py.
            check(name, trace, model, plan)
# The settings reach the ends that they are named after.
assert max(recorded["to the end of f32"]["scale"]) == 2.0**127
assert min(recorded["to zero"]["scale"]) == 0.0
