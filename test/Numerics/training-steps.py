#===- training-steps.py - Whole training steps against JAX
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, jax, compiler
"""Ten steps of AdamW on a small perceptron, compiled in f32, bf16 and f16 with a
dynamic loss scale: the device against the evaluator on the same step, and both
against the same training written in JAX in f32. A scale too large for f16 makes
the first steps skip, which change nothing but the scale."""

import os
import tempfile

import jax
import jax.numpy as jnp
import numpy as np

from Numerics.Inputs import runtime, vernier

BATCH, FEATURES, HIDDEN, CLASSES, STEPS = 16, 12, 32, 10, 10
RATE = 1e-2

SHAPES = {"w1": (HIDDEN, FEATURES), "b1": (HIDDEN,), "scale": (HIDDEN,),
          "offset": (HIDDEN,), "w2": (CLASSES, HIDDEN), "b2": (CLASSES,)}


def kind(shape, element="f32"):
    return "tensor<" + "".join(f"{n}x" for n in shape) + element + ">"


X, H, Y = (kind(shape) for shape in ((BATCH, FEATURES), (BATCH, HIDDEN),
                                     (BATCH, CLASSES)))
P = {name: kind(shape) for name, shape in SHAPES.items()}
MODEL = "\n".join([
    *(f"ml_program.global private mutable @{name}(#train.constant<0.0>) : {P[name]} "
      '{train.role = "parameter"}' for name in SHAPES),
    f'func.func @loss(%x: {X} {{train.name = "x"}}, %labels: {kind((BATCH,), "i32")} '
    f'{{train.name = "labels"}}) -> (tensor<f32> {{train.name = "loss"}}, '
    f'{Y} {{train.name = "logits"}}) {{',
    *(f"  %{name} = ml_program.global_load @{name} : {P[name]}" for name in SHAPES),
    f"  %0 = train.linear %x, %w1, %b1 : ({X}, {P['w1']}, {P['b1']}) -> {H}",
    f"  %1 = train.gelu %0 : {H}",
    f"  %2 = train.layer_norm %1, %scale, %offset : ({H}, {P['scale']}, "
    f"{P['offset']}) -> {H}",
    f"  %y = train.linear %2, %w2, %b2 : ({H}, {P['w2']}, {P['b2']}) -> {Y}",
    f"  %l = train.cross_entropy %y, %labels : ({Y}, {kind((BATCH,), 'i32')}) -> "
    "tensor<f32>",
    f"  return %l, %y : tensor<f32>, {Y}", "}"])

rng = np.random.default_rng(6)
START = {name: (rng.standard_normal(shape) * (0.3 if len(shape) == 2 else 0.1)
                + (name == "scale")).astype(np.float32)
         for name, shape in SHAPES.items()}
DATA = {"x": rng.standard_normal((STEPS, BATCH, FEATURES)).astype(np.float32),
        "labels": rng.integers(0, CLASSES, (STEPS, BATCH), dtype=np.int32)}


def loss(p, x, labels):
    h = jax.nn.gelu(x @ p["w1"].T + p["b1"], approximate=False)
    h = (h - h.mean(-1, keepdims=True)) / jnp.sqrt(h.var(-1, keepdims=True) + 1e-5)
    y = (h * p["scale"] + p["offset"]) @ p["w2"].T + p["b2"]
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(y), labels[:, None], 1))


def train_in_jax(taken):
    """(losses, parameters): AdamW in f32; a step that is not taken changes nothing."""
    p = {name: jnp.asarray(value) for name, value in START.items()}
    m = {name: jnp.zeros_like(value) for name, value in p.items()}
    v = dict(m)
    losses, t = [], 0
    for step in range(STEPS):
        value, g = jax.value_and_grad(loss)(p, DATA["x"][step], DATA["labels"][step])
        losses.append(float(value))
        if not taken[step]:
            continue
        t += 1
        for n in p:
            m[n] = 0.9 * m[n] + 0.1 * g[n]
            v[n] = 0.999 * v[n] + 0.001 * g[n] ** 2
            deviation = jnp.sqrt(v[n] / (1 - 0.999**t)) + 1e-8
            p[n] = p[n] * (1 - RATE * 0.01) - RATE * m[n] / (1 - 0.9**t) / deviation
    return np.array(losses), {n: np.asarray(value) for n, value in p.items()}


def run(plan, start):
    """(outputs of all steps, final states) of the device."""
    session = runtime.Session(plan)
    session.set_states(start)
    runs = [session.run("step", {name: array[i] for name, array in DATA.items()})
            for i in range(STEPS)]
    states = session.get_states()
    session.close()
    return {name: np.stack([run[name] for run in runs]) for name in runs[0]}, states


def train(policy, start, *options):
    """Of each target, and of the evaluator: (outputs of all steps, final states)."""
    options = [f"--policy={policy}", f"--optimizer=adamw,lr={RATE},weight_decay=0.01",
               *options]
    with tempfile.TemporaryDirectory() as folder:
        model, plan = (os.path.join(folder, name) for name in ("m.mlir", "m.vplan"))
        with open(model, "w") as file:
            file.write(MODEL)
        step = vernier.run_tool("vernier-compile", model, "--emit=step", *options)
        found = {"evaluator": vernier.evaluate(step, "step", DATA, start, steps=STEPS)}
        for target in runtime.targets():
            vernier.run_tool("vernier-compile", model, "-o", plan, *options,
                             f"--target={target}")
            found[target] = run(plan, start)
    return found


def largest(got, want):
    return np.max(np.abs(np.float64(got) - np.float64(want)))


def check(policy, to_evaluator, to_jax, *options, scale=None):
    """`scale` is the loss scale to start from: one too large skips steps."""
    start = dict(START, **({"amp.scale": np.float32(scale)} if scale else {}))
    found = train(policy, start, *options)
    for target in runtime.targets():
        compare(f"{policy}, {target}", found[target], found["evaluator"],
                (to_evaluator, to_jax), scale)


def compare(name, on_device, in_evaluator, bounds, scale):
    (device, states), (evaluated, final) = on_device, in_evaluator
    to_evaluator, to_jax = bounds
    taken = device.get("all_finite", np.ones(STEPS, np.bool_))
    assert taken.any() and taken.all() == (scale is None), taken
    losses, parameters = train_in_jax(taken)
    assert largest(device["loss"], evaluated["loss"]) < to_evaluator, name
    assert largest(device["loss"], losses) < to_jax, (name, device["loss"], losses)
    for key in SHAPES:
        error = largest(states[key], final[key])
        assert error < to_evaluator, (name, key, error)
        error = largest(states[key], parameters[key])
        assert error < to_jax, (name, key, error)
    assert states["train.step"] == final["train.step"] == taken.sum()
    if "all_finite" in device:
        np.testing.assert_array_equal(taken, evaluated["all_finite"])
    if "loss_scale" in device:
        np.testing.assert_array_equal(device["loss_scale"], evaluated["loss_scale"])
    if scale:
        assert states["amp.scale"] == final["amp.scale"] == scale / 2.0 ** sum(~taken)
        assert states["amp.skipped_steps"] == sum(~taken)
    print(f"{name}: loss {device['loss'][0]:.4f} to {device['loss'][-1]:.4f}, "
          f"{largest(device['loss'], evaluated['loss']):.2g} from the evaluator, "
          f"{largest(device['loss'], losses):.2g} from JAX, {sum(~taken)} skipped")


# AdamW's first steps are the rate times the gradient's sign: a gradient near 0
# that rounds the other way moves its weight by up to the rate each step.
check("f32", 2e-4, 2e-4)
check("bf16", 3e-2, 0.1)
check("f16", 3e-2, 5e-2, "--loss-scale=dynamic")
check("f16", 3e-2, 5e-2, "--loss-scale=dynamic", scale=2.0**24)
check("f16", 3e-2, 5e-2, "--loss-scale=1024")
