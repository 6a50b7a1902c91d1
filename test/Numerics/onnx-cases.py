#===- onnx-cases.py - Ops against ONNX conformance cases
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, onnx-testdata, compiler
"""The conformance cases of ONNX that our ops can express, in the evaluator and on
the device: softmax and its logarithm, cross entropy, layer norm, activations, matmul, reductions,
transposes, convolutions, pooling, batch and instance norm, concatenation, slices,
indices, and the optimizers Adam and Momentum."""

import os
import tempfile

import numpy as np

from Numerics.Inputs import onnx_cases, onnx_images, runtime, vernier
from Numerics.Inputs.formats import tensor_type as t
from Numerics.Inputs.onnx_cases import Skip, kind, require


def narrowed(array):
    return array.astype(np.int32) if array.dtype == np.int64 else array


def last_axis(case, default=-1):
    rank = case.inputs[0].ndim
    require(case.attributes.get("axis", default) % rank == rank - 1)


def unary(op):
    def build(case):
        x = case.inputs[0]
        return [x], f"%r0 = {op} %0 : {kind(x)}", [kind(x)]
    return build


def binary(op):
    def build(case):
        a, b = case.inputs
        require(a.shape == b.shape and kind(a) == kind(b) == t(a.shape, "f32"))
        return [a, b], f"%r0 = {op} %0, %1 : {kind(a)}", [kind(a)]
    return build


def row(op):
    def build(case):
        last_axis(case)
        x = case.inputs[0]
        return [x], f"%r0 = {op} %0 : ({kind(x)}) -> {kind(x)}", [kind(x)]
    return build


def layer_norm(case):
    last_axis(case)
    require(len(case.inputs) == 3)
    case.outputs = case.outputs[:1]
    x, epsilon = case.inputs[0], case.attributes.get("epsilon", 1e-5)
    types = ", ".join(map(kind, case.inputs))
    return case.inputs, (f"%r0 = train.layer_norm %0, %1, %2 {{epsilon = "
                         f"{epsilon:.17e} : f64}} : ({types}) -> {kind(x)}"), [kind(x)]


def matmul(case):
    a, b = case.inputs
    types = f"({kind(a)}, {kind(b)}) -> {kind(case.outputs[0])}"
    return [a, b], f"%r0 = train.matmul %0, %1 : {types}", [kind(case.outputs[0])]


def reduce(name):
    def build(case):
        x = case.inputs[0]
        axes = case.attributes.get("axes") or (
            case.inputs[1].tolist() if len(case.inputs) > 1 else [])
        require(axes or not case.attributes.get("noop_with_empty_axes"))
        dims = sorted(axis % x.ndim for axis in axes) or list(range(x.ndim))
        shape = [n for i, n in enumerate(x.shape) if i not in dims]
        case.outputs = [case.outputs[0].reshape(shape)]
        result = t(shape, "f32")
        return [x], (f"%r0 = train.reduce {name} %0 dims = {dims} : "
                     f"{kind(x)} -> {result}"), [result]
    return build


def transpose(case):
    x = case.inputs[0]
    permutation = case.attributes.get("perm", list(range(x.ndim))[::-1])
    result = kind(case.outputs[0])
    return [x], (f"%r0 = train.transpose %0 permutation = {permutation} : "
                 f"{kind(x)} -> {result}"), [result]


def cross_entropy(case):
    """Without weights; classes move last: (N, C, d...) becomes (N d..., C)."""
    require(len(case.inputs) == 2 and "ignore_index" not in case.attributes)
    reduction = case.attributes.get("reduction", "mean")
    require(reduction in ("mean", "sum"))
    case.outputs = case.outputs[:1]  # log_prob is log_softmax's business.
    scores, labels = case.inputs
    scores = np.moveaxis(scores, 1, -1).reshape(-1, scores.shape[1])
    labels = labels.reshape(-1)
    return [scores, labels], (
        f"%r0 = train.cross_entropy %0, %1 {{reduction = #train<reduction "
        f"{reduction}>}} : ({kind(scores)}, {t(labels.shape, 'i32')}) -> tensor<f32>"
    ), ["tensor<f32>"]


def update(case, attribute, states, step):
    """One train.update for each parameter. ONNX orders rate, step, then all
    parameters, all gradients, all first states, all second states; its outputs
    are parameters and states in that order."""
    rate = case.inputs[0].astype(np.float32)
    count = (len(case.inputs) - 2) // (2 + states)
    groups = [case.inputs[2 + i * count:2 + (i + 1) * count]
              for i in range(2 + states)]
    inputs, lines = [rate, np.array(step, np.int32)], []
    outputs = [None] * (count * (1 + states))
    results = list(outputs)
    for number in range(count):
        arrays = [group[number] for group in groups]
        first = len(inputs)
        inputs += arrays
        x = kind(arrays[0])
        names = ", ".join(f"%{first + 2 + i}" for i in range(states))
        types = ", ".join([x, x, "tensor<f32>", "tensor<i32>"] + [x] * states)
        produced = [f"%r{i * count + number}" for i in range(1 + states)]
        lines.append(f"{', '.join(produced)} = train.update {attribute} %{first}, "
                     f"%{first + 1}, %0, %1 states({names}) : ({types}) -> "
                     f"({', '.join([x] * (1 + states))})")
        for i in range(1 + states):
            results[i * count + number] = x
    return inputs, "\n  ".join(lines), results


def adam(case):
    """At step 0 ONNX does not correct the bias: our correction after very many
    steps. Its decay is in the gradient."""
    a = case.attributes
    if case.name == "adam_multiple":
        a["epsilon"] = 1e-2  # The generator used this and left it out of the node.
    require(case.inputs[1] == 0 and not a.get("norm_coefficient_post"))
    return update(case, "#train.adam<beta1 = {:.17e}, beta2 = {:.17e}, epsilon = "
                  "{:.17e}, weightDecay = {:.17e}>".format(
                      a.get("alpha", 0.9), a.get("beta", 0.999),
                      a.get("epsilon", 0.0), a.get("norm_coefficient", 0.0)), 2, 2**30)


def momentum(case):
    a = case.attributes
    require(case.inputs[1] == 0 or a.get("beta", 1.0) == 1.0)
    nesterov = str(a["mode"] == "nesterov").lower()
    return update(case, f"#train.sgd<momentum = {a['alpha']:.17e}, weightDecay = "
                  f"{a['norm_coefficient']:.17e}, nesterov = {nesterov}>", 1, 1)


BUILDERS = {
    "Softmax": row("train.softmax"), "LogSoftmax": row("train.log_softmax"),
    "LayerNormalization": layer_norm, "MatMul": matmul,
    "SoftmaxCrossEntropyLoss": cross_entropy, "Transpose": transpose,
    "ReduceSum": reduce("sum"), "ReduceMean": reduce("mean"),
    "ReduceMax": reduce("max"), "Adam": adam, "Momentum": momentum,
    "Relu": unary("train.relu"), "Sigmoid": unary("train.sigmoid"),
    "Neg": unary("arith.negf"), "Exp": unary("math.exp"), "Log": unary("math.log"),
    "Sqrt": unary("math.sqrt"), "Tanh": unary("math.tanh"), "Erf": unary("math.erf"),
    "Sin": unary("math.sin"), "Cos": unary("math.cos"), "Abs": unary("math.absf"),
    "Tan": unary("math.tan"), "Asin": unary("math.asin"), "Acos": unary("math.acos"),
    "Atan": unary("math.atan"), "Sinh": unary("math.sinh"), "Cosh": unary("math.cosh"),
    "Asinh": unary("math.asinh"), "Acosh": unary("math.acosh"),
    "Atanh": unary("math.atanh"), "Ceil": unary("math.ceil"),
    "Floor": unary("math.floor"), "Round": unary("math.roundeven"),
    "Add": binary("arith.addf"), "Sub": binary("arith.subf"),
    "Mul": binary("arith.mulf"), "Div": binary("arith.divf"),
    "Pow": binary("math.powf"),
    **onnx_images.BUILDERS,
}


def build_cases():
    for name in onnx_cases.names():
        if name.endswith("expanded"):
            continue
        case = onnx_cases.load(name, BUILDERS)
        if case is None:
            continue
        try:
            yield case, BUILDERS[case.op](case)
        except Skip:
            continue


functions, arguments, calls, returns, arrays, checks = [], [], [], [], {}, []
for number, (case, (inputs, body, results)) in enumerate(build_cases()):
    inputs = [narrowed(array) for array in inputs]
    declared = ", ".join(f"%{i}: {kind(a)}" for i, a in enumerate(inputs))
    produced = ", ".join(f"%r{i}" for i in range(len(results)))
    types = ", ".join(results)
    functions.append(f"func.func private @c{number}({declared}) -> ({types}) {{\n"
                     f"  {body}\n  return {produced} : {types}\n}}")
    names = [f"a{number}_{i}" for i in range(len(inputs))]
    arrays.update(zip(names, inputs))
    arguments += [f'%{n}: {kind(a)} {{train.name = "{n}"}}'
                  for n, a in zip(names, inputs)]
    result = f"%r{number}:{len(results)}"
    calls.append(f"  {result} = func.call @c{number}("
                 + ", ".join("%" + n for n in names) + ") : ("
                 + ", ".join(map(kind, inputs)) + f") -> ({types})")
    assert len(results) == len(case.outputs), case.name
    for i, (want, k) in enumerate(zip(case.outputs, results)):
        checks.append((case, len(returns), want))
        returns.append((f"%r{number}#{i}", k))

# As a step, for batch norm takes given statistics in every other entry.
text = "\n".join([
    *functions, f"func.func @step({', '.join(arguments)}) -> ("
    + ", ".join(f'{k} {{train.name = "y{i}"}}' for i, (_, k) in enumerate(returns))
    + ") {", *calls,
    "  return " + ", ".join(n for n, _ in returns) + " : "
    + ", ".join(k for _, k in returns), "}"])


def run_on_device(target):
    with tempfile.TemporaryDirectory() as folder:
        model, plan = (os.path.join(folder, name) for name in ("m.mlir", "m.vplan"))
        with open(model, "w") as file:
            file.write(text)
        vernier.run_tool("vernier-compile", model, "-o", plan, "--policy=f32",
                         f"--target={target}")
        session = runtime.Session(plan)
        outputs = session.run("step", arrays)
        session.close()
        return outputs


found = {"evaluator": vernier.evaluate(text, "step", arrays)[0],
         **{target: run_on_device(target) for target in runtime.targets()}}
for who, got in found.items():
    for case, index, want in checks:
        np.testing.assert_allclose(got[f"y{index}"], want, rtol=1e-5, atol=1e-6,
                                   err_msg=f"{case.name}, {who}")
count = {}
for case, _, _ in checks:
    count.setdefault(case.op, set()).add(case.name)
print(", ".join(f"{op} {len(names)}" for op, names in sorted(count.items())))
# So that a change of the reader does not empty the test unnoticed.
assert {"Adam", "Momentum", "Softmax", "LogSoftmax", "SoftmaxCrossEntropyLoss",
        "LayerNormalization", "MatMul", "ReduceMean"} <= set(count), count
for op, expected in onnx_images.COUNTS.items():
    assert len(count[op]) == expected, (op, sorted(count[op]))
