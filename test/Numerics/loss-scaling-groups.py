#===- loss-scaling-groups.py - Several optimizers, averages of parameters
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""Two groups of parameters with an optimizer each, on the CPU. Conformance case 6: the
group whose gradient is not finite is skipped with all that is its own (weights,
moments, average, step counter, schedule), the other is not; the scale is one and
backs off; a running statistic of the whole step stays. A trace of torch's GradScaler
with two optimizers agrees in each of 10,000 steps. Averages follow the formula of
torch.optim.swa_utils (get_ema_multi_avg_fn)."""

import os
import tempfile

import numpy as np

from Numerics.Inputs import gradscaler, runtime, vernier

MODEL = """
ml_program.global private mutable @left(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @right(#train.constant<1.0>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @mean(#train.constant<0.0>) : tensor<4xf32> {train.role = "statistic"}
func.func @loss(%a: tensor<4xf32> {train.name = "a"}, %b: tensor<4xf32> {train.name = "b"})
    -> (tensor<f32> {train.name = "loss"}) {
  %left = ml_program.global_load @left : tensor<4xf32>
  %right = ml_program.global_load @right : tensor<4xf32>
  %mean = ml_program.global_load @mean : tensor<4xf32>
  %next = arith.addf %mean, %a : tensor<4xf32>
  ml_program.global_store @mean = %next : tensor<4xf32>
  %x = arith.mulf %left, %a : tensor<4xf32>
  %y = arith.mulf %right, %b : tensor<4xf32>
  %z = arith.addf %x, %y : tensor<4xf32>
  %loss = train.reduce sum %z dims = [0] : tensor<4xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
"""
FOLDER = tempfile.TemporaryDirectory()


def compile_session(*flags):
    model, plan = (os.path.join(FOLDER.name, name) for name in ("m.mlir", "m.vplan"))
    with open(model, "w") as file:
        file.write(MODEL)
    vernier.run_tool("vernier-compile", model, "-o", plan, "--policy=f32", *flags)
    return runtime.Session(plan)


def same(before, after, names):
    for name in names:
        np.testing.assert_array_equal(after[name], before[name], name)


LEFT = ("left", "left.m", "left.v", "left.ema", "train.step")
RIGHT = ("right", "right.momentum", "train.step.head")

# Case 6.
session = compile_session(
    "--optimizer=adamw,lr=0.1,ema_decay=0.5,schedule=linear,total_steps=20",
    "--optimizer=sgd,lr=0.5,momentum=0.9,group=head,parameters=right", "--loss-scale=dynamic,init=8")
one = np.ones(4, np.float32)
bad = np.array([1, np.inf, 1, 1], np.float32)
session.run("step", {"a": one, "b": one})
for a, b, skipped, stepped, culprit in ((bad, one, LEFT, RIGHT, "left"),
                                        (one, bad, RIGHT, LEFT, "right")):
    before = session.get_states()
    outputs = session.run("step", {"a": a, "b": b})
    after = session.get_states()
    assert not outputs["all_finite"]
    assert after["amp.scale"] == before["amp.scale"] / 2
    same(before, after, (*skipped, "mean"))
    for name in stepped:
        assert (after[name] != before[name]).any(), name
states = session.get_states()
assert states["train.step"] == 2 and states["train.step.head"] == 2
assert states["amp.skipped_steps"] == 2 and states["amp.overflows"].tolist() == [1, 1]
print("case 6: the group that overflows is skipped alone")

# Groups that are clipped by one norm are skipped together: it is infinite for all.
session = compile_session("--optimizer=sgd,lr=0.1,momentum=0.9,clip_norm=1",
                          "--optimizer=sgd,lr=0.5,momentum=0.9,group=head,parameters=right", "--loss-scale=dynamic,init=8")
session.run("step", {"a": one, "b": one})
before = session.get_states()
culprits = []
for a, b in ((bad, one), (one, bad)):
    outputs = session.run("step", {"a": a, "b": b})
    after = session.get_states()
    assert not outputs["all_finite"]
    culprits.append(int(outputs["first_overflow"]))
    assert not np.isfinite(outputs["grad_norm"])
    same(before, after, [name for name in before if not name.startswith("amp.")])
assert sorted(culprits) == [0, 1]
print("groups that are clipped by one norm are skipped together")

# The average of each parameter, from its new values; a skipped step adds none.
decay = 0.75
session = compile_session(f"--optimizer=sgd,lr=0.125,ema_decay={decay}", "--loss-scale=dynamic,init=8")
rng = np.random.default_rng(0)
wanted = None
for step in range(20):
    a = bad if step in (0, 7) else rng.standard_normal(4).astype(np.float32)
    outputs = session.run("step", {"a": a, "b": one})
    states = session.get_states()
    if outputs["all_finite"]:
        value = states["left"]
        wanted = value if wanted is None else wanted + np.float32(1 - decay) * (value - wanted)
    np.testing.assert_array_equal(states["left.ema"], 0 * one if wanted is None else wanted)
print("averages agree")

# torch's trace with two optimizers.
trace = gradscaler.read(os.path.join(os.path.dirname(__file__), "Inputs",
                                     "gradscaler.json"))["two optimizers"]
interval = gradscaler.SETTINGS["two optimizers"][0]["growth_interval"]
session = compile_session("--optimizer=sgd,lr=0.0", "--optimizer=sgd,lr=0.0,group=head,parameters=right",
                          f"--loss-scale=dynamic,growth_interval={interval},min=0")
counters = ("train.step", "train.step.head")
before = session.get_states()
for step in range(gradscaler.STEPS):
    assert before["amp.scale"] == np.float32(trace["scale"][step]), step
    assert before["amp.growth_tracker"] == trace["tracker"][step], step
    data = {}
    for name, kinds in zip("ab", trace["kinds"]):
        data[name] = one.copy()
        data[name][step % 4] = gradscaler.KINDS[kinds[step]]
    session.run("step", data)
    after = session.get_states()
    for counter, stepped in zip(counters, trace["stepped"]):
        assert after[counter] - before[counter] == stepped[step], (step, counter)
    before = after
print(f"{gradscaler.STEPS} steps with two optimizers agree with torch's GradScaler")
