#===- gradient-types.py - Gradients in the types that a policy gives them
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""Gradients of two linears and a convolution under policies that say in which types
they are multiplied and written, in the evaluator and on the device, against numpy:
rounded where the policy says so, and nowhere else. The momentum of SGD after one
step is the gradient."""

import os
import tempfile

import numpy as np

from Numerics.Inputs import formats, runtime, vernier

MODEL = """
ml_program.global private mutable @w1(#train.constant<0.0>) : tensor<12x16xf32> {train.role = "parameter"}
ml_program.global private mutable @w2(#train.constant<0.0>) : tensor<4x12xf32> {train.role = "parameter"}
ml_program.global private mutable @k(#train.constant<0.0>) : tensor<8x3x3x8xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<40x16xf32> {train.name = "x"}, %c: tensor<40x4xf32> {train.name = "c"},
                %i: tensor<2x7x7x8xf32> {train.name = "i"}, %d: tensor<2x5x5x8xf32> {train.name = "d"})
    -> (tensor<f32> {train.name = "loss"}) {
  %w1 = ml_program.global_load @w1 : tensor<12x16xf32>
  %w2 = ml_program.global_load @w2 : tensor<4x12xf32>
  %k = ml_program.global_load @k : tensor<8x3x3x8xf32>
  %h = train.linear %x, %w1 : (tensor<40x16xf32>, tensor<12x16xf32>) -> tensor<40x12xf32>
  %y = train.linear %h, %w2 : (tensor<40x12xf32>, tensor<4x12xf32>) -> tensor<40x4xf32>
  %z = train.conv2d %i, %k : (tensor<2x7x7x8xf32>, tensor<8x3x3x8xf32>) -> tensor<2x5x5x8xf32>
  %yc = arith.mulf %y, %c : tensor<40x4xf32>
  %zd = arith.mulf %z, %d : tensor<2x5x5x8xf32>
  %0 = train.reduce sum %yc dims = [0, 1] : tensor<40x4xf32> -> tensor<f32>
  %1 = train.reduce sum %zd dims = [0, 1, 2, 3] : tensor<2x5x5x8xf32> -> tensor<f32>
  %loss = arith.addf %0, %1 : tensor<f32>
  return %loss : tensor<f32>
}
"""

# compute of the forward part: lines about gradients, then of the input's and the
# weight's gradient what is multiplied and what is written.
POLICIES = [
    ("bf16", "", ("bf16", "bf16"), ("bf16", "bf16")),
    ("bf16", "weight_gradient: {result: f32}", ("bf16", "bf16"), ("bf16", "f32")),
    ("bf16", "input_gradient: {compute: f32}\nweight_gradient: {compute: f32}",
     ("f32", "f32"), ("f32", "f32")),
    ("bf16", "input_gradient: {result: f32}\nweight_gradient: {compute: f16, result: f32}",
     ("bf16", "f32"), ("f16", "f32")),
    ("f32", "weight_gradient: {compute: bf16}", ("f32", "f32"), ("bf16", "bf16")),
    ("f32", "weight_gradient: {compute: bf16, result: f32}", ("f32", "f32"), ("bf16", "f32")),
]


def rounded(values, kind):
    return np.asarray(formats.rounded(np.asarray(values, np.float64), kind), np.float64)


def draw():
    rng = np.random.default_rng(7)
    data = {"x": (40, 16), "c": (40, 4), "i": (2, 7, 7, 8), "d": (2, 5, 5, 8)}
    states = {"w1": (12, 16), "w2": (4, 12), "k": (8, 3, 3, 8)}
    return [{name: rounded(rng.standard_normal(shape), "bf16").astype(np.float32)
             for name, shape in group.items()} for group in (data, states)]


def convolution_gradient(image, gradient):
    """(O, 3, 3, C): for each place of the kernel, the sum over the output's pixels."""
    return np.stack([np.stack([
        np.einsum("npqo,npqc->oc", gradient, image[:, i:i + 5, j:j + 5])
        for j in range(3)], 1) for i in range(3)], 1)


def references(data, states, forward, to_input, to_weight):
    """The gradients by name, summed in f64 and rounded as the policy says."""
    exact = {**data, **states}
    exact = {name: rounded(values, "f64") for name, values in exact.items()}
    h = rounded(exact["x"] @ exact["w1"].T, forward)
    multiplied = {name: rounded(values, to_weight[0])
                  for name, values in {**exact, "h": h}.items()}
    dh = rounded(rounded(exact["c"], to_input[0]) @ rounded(exact["w2"], to_input[0]), to_input[1])
    return {"w1": rounded(rounded(dh, to_weight[0]).T @ multiplied["x"], to_weight[1]),
            "w2": rounded(multiplied["c"].T @ multiplied["h"], to_weight[1]),
            "k": rounded(convolution_gradient(multiplied["i"], multiplied["d"]), to_weight[1])}


def run(folder, policy, data, states):
    """The gradients by name, of each target and of the evaluator."""
    options = [f"--policy={policy}", "--optimizer=sgd,lr=0.0,momentum=0.9"]
    model, plan = (os.path.join(folder, name) for name in ("m.mlir", "m.vplan"))
    with open(model, "w") as file:
        file.write(MODEL)
    step = vernier.run_tool("vernier-compile", model, "--emit=step", *options)
    found = {"evaluator": vernier.evaluate(step, "step", data, states)[1]}
    for target in [*runtime.targets(), "cpu:cooperlake"]:
        vernier.run_tool("vernier-compile", model, "-o", plan, *options, f"--target={target}")
        try:
            session = runtime.Session(plan)
        except RuntimeError:  # Instructions that this machine lacks.
            assert target == "cpu:cooperlake"
            continue
        session.set_states(states)
        session.run("step", data)
        found[target] = session.get_states()
        session.close()
    return {who: {name: values[name + ".momentum"] for name in states}
            for who, values in found.items()}


data, states = draw()
failures = []
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "p.yaml")
    for forward, lines, to_input, to_weight in POLICIES:
        with open(path, "w") as file:
            file.write(f"name: p\nbase: vernier\ncompute: {forward}\n{lines}\n")
        wanted = references(data, states, forward, to_input, to_weight)
        for who, gradients in run(folder, path, data, states).items():
            for name, want in wanted.items():
                got = np.asarray(gradients[name], np.float64)
                error = formats.error_relative_to_largest(got, want)
                # An f32 sum in another order may tip a rounding to 16 bits; what
                # is not rounded has f32's own error.
                is_wide = to_weight[1] == "f32" and (name != "w1" or to_input[1] == "f32" or who == "evaluator")
                bound = 1e-6 if is_wide else 2.0**-8
                if not error <= bound:
                    failures.append(f"{lines}: {who}, {name}: {error:.3g} above {bound:.3g}")
                if to_weight[1] == "f32":
                    assert not np.array_equal(got, rounded(got, "bf16")), (lines, who, name)
                else:
                    assert np.array_equal(got, rounded(got, to_weight[1])), (lines, who, name)
        print(f"{forward} {lines!r}: done")
print("\n".join(failures))
assert not failures
