#===- what-compiles-runs.py - Whole steps that once compiled and did not run
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""Small models of kinds that a session, a linker or the verifier of plans refused: a
value that a convolution and a second op read, extents that agree, losses whose
forward and backward parts interleave, maxima of numbers in f16. Each is compiled
under several policies, padded or not, and trains a step: the loss against NumPy, the
gradients, which are the momentum of SGD, against the evaluator."""

import os
import tempfile

import numpy as np

from Numerics.Inputs import formats, runtime, vernier

POLICIES = ["f32", "tf32", "bf16", "f16"]
# Of the largest element: f32 sums, one rounding, and f16's narrow normal numbers.
BOUNDS = {"f32": 1e-5, "tf32": 4e-3, "bf16": 4e-2, "f16": 2e-2}


class Model:
    """Text, with parameters (p0, p1, ...) and data (d0, d1, ...) of the shapes."""

    def __init__(self, parameters, data, body, loss):
        self.parameters, self.data, self.loss = parameters, data, loss
        states = "\n".join(f"ml_program.global private mutable @p{i}(#train.constant<0.0>) : {t} "
                           '{train.role = "parameter"}' for i, t in enumerate(map(tensor, parameters)))
        loads = "\n".join(f"  %p{i} = ml_program.global_load @p{i} : {t}"
                          for i, t in enumerate(map(tensor, parameters)))
        arguments = ", ".join(f'%d{i}: {t} {{train.name = "d{i}"}}' for i, t in enumerate(map(tensor, data)))
        self.text = (f"{states}\nfunc.func @loss({arguments}) -> (tensor<f32> {{train.name = \"loss\"}}) {{\n"
                     f"{loads}\n{body}\n  return %loss : tensor<f32>\n}}\n")

    def draw(self):
        rng = np.random.default_rng(17)
        draw = lambda shapes, letter: {
            f"{letter}{i}": np.asarray(formats.rounded(rng.standard_normal(shape), "bf16"), np.float32)
            for i, shape in enumerate(shapes)}
        return draw(self.data, "d"), draw(self.parameters, "p")


def tensor(shape, kind="f32"):
    return formats.tensor_type(shape, kind)


def total(name, shape, kind="sum"):
    return f"train.reduce {kind} {name} dims = {list(range(len(shape)))} : {tensor(shape)} -> tensor<f32>"


def convolve(x, w, stride):
    """A 1x1 convolution."""
    return np.einsum("npqc,oc->npqo", x[:, ::stride, ::stride], w[:, 0, 0])


def shortcut(stride, channels):
    """Two convolutions of one value, one of them strided, and the value itself."""
    x, h, y = (4, 8, 8, 3), (4, 8, 8, channels), (4, 8 // stride, 8 // stride, 32)
    v, w = (channels, 1, 1, 3), (32, 1, 1, channels)
    body = f"""
  %h = train.conv2d %d0, %p0 : ({tensor(x)}, {tensor(v)}) -> {tensor(h)}
  %y = train.conv2d %h, %p1 strides = [{stride}, {stride}] : ({tensor(h)}, {tensor(w)}) -> {tensor(y)}
  %a = {total("%y", y, "mean")}
  %hh = arith.mulf %h, %h : {tensor(h)}
  %b = {total("%hh", h, "mean")}
  %loss = arith.addf %a, %b : tensor<f32>"""

    def loss(d, p):
        hidden = convolve(d["d0"], p["p0"], 1)
        return np.mean(convolve(hidden, p["p1"], stride)) + np.mean(hidden ** 2)
    return Model([v, w], [x], body, loss)


def softmax(shape, axes):
    """Over any dims, written by hand."""
    kept = [dim for dim in range(len(shape)) if dim not in axes]
    small, big = tensor([shape[dim] for dim in kept]), tensor(shape)
    body = f"""
  %m = train.reduce max %p0 dims = {axes} : {big} -> {small}
  %mb = train.broadcast %m dims = {kept} : {small} -> {big}
  %e0 = arith.subf %p0, %mb : {big}
  %e = math.exp %e0 : {big}
  %s = train.reduce sum %e dims = {axes} : {big} -> {small}
  %sb = train.broadcast %s dims = {kept} : {small} -> {big}
  %y = arith.divf %e, %sb : {big}
  %loss = train.mse_loss %y, %d0 : ({big}, {big}) -> tensor<f32>"""

    def loss(d, p):
        e = np.exp(p["p0"] - np.max(p["p0"], tuple(axes), keepdims=True))
        return np.mean((e / np.sum(e, tuple(axes), keepdims=True) - d["d0"]) ** 2)
    return Model([shape], [shape], body, loss)


def crossed(extent):
    """Sums of rows that stand as a row, and sums of columns that stand as a column."""
    row, square = tensor((extent,)), tensor((extent, extent))
    body = f"""
  %r = train.reduce sum %p0 dims = [1] : {square} -> {row}
  %c = train.reduce max %p0 dims = [0] : {square} -> {row}
  %rb = train.broadcast %r dims = [1] : {row} -> {square}
  %cb = train.broadcast %c dims = [0] : {row} -> {square}
  %x = arith.mulf %rb, %cb : {square}
  %y = arith.mulf %x, %d0 : {square}
  %loss = {total("%y", (extent, extent), "mean")}"""

    def loss(d, p):
        return np.mean(np.sum(p["p0"], 1)[None] * np.max(p["p0"], 0)[:, None] * d["d0"])
    return Model([(extent, extent)], [(extent, extent)], body, loss)


def heads(count, depth):
    """Losses of unlike depth on one input: the deep ones keep what the others have
    given back."""
    x, w, y = (8, 16, 16, 3), (4, 1, 1, 3), (8, 16, 16, 4)
    lines, sums = [f"  %one = arith.constant dense<1.0> : {tensor(y)}"], []
    for i in range(count):
        lines.append(f"  %a{i} = train.conv2d %d0, %p{i} : ({tensor(x)}, {tensor(w)}) -> {tensor(y)}")
    for i in reversed(range(count)):
        last = f"%a{i}"
        for j in range(depth * i):
            lines += [f"  %q{i}{j} = arith.mulf {last}, {last} : {tensor(y)}",
                      f"  %s{i}{j} = arith.addf %q{i}{j}, %one : {tensor(y)}",
                      f"  %r{i}{j} = math.sqrt %s{i}{j} : {tensor(y)}",
                      f"  %t{i}{j} = math.tanh %r{i}{j} : {tensor(y)}"]
            last = f"%t{i}{j}"
        lines += [f"  %c{i} = arith.mulf {last}, %d{i + 1} : {tensor(y)}",
                  f"  %l{i} = {total(f'%c{i}', y, 'mean')}"]
        sums.append(f"%l{i}")
    value = sums[0]
    for i, part in enumerate(sums[1:]):
        name = "%loss" if i == count - 2 else f"%sum{i}"
        lines.append(f"  {name} = arith.addf {value}, {part} : tensor<f32>")
        value = name

    def loss(d, p):
        result = 0
        for i in range(count):
            value = convolve(d["d0"], p[f"p{i}"], 1)
            for _ in range(depth * i):
                value = np.tanh(np.sqrt(value ** 2 + 1))
            result += np.mean(value * d[f"d{i + 1}"])
        return result
    return Model([w] * count, [x] + [y] * count, "\n".join(lines), loss)


def maxout(op, function):
    x, w, y = (8, 16), (16, 16), (8, 16)
    body = f"""
  %z = train.linear %d0, %p0 : ({tensor(x)}, {tensor(w)}) -> {tensor(y)}
  %v = train.linear %d0, %p1 : ({tensor(x)}, {tensor(w)}) -> {tensor(y)}
  %y = {op} %z, %v : {tensor(y)}
  %loss = train.mse_loss %y, %d1 : ({tensor(y)}, {tensor(y)}) -> tensor<f32>"""
    return Model([w, w], [x, y], body, lambda d, p: np.mean(
        (function(d["d0"] @ p["p0"].T, d["d0"] @ p["p1"].T) - d["d1"]) ** 2))


MODELS = {
    "shortcut of stride 2": shortcut(2, 16), "shortcut of stride 1": shortcut(1, 8),
    "shortcut of odd channels": shortcut(2, 5),
    "softmax of a middle dim": softmax((4, 16, 16), [1]),
    "softmax of the first dim of a square": softmax((16, 16), [0]),
    "softmax of two middle dims": softmax((3, 4, 4, 16), [1, 2]),
    "softmax of the outer dims": softmax((8, 5, 8), [0, 2]),
    "crossed sums": crossed(16), "crossed sums of an odd extent": crossed(7),
    "two losses": heads(2, 2), "three losses": heads(3, 1), "four losses": heads(4, 2),
    "maxout": maxout("arith.maxnumf", np.fmax), "minout": maxout("arith.minnumf", np.fmin),
    "maxout with NaN": maxout("arith.maximumf", np.maximum),
}


def run(folder, model, policy, target, options):
    """(loss, gradients by name, the same of the evaluator)."""
    path, plan = os.path.join(folder, "m.mlir"), os.path.join(folder, "m.vplan")
    with open(path, "w") as file:
        file.write(model.text)
    common = [f"--policy={policy}", "--optimizer=sgd,lr=0.0,momentum=0.9", "--loss-scale=none"]
    data, states = model.draw()
    # Padding changes no number, only the shapes of states in the IR.
    step = vernier.run_tool("vernier-compile", path, "--emit=step", *common)
    _, wanted = vernier.evaluate(step, "step", data, states)
    vernier.run_tool("vernier-compile", path, "-o", plan, *common, f"--target={target}", *options)
    session = runtime.Session(plan)
    session.set_states(states)
    loss = float(session.run("step", data)["loss"])
    found = session.get_states()
    session.close()
    names = [f"{name}.momentum" for name in states]
    return loss, {n: found[n] for n in names}, {n: wanted[n] for n in names}


def main():
    failures, runs = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for name, model in MODELS.items():
            data, states = (dict((k, v.astype(np.float64)) for k, v in group.items()) for group in model.draw())
            want = model.loss(data, states)
            for policy in POLICIES:
                # Padding changes shapes, whatever the instructions are.
                for target, options in [(target, []) for target in runtime.targets()] + [("cpu", ["--pad-for-tensor-cores"])]:
                    loss, found, wanted = run(folder, model, policy, target, options)
                    errors = [abs(loss - want) / abs(want)]
                    errors += [formats.error_relative_to_largest(found[n], wanted[n]) for n in wanted]
                    runs += 1
                    if not max(errors) <= BOUNDS[policy]:
                        failures.append(f"{name}, {policy}, {target} {options}: {errors}")
    print(f"{runs} steps, {len(failures)} wrong")
    print("\n".join(failures))
    assert not failures


if __name__ == "__main__":
    main()
