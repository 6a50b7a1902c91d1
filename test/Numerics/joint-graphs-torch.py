#===- joint-graphs-torch.py - Gradients of whole models against torch's joint graphs
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s %t
# REQUIRES: numpy, ml_dtypes, torch, compiler
"""Six models compiled for the CPU device, and the same models in torch, whose forward
and backward part are traced into one graph (functorch). Losses and the gradients of
all parameters agree within 1e-5 of their norms in f32. A gradient is the momentum
after the first step."""

import os
import pathlib
import sys

import functorch
import numpy as np
import torch
import torch.nn.functional as F

from Numerics.Inputs import runtime, vernier
from Numerics.Inputs.padded_models import MODELS, Model

BOUND = 1e-5
FOLDER = sys.argv[1]
EXAMPLES = pathlib.Path(__file__).parents[2] / "examples" / "digits"


def mlp(p, image, label):
    h = F.relu(F.linear(image, p["fc1.weight"], p["fc1.bias"]))
    h = F.relu(F.linear(h, p["fc2.weight"], p["fc2.bias"]))
    return F.cross_entropy(F.linear(h, p["fc3.weight"], p["fc3.bias"]), label)


def convnet(p, image, label):
    x = image.reshape(32, 1, 8, 8)
    for i in (1, 2, 3):
        x = F.conv2d(x, p[f"conv{i}.weight"].permute(0, 3, 1, 2), padding=1)
        x = F.relu(F.batch_norm(x, None, None, p[f"norm{i}.weight"], p[f"norm{i}.bias"], training=True))
        x = F.max_pool2d(x, 2) if i == 2 else x
    return F.cross_entropy(F.linear(x.mean((2, 3)), p["fc.weight"], p["fc.bias"]), label)


def residual(p, x, t):
    h = F.linear(x, p["w1"], p["b1"])
    a = F.layer_norm(h, (700,), p["g"], p["s"], 1e-5)
    return F.cross_entropy(F.linear(a + F.linear(a, p["w2"], p["b2"]), p["w3"]), t)


def tied(p, x, t):
    h = p["e"][x]
    n = h * torch.rsqrt((h * h).mean(-1, keepdim=True) + 1e-6) * p["g"]
    return F.cross_entropy(F.linear(n, p["e"]), t)


def attention(p, x, t):
    q, k, v = (F.linear(x, p["w" + name]) for name in "qkv")
    return F.mse_loss(torch.softmax(q @ k.transpose(1, 2), -1) @ v, t)


def autoencoder(p, x, t):
    code = torch.tanh(F.linear(x, p["w1"], p["b1"]))
    gated = F.silu(F.linear(code, p["w2"])) * torch.sigmoid(F.linear(code, p["w3"]))
    return F.binary_cross_entropy_with_logits(F.linear(F.gelu(gated), p["w4"]), t)


def autoencoder_model():
    """12 -> 5 -> 7, gated -> 12, of bits."""
    model = Model(("x", "tensor<6x12xf32>"), ("t", "tensor<6x12xf32>"))
    for name, kind in (("w1", "tensor<5x12xf32>"), ("b1", "tensor<5xf32>"), ("w2", "tensor<7x5xf32>"),
                       ("w3", "tensor<7x5xf32>"), ("w4", "tensor<12x7xf32>")):
        model.parameter(name, kind)
    code, wide, row = "tensor<6x5xf32>", "tensor<6x7xf32>", "tensor<6x12xf32>"
    model += f"%z = train.linear %x, %w1, %b1 : ({row}, tensor<5x12xf32>, tensor<5xf32>) -> {code}"
    model += f"%c = math.tanh %z : {code}"
    model += f"%u = train.linear %c, %w2 : ({code}, tensor<7x5xf32>) -> {wide}"
    model += f"%v = train.linear %c, %w3 : ({code}, tensor<7x5xf32>) -> {wide}"
    model += f"%a = train.silu %u : {wide}"
    model += f"%b = train.sigmoid %v : {wide}"
    model += f"%m = arith.mulf %a, %b : {wide}"
    model += f"%h = train.gelu %m : {wide}"
    model += f"%y = train.linear %h, %w4 : ({wide}, tensor<12x7xf32>) -> {row}"
    model += f"%loss = train.bce_with_logits_loss %y, %t : ({row}, {row}) -> tensor<f32>"
    return model.text()


def digits():
    """The first batch."""
    arrays = np.load(EXAMPLES / "train.npz")
    return {name: arrays[name][:32] for name in ("image", "label")}


def example(name):
    # torch's random choices are others: nothing is dropped.
    return (EXAMPLES / name).read_text().replace("rate = 0.25", "rate = 0.0")


def normal(*shape):
    return np.random.default_rng(7).standard_normal(shape).astype(np.float32)


BITS = (normal(6, 12) > 0).astype(np.float32)
CASES = {
    "mlp": (example("mlp.mlir"), mlp, digits()),
    "convnet": (example("convnet.mlir"), convnet, digits()),
    "residual": (MODELS["layer_norm"].text(), residual, {"x": normal(6, 13), "t": np.arange(6) % 10}),
    "tied embedding": (MODELS["tied"].text(), tied, {"x": np.array([3, 50256, 3, 0, 17]), "t": np.arange(5) * 9000}),
    "attention": (MODELS["attention"].text(), attention, {"x": normal(2, 13, 20) / 4, "t": normal(2, 13, 20)}),
    "autoencoder": (autoencoder_model(), autoencoder, {"x": BITS, "t": BITS}),
}


def to_torch(array):
    return torch.from_numpy(array.astype(np.int64 if array.dtype.kind == "i" else np.float32))


def differentiate_in_torch(function, parameters, inputs):
    """Loss and gradients from the joint graph, by name."""
    names = sorted(parameters)

    def loss(values, *data):
        return function(dict(zip(names, values)), *data)

    values = [to_torch(parameters[name]) for name in names]
    data = [to_torch(array) for array in inputs.values()]
    joint = functorch.make_fx(functorch.grad_and_value(loss))(values, *data)
    ops = [node for node in joint.graph.nodes if node.op == "call_function"]
    assert len(ops) > 3 * len(names), joint.graph  # forward and backward
    gradients, value = joint(values, *data)
    return value.item(), {name: gradient.numpy() for name, gradient in zip(names, gradients)}, len(ops)


def distance(got, want):
    return np.linalg.norm(got.astype(np.float64) - want) / np.linalg.norm(want.astype(np.float64))


def check(name, text, function, inputs):
    model, plan = os.path.join(FOLDER, "m.mlir"), os.path.join(FOLDER, "m.vplan")
    pathlib.Path(model).write_text(text)
    for target in runtime.targets():
        vernier.run_tool("vernier-compile", model, "-o", plan, "--policy=f32", "--target=" + target,
                         "--optimizer=sgd,lr=0,momentum=0.9")
        session = runtime.Session(plan, seed=5)
        before = session.get_states()
        parameters = {key.removesuffix(".momentum"): before[key.removesuffix(".momentum")]
                      for key in before if key.endswith(".momentum")}
        loss = session.run("step", inputs)["loss"]
        after = session.get_states()
        session.close()
        want_loss, want, ops = differentiate_in_torch(function, parameters, inputs)
        assert abs(loss - want_loss) < BOUND * abs(want_loss), (name, target, loss, want_loss)
        errors = {key: distance(after[key + ".momentum"], want[key]) for key in want}
        worst = max(errors, key=errors.get)
        assert errors[worst] < BOUND, (name, target, worst, errors[worst])
        print(f"{name}, {target}: {len(want)} gradients within {errors[worst]:.1e} of a joint graph of {ops} ops")


os.makedirs(FOLDER, exist_ok=True)
for case, (source, peer, arrays) in CASES.items():
    check(case, source, peer, arrays)
