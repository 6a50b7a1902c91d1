#===- loss-scaling-hysteresis.py - Hysteresis against its origins
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""Scale, growth tracker and hysteresis tracker after each of many random steps, as
the rules of Apex (update_scale_hysteresis), Megatron-LM (DynamicGradScaler) and
DeepSpeed (DynamicLossScaler) have them, in the evaluator and on the CPU. The models
here are written from the rules: DeepSpeed's counts from the last overflow, not with a
tracker."""

import os
import tempfile

import numpy as np

from Numerics.Inputs import runtime, vernier

INTERVAL, MINIMUM, INITIAL = 5, 0.25, 64.0


class Apex:
    def __init__(self, hysteresis):
        self.scale, self.tracker, self.full, self.left = INITIAL, 0, hysteresis, hysteresis

    def refills(self, grows):
        return True

    def step(self, finite):
        if not finite:
            self.left -= 1
            self.tracker = 0
            if self.left <= 0:
                self.scale = max(self.scale / 2, MINIMUM)
            return
        self.tracker += 1
        grows = self.tracker == INTERVAL
        if self.refills(grows):
            self.left = self.full
        if grows:
            self.tracker, self.scale = 0, self.scale * 2


class Megatron(Apex):
    def refills(self, grows):
        return grows


class DeepSpeed:
    consecutive = False

    def __init__(self, hysteresis):
        self.scale, self.full, self.left = INITIAL, hysteresis, hysteresis
        self.iteration, self.last_overflow = 0, -1

    def step(self, finite):
        if not finite:
            if self.left == 1:
                self.scale = max(self.scale / 2, MINIMUM)
            else:
                self.left -= 1
            self.last_overflow = self.iteration
        else:
            if self.consecutive:
                self.left = self.full
            if (self.iteration - self.last_overflow) % INTERVAL == 0:
                self.left = self.full
                self.scale *= 2
        self.iteration += 1

    @property
    def tracker(self):
        return (self.iteration - 1 - self.last_overflow) % INTERVAL


class DeepSpeedConsecutive(DeepSpeed):
    consecutive = True


RULES = {"apex": Apex, "megatron": Megatron, "deepspeed": DeepSpeed,
         "deepspeed_consecutive": DeepSpeedConsecutive}


def text(refill, hysteresis):
    return f"""
  ml_program.global private mutable @scale(#train.constant<{INITIAL}>) : tensor<f32> {{train.role = "loss_scale"}}
  ml_program.global private mutable @tracker(dense<0> : tensor<i32>) : tensor<i32> {{train.role = "loss_scale"}}
  ml_program.global private mutable @left(dense<{hysteresis}> : tensor<i32>) : tensor<i32> {{train.role = "loss_scale"}}
  func.func @step(%x: tensor<3xf32> {{train.name = "x"}})
      -> (tensor<f32> {{train.name = "scale"}}, tensor<i32> {{train.name = "tracker"}}, tensor<i32> {{train.name = "left"}}) {{
    %ok = amp.all_finite %x : (tensor<3xf32>) -> tensor<i1>
    %s = ml_program.global_load @scale : tensor<f32>
    %t = ml_program.global_load @tracker : tensor<i32>
    %h = ml_program.global_load @left : tensor<i32>
    %0, %1, %2 = amp.update_scale %s, %t, %ok hysteresis(%h : tensor<i32>)
      {{growth_interval = {INTERVAL} : i64, min_scale = {MINIMUM} : f64, max_scale = 1.0e30 : f64,
        hysteresis = {hysteresis} : i64, refill = #amp<hysteresis_refill {refill}>}}
      : tensor<f32>, tensor<i32>, tensor<i1> -> tensor<i32>
    ml_program.global_store @scale = %0 : tensor<f32>
    ml_program.global_store @tracker = %1 : tensor<i32>
    ml_program.global_store @left = %2 : tensor<i32>
    return %0, %1, %2 : tensor<f32>, tensor<i32>, tensor<i32>
  }}"""


def on_device(module, x):
    with tempfile.TemporaryDirectory() as folder:
        model, plan = os.path.join(folder, "m.mlir"), os.path.join(folder, "m.vplan")
        with open(model, "w") as file:
            file.write(module)
        vernier.run_tool("vernier-compile", model, "-o", plan)
        session = runtime.Session(plan)
        outputs = [session.run("step", {"x": row}) for row in x]
        session.close()
    return {key: np.array([row[key] for row in outputs]) for key in outputs[0]}


def check(refill, hysteresis, finite):
    scaler = RULES[refill](hysteresis)
    wanted = {"scale": [], "tracker": [], "left": []}
    for flag in finite:
        scaler.step(flag)
        for key, value in zip(wanted, (scaler.scale, scaler.tracker, scaler.left)):
            wanted[key].append(value)
    x = np.where(finite[:, None], 1.0, [[1.0, np.inf, 1.0]]).astype(np.float32)
    module = text(refill, hysteresis)
    evaluated, _ = vernier.evaluate(module, "step", {"x": x}, steps=len(x))
    for who, got in (("evaluator", evaluated), ("cpu", on_device(module, x))):
        for key in wanted:
            np.testing.assert_array_equal(got[key], wanted[key],
                                          f"{refill}, {hysteresis}, {who}: {key}")
    return len(np.unique(wanted["scale"]))


rng = np.random.default_rng(7)
for refill in RULES:
    for hysteresis in (1, 2, 3):
        # Quiet spells, in which the scale grows, and bad ones, in which it falls.
        chance = np.repeat(rng.choice([0.02, 0.2, 0.6], 40), 25)
        scales = check(refill, hysteresis, rng.random(1000) >= chance)
        print(f"{refill}, hysteresis {hysteresis}: 1000 steps, {scales} scales")

# Conformance case 11: with a hysteresis of 2 the first inf leaves the scale and
# clears the tracker, the second in a row halves it.
for refill in RULES:
    got, _ = vernier.evaluate(text(refill, 2), "step",
                              {"x": np.array([[1, 1, 1], [np.inf, 1, 1], [1, np.inf, 1]],
                                             np.float32)}, steps=3)
    assert got["scale"].tolist() == [INITIAL, INITIAL, INITIAL / 2], refill
    assert got["tracker"].tolist() == [1, 0, 0], refill
