#===- optimizer-formulas.py - Optimizers against their formulas
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""Updates, learning rates and clipping against their formulas in NumPy, over
several steps; gradients in f32 and in 16 bits."""

import numpy as np

from Numerics.Inputs import formats, optimizers, vernier

rng = np.random.default_rng(3)
STEPS, SHAPE = 12, (3, 5)


def check_update(optimizer, element):
    parameter = rng.standard_normal(SHAPE).astype(np.float32)
    gradients = formats.rounded(rng.standard_normal((STEPS, *SHAPE)), element)
    rates = rng.uniform(1e-3, 1e-1, STEPS).astype(np.float32)
    results, state = vernier.evaluate(
        optimizers.update_module(optimizer, SHAPE, element), "step",
        {"arg0": gradients, "arg1": rates}, {"p": parameter}, steps=STEPS)
    p = parameter.astype(np.float64)
    states = optimizer.start(p)
    for t in range(1, STEPS + 1):
        p, states = optimizer.step(p, gradients[t - 1], float(rates[t - 1]), t, states)
        error = formats.error_relative_to_largest(results["result0"][t - 1], p)
        assert error < 1e-6, (optimizer, element, t, error)
    for i, value in enumerate(states):
        error = formats.error_relative_to_largest(state[f"s{i}"], value)
        assert error < 1e-6, (optimizer, element, i, error)
    assert state["t"] == STEPS


for optimizer in optimizers.ALL:
    for element in ("f32", "bf16", "f16"):
        check_update(optimizer, element)
print(f"{len(optimizers.ALL)} optimizers agree over {STEPS} steps")

for schedule in ("constant", "linear", "cosine"):
    for base, final, warmup, total in ((0.1, 0.0, 0, 10), (0.1, 0.01, 4, 9),
                                       (1e-3, 1e-4, 3, 100)):
        text = f"""
          func.func @f(%t: tensor<i32>) -> tensor<f32> {{
            %lr = train.learning_rate %t {{schedule = #train<schedule {schedule}>,
              base = {base:.17e} : f64, final = {final:.17e} : f64,
              warmup_steps = {warmup} : i64, total_steps = {total} : i64}}
              : (tensor<i32>) -> tensor<f32>
            return %lr : tensor<f32>
          }}"""
        steps = np.arange(1, 16, dtype=np.int32)
        got = vernier.evaluate(text, "f", {"arg0": steps}, steps=15)[0]["result0"]
        want = [optimizers.rate(int(t), base, schedule, final, warmup, total) for t in steps]
        error = formats.error_in_spacings(got, np.array(want), "f32")
        assert error <= 0.5001, (schedule, base, final, warmup, total, error)
print("learning rates agree")

for element in ("f32", "bf16", "f16"):
    for bound in (0.5, 1e3):
        a = formats.rounded(rng.standard_normal((4, 5)), element)
        b = formats.rounded(rng.standard_normal(7), element)
        types = f"tensor<4x5x{element}>, tensor<7x{element}>"
        text = f"""
          func.func @f(%a: tensor<4x5x{element}>, %b: tensor<7x{element}>)
              -> (tensor<4x5xf32>, tensor<7xf32>, tensor<f32>) {{
            %0:3 = train.clip_by_global_norm %a, %b {{max_norm = {bound:e} : f64}}
              : ({types}) -> (tensor<4x5xf32>, tensor<7xf32>, tensor<f32>)
            return %0#0, %0#1, %0#2 : tensor<4x5xf32>, tensor<7xf32>, tensor<f32>
          }}"""
        got = vernier.evaluate(text, "f", {"arg0": a, "arg1": b})[0]
        norm = np.sqrt(np.sum(a * a) + np.sum(b * b))
        factor = min(1.0, bound / (norm + 1e-6))
        for name, want in (("result0", a * factor), ("result1", b * factor),
                           ("result2", np.array(norm))):
            error = formats.error_in_spacings(got[name], want, "f32")
            assert error <= 0.5001, (element, bound, name, error)
print("clipping agrees")
