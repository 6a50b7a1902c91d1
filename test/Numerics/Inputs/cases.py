#===- cases.py - Every op, its shapes and its reference
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Each op of a training step with its shapes, its IR, and what JAX computes."""

from dataclasses import dataclass
from typing import Callable

import jax
import jax.numpy as jnp
import numpy as np

from Numerics.Inputs.formats import rounded, tensor_type as t


@dataclass
class Input:
    shape: tuple
    # "real", "positive" (not near 0), "unit" (inside (-1, 1)), "probability",
    # or the number of classes of labels.
    domain: object = "real"
    # An element type, or None for that of the case.
    element: str = None

    def element_type(self, element):
        if isinstance(self.domain, int):
            return "i32"
        return "f64" if element == "f64" else self.element or element

    def type(self, element):
        return t(self.shape, self.element_type(element))

    def draw(self, rng, element):
        """Values that the element type holds exactly, as f64 (labels as i32)."""
        if isinstance(self.domain, int):
            return rng.integers(0, self.domain, self.shape, dtype=np.int32)
        values = {
            "real": lambda: 1.5 * rng.standard_normal(self.shape),
            "positive": lambda: rng.uniform(0.2, 3.0, self.shape),
            "unit": lambda: rng.uniform(-0.9, 0.9, self.shape),
            "probability": lambda: rng.uniform(0.0, 1.0, self.shape),
        }[self.domain]()
        return rounded(values, self.element_type(element))


@dataclass
class Case:
    name: str
    inputs: list
    # The op, given the element type: reads %0, %1, ...; writes %y.
    body: Callable
    result_shape: tuple
    # The same on f64 arrays.
    function: Callable
    # An element type, or None for that of the case.
    result_element: str = None
    # The op computes its result in one rounding.
    single_rounding: bool = True
    # How many spacings of 16 bits its vjp may be off: the vjp reads the rounded
    # result where that is what the forward op saved.
    vjp_spacings: float = 2.0

    def result_element_type(self, element):
        return "f64" if element == "f64" else self.result_element or element

    def result_type(self, element):
        return t(self.result_shape, self.result_element_type(element))

    def function_text(self, name, element):
        """The op as a function of the module."""
        arguments = ", ".join(f"%{i}: {entry.type(element)}"
                              for i, entry in enumerate(self.inputs))
        result, body = self.result_type(element), self.body(element)
        if element == "f64":  # An exact reference has no other floats.
            body = body.replace("xf32>", "xf64>").replace("<f32>", "<f64>")
        return (f"func.func private @{name}({arguments}) -> {result} {{\n"
                f"  {body}\n  return %y : {result}\n}}\n")


SHAPES = [(), (7,), (2, 3, 16)]


def slug(shape):
    return "x".join(map(str, shape)) or "scalar"


#===-- Elementwise ---------------------------------------------------------===#

def erf(x):
    return jax.scipy.special.erf(x)


UNARY = [
    # op, domain, function
    ("arith.negf", "real", lambda x: -x),
    ("math.absf", "real", jnp.abs),
    ("math.exp", "real", jnp.exp),
    ("math.exp2", "real", jnp.exp2),
    ("math.expm1", "real", jnp.expm1),
    ("math.log", "positive", jnp.log),
    ("math.log2", "positive", jnp.log2),
    ("math.log10", "positive", jnp.log10),
    ("math.log1p", "positive", jnp.log1p),
    ("math.sqrt", "positive", jnp.sqrt),
    ("math.rsqrt", "positive", lambda x: x ** -0.5),
    ("math.cbrt", "positive", jnp.cbrt),
    ("math.sin", "real", jnp.sin),
    ("math.cos", "real", jnp.cos),
    ("math.tan", "unit", jnp.tan),
    ("math.asin", "unit", jnp.arcsin),
    ("math.acos", "unit", jnp.arccos),
    ("math.atan", "real", jnp.arctan),
    ("math.sinh", "real", jnp.sinh),
    ("math.cosh", "real", jnp.cosh),
    ("math.tanh", "unit", jnp.tanh),
    ("math.asinh", "real", jnp.arcsinh),
    ("math.atanh", "unit", jnp.arctanh),
    ("math.erf", "real", erf),
    ("math.erfc", "real", jax.scipy.special.erfc),
    ("train.relu", "real", jax.nn.relu),
    ("train.gelu", "real", lambda x: jax.nn.gelu(x, approximate=False)),
    ("train.gelu {form = #train<gelu_form tanh>}", "real",
     lambda x: jax.nn.gelu(x, approximate=True)),
    ("train.silu", "real", jax.nn.silu),
    ("train.sigmoid", "real", jax.nn.sigmoid),
]

BINARY = [
    ("arith.addf", ("real", "real"), jnp.add),
    ("arith.subf", ("real", "real"), jnp.subtract),
    ("arith.mulf", ("real", "real"), jnp.multiply),
    ("arith.divf", ("real", "positive"), jnp.divide),
    ("arith.maximumf", ("real", "real"), jnp.maximum),
    ("arith.minimumf", ("real", "real"), jnp.minimum),
    ("math.powf", ("positive", "real"), jnp.power),
    ("math.atan2", ("positive", "positive"), jnp.arctan2),
    ("math.copysign", ("positive", "real"), jnp.copysign),
]


def elementwise_cases():
    for op, domain, function in UNARY:
        mnemonic, _, attributes = op.partition(" ")
        for shape in SHAPES:
            # The derivative of these reads the rounded result.
            slack = 8.0 if mnemonic in ("math.tan", "math.tanh") else 2.0
            yield Case(
                f"{mnemonic}{'-tanh' if attributes else ''}-{slug(shape)}",
                [Input(shape, domain)],
                lambda e, m=mnemonic, a=attributes, s=shape:
                    f"%y = {m} %0 {a} : {t(s, e)}",
                shape, function, vjp_spacings=slack)
    for op, domains, function in BINARY:
        for shape in SHAPES:
            yield Case(
                f"{op}-{slug(shape)}",
                [Input(shape, domain) for domain in domains],
                lambda e, o=op, s=shape: f"%y = {o} %0, %1 : {t(s, e)}",
                shape, function, vjp_spacings=3.0)
    shape = (3, 5)
    yield Case("math.fma", [Input(shape)] * 3,
               lambda e: f"%y = math.fma %0, %1, %2 : {t(shape, e)}", shape,
               lambda a, b, c: a * b + c)
    yield Case("arith.select", [Input(shape)] * 2,
               lambda e: f"%c = arith.cmpf olt, %0, %1 : {t(shape, e)}\n"
                         f"  %y = arith.select %c, %0, %1 : "
                         f"{t(shape, 'i1')}, {t(shape, e)}",
               shape, jnp.minimum)


#===-- Shapes and reductions -----------------------------------------------===#

def shape_cases():
    for source, target, dims in [((), (4,), []), ((5,), (3, 5), [1]),
                                 ((3,), (3, 5), [0]), ((1, 5), (3, 5), [0, 1]),
                                 ((3, 1), (2, 3, 4), [1, 2]),
                                 ((2, 4), (2, 3, 4), [0, 2])]:
        def function(x, source=source, target=target, dims=dims):
            aligned = [1] * len(target)
            for extent, dim in zip(source, dims):
                aligned[dim] = extent
            return jnp.broadcast_to(x.reshape(aligned), target)
        yield Case(
            f"train.broadcast-{slug(source)}-{slug(target)}-{slug(dims)}",
            [Input(source)],
            lambda e, s=source, r=target, d=dims:
                f"%y = train.broadcast %0 dims = {d} : {t(s, e)} -> {t(r, e)}",
            target, function)
    for shape, dims in [((7,), [0]), ((3, 5), [0]), ((3, 5), [1]),
                        ((3, 5), [0, 1]), ((2, 3, 16), [2]), ((2, 3, 16), [1]),
                        ((2, 3, 16), [0, 2]), ((64, 3), [0]), ((2, 300), [1])]:
        kept = tuple(n for i, n in enumerate(shape) if i not in dims)
        for kind, function in (("sum", jnp.sum), ("mean", jnp.mean),
                               ("max", jnp.max)):
            for result in (None, "f32"):
                yield Case(
                    f"train.reduce-{kind}-{slug(shape)}-{slug(dims)}-{result or 'same'}",
                    [Input(shape)],
                    lambda e, k=kind, s=shape, d=dims, r=kept, out=result:
                        f"%y = train.reduce {k} %0 dims = {d} : "
                        f"{t(s, e)} -> {t(r, out or e)}",
                    kept, lambda x, f=function, d=dims: f(x, axis=tuple(d)), result)
    for shape, permutation in [((3, 5), [1, 0]), ((2, 3, 4), [0, 2, 1]),
                               ((2, 3, 4), [2, 0, 1]), ((2, 3, 4, 5), [0, 2, 1, 3])]:
        target = tuple(shape[i] for i in permutation)
        yield Case(
            f"train.transpose-{slug(shape)}-{slug(permutation)}", [Input(shape)],
            lambda e, s=shape, p=permutation, r=target:
                f"%y = train.transpose %0 permutation = {p} : {t(s, e)} -> {t(r, e)}",
            target, lambda x, p=permutation: jnp.transpose(x, p))
    yield Case("tensor.collapse_shape", [Input((2, 3, 4))],
               lambda e: f"%y = tensor.collapse_shape %0 [[0, 1], [2]] : "
                         f"{t((2, 3, 4), e)} into {t((6, 4), e)}",
               (6, 4), lambda x: x.reshape(6, 4))
    yield Case("tensor.expand_shape", [Input((6, 4))],
               lambda e: f"%y = tensor.expand_shape %0 [[0, 1], [2]] "
                         f"output_shape [2, 3, 4] : {t((6, 4), e)} into "
                         f"{t((2, 3, 4), e)}",
               (2, 3, 4), lambda x: x.reshape(2, 3, 4))


#===-- Concatenation, slices, padding --------------------------------------===#

def slice_cases():
    for shapes, dim in [(((3,), (4,)), 0), (((2, 3), (2, 1), (2, 4)), 1),
                        (((2, 3, 16), (2, 5, 16)), 1), (((1, 5), (3, 5)), 0)]:
        target = list(shapes[0])
        target[dim] = sum(shape[dim] for shape in shapes)
        yield Case(
            f"tensor.concat-{'-'.join(map(slug, shapes))}-{dim}", [Input(s) for s in shapes],
            lambda e, s=shapes, d=dim, r=tuple(target):
                f"%y = tensor.concat dim({d}) {', '.join(f'%{i}' for i in range(len(s)))} : "
                f"({', '.join(t(shape, e) for shape in s)}) -> {t(r, e)}",
            tuple(target), lambda *x, d=dim: jnp.concatenate(x, axis=d))
    # First columns: the gradient puts zeros behind rows, also of one element.
    for shape, offsets, sizes in [((7,), [2], [3]), ((3, 5), [1, 0], [2, 5]),
                                  ((2, 3, 16), [0, 1, 8], [2, 2, 8]), ((3, 5), [0, 0], [3, 2]),
                                  ((3, 5), [0, 0], [3, 1]), ((17, 33), [0, 0], [17, 1]),
                                  ((2, 3, 4), [0, 0, 0], [2, 3, 1]), ((4,), [0], [1])]:
        yield Case(
            f"tensor.extract_slice-{slug(shape)}-{slug(offsets)}", [Input(shape)],
            lambda e, s=shape, o=offsets, r=sizes:
                f"%y = tensor.extract_slice %0{o} {r} {[1] * len(s)} : {t(s, e)} to {t(r, e)}",
            tuple(sizes), lambda x, o=offsets, r=sizes: jax.lax.dynamic_slice(x, o, r))
    for shape, low, high in [((7,), [2], [0]), ((3, 5), [0, 1], [2, 1]),
                             ((2, 3, 16), [0, 1, 8], [1, 0, 8]), ((3, 1), [0, 0], [0, 4]),
                             ((5, 2), [0, 0], [0, 1]), ((1, 1), [0, 0], [0, 2]), ((1,), [0], [3])]:
        target = tuple(map(sum, zip(low, shape, high)))
        names = ", ".join(f"%i{i}: index" for i in range(len(shape)))
        yield Case(
            f"tensor.pad-{slug(shape)}-{slug(low)}", [Input(shape)],
            lambda e, s=shape, a=low, b=high, r=target, n=names:
                f"%z = arith.constant 0.0 : {e}\n"
                f"  %y = tensor.pad %0 low{a} high{b} {{\n  ^bb0({n}):\n"
                f"    tensor.yield %z : {e}\n  }} : {t(s, e)} to {t(r, e)}",
            target, lambda x, a=low, b=high: jnp.pad(x, list(zip(a, b))))


#===-- Contractions --------------------------------------------------------===#

def matmul_case(lhs, rhs, transpose_lhs, transpose_rhs, result, epilogue):
    def function(a, b):
        a = jnp.swapaxes(a, -1, -2) if transpose_lhs else a
        b = jnp.swapaxes(b, -1, -2) if transpose_rhs else b
        y = jnp.matmul(a, b)
        return jax.nn.relu(y) if epilogue else y
    shape = jax.eval_shape(function, jnp.zeros(lhs), jnp.zeros(rhs)).shape
    flags = [name for name, given in (
        ("transpose_lhs", transpose_lhs), ("transpose_rhs", transpose_rhs),
        ("epilogue = #train<epilogue relu>", epilogue)) if given]
    attributes = "{" + ", ".join(flags) + "}" if flags else ""
    return Case(
        f"train.matmul-{slug(lhs)}-{slug(rhs)}-"
        f"{'t' if transpose_lhs else 'n'}{'t' if transpose_rhs else 'n'}"
        f"{'-relu' if epilogue else ''}-{result or 'same'}",
        [Input(lhs), Input(rhs)],
        lambda e: f"%y = train.matmul %0, %1 {attributes} : "
                  f"({t(lhs, e)}, {t(rhs, e)}) -> {t(shape, result or e)}",
        shape, function, result)


def linear_case(x, n, bias, result, epilogue):
    def function(x, w, b=0.0):
        y = x @ w.T + b
        return jax.nn.relu(y) if epilogue else y
    k, shape = x[-1], x[:-1] + (n,)
    attributes = "{epilogue = #train<epilogue relu>}" if epilogue else ""
    inputs = [Input(x), Input((n, k))]
    if bias:
        inputs.append(Input((n,), element="f32" if bias == "f32" else None))

    def body(e):
        types = ", ".join(entry.type(e) for entry in inputs)
        return (f"%y = train.linear %0, %1{', %2' if bias else ''} {attributes} : "
                f"({types}) -> {t(shape, result or e)}")
    return Case(f"train.linear-{slug(x)}-{n}-{bias or 'nobias'}"
                f"{'-relu' if epilogue else ''}-{result or 'same'}",
                inputs, body, shape, function, result)


def contraction_cases():
    for result in (None, "f32"):
        for flags in range(4):
            tl, tr = flags & 1, flags >> 1
            for batch in ((), (3,), (2, 2)):
                lhs = batch + ((6, 4) if tl else (4, 6))
                rhs = batch + ((5, 6) if tr else (6, 5))
                yield matmul_case(lhs, rhs, tl, tr, result, False)
            # One matrix on the right for every batch.
            yield matmul_case((3, 6, 4) if tl else (3, 4, 6),
                              (5, 6) if tr else (6, 5), tl, tr, result, False)
        yield matmul_case((17, 33), (33, 9), False, False, result, False)
        for bias in (None, "same", "f32"):
            for x in ((8, 16), (1, 3), (2, 3, 7)):
                yield linear_case(x, 5, bias, result, False)
    # The gradient of an epilogue is that of the composition.
    yield matmul_case((4, 6), (6, 5), False, False, None, True)
    yield linear_case((8, 16), 5, "same", None, True)


#===-- Rows and losses -----------------------------------------------------===#

def layer_norm(x, scale, bias, epsilon):
    mean = jnp.mean(x, axis=-1, keepdims=True)
    variance = jnp.var(x, axis=-1, keepdims=True)
    return (x - mean) / jnp.sqrt(variance + epsilon) * scale + bias


def rms_norm(x, scale, epsilon):
    return x / jnp.sqrt(jnp.mean(x * x, axis=-1, keepdims=True) + epsilon) * scale


def row_cases():
    for shape in ((7,), (3, 5), (2, 3, 16), (4, 200)):
        channels = shape[-1:]
        for result in (None, "f32"):
            name = f"{slug(shape)}-{result or 'same'}"
            for op, function in (("softmax", jax.nn.softmax),
                                 ("log_softmax", jax.nn.log_softmax)):
                yield Case(f"train.{op}-{name}", [Input(shape)],
                           lambda e, o=op, s=shape, r=result:
                               f"%y = train.{o} %0 : ({t(s, e)}) -> {t(s, r or e)}",
                           shape, function, result, vjp_spacings=16.0)
            yield Case(
                f"train.layer_norm-{name}",
                [Input(shape), Input(channels, element="f32"),
                 Input(channels, element="f32")],
                lambda e, s=shape, c=channels, r=result:
                    f"%y = train.layer_norm %0, %1, %2 {{epsilon = 1.0e-3 : f64}} : "
                    f"({t(s, e)}, {t(c, 'f32')}, {t(c, 'f32')}) -> {t(s, r or e)}",
                shape, lambda x, g, b: layer_norm(x, g, b, 1e-3), result,
                vjp_spacings=16.0)
            yield Case(
                f"train.rms_norm-{name}",
                [Input(shape), Input(channels, element="f32")],
                lambda e, s=shape, c=channels, r=result:
                    f"%y = train.rms_norm %0, %1 : "
                    f"({t(s, e)}, {t(c, 'f32')}) -> {t(s, r or e)}",
                shape, lambda x, g: rms_norm(x, g, 1e-6), result,
                vjp_spacings=16.0)


def cross_entropy(logits, labels, smoothing, reduction):
    classes = logits.shape[-1]
    targets = ((1.0 - smoothing) * jax.nn.one_hot(labels, classes, dtype=jnp.float64)
               + smoothing / classes)
    return reduction(-jnp.sum(targets * jax.nn.log_softmax(logits), axis=-1))


def loss_cases():
    for reduction, reduce in (("mean", jnp.mean), ("sum", jnp.sum)):
        attribute = f"reduction = #train<reduction {reduction}>"
        for n, c in ((1, 2), (8, 10), (5, 37)):
            for smoothing in (0.0, 0.1):
                yield Case(
                    f"train.cross_entropy-{n}x{c}-{smoothing}-{reduction}",
                    [Input((n, c)), Input((n,), c)],
                    lambda e, n=n, c=c, s=smoothing, a=attribute:
                        f"%y = train.cross_entropy %0, %1 {{label_smoothing = {s} : "
                        f"f64, {a}}} : ({t((n, c), e)}, {t((n,), 'i32')}) -> tensor<f32>",
                    (), lambda x, y, s=smoothing, r=reduce: cross_entropy(x, y, s, r),
                    "f32", vjp_spacings=4.0)
        for shape in ((4,), (3, 5), (2, 3, 4)):
            for op, domain, function in (
                    ("mse_loss", "real", lambda x, y: (x - y) ** 2),
                    ("bce_with_logits_loss", "probability",
                     lambda x, y: jnp.logaddexp(0.0, x) - x * y)):
                yield Case(
                    f"train.{op}-{slug(shape)}-{reduction}",
                    [Input(shape), Input(shape, domain)],
                    lambda e, o=op, s=shape, a=attribute:
                        f"%y = train.{o} %0, %1 {{{a}}} : "
                        f"({t(s, e)}, {t(s, e)}) -> tensor<f32>",
                    (), lambda x, y, f=function, r=reduce: r(f(x, y)), "f32",
                    vjp_spacings=4.0)


#===-- Images --------------------------------------------------------------===#

def conv2d(x, w, strides, padding, dilation, groups):
    top, left, bottom, right = padding
    return jax.lax.conv_general_dilated(
        x, w, strides, [(top, bottom), (left, right)], rhs_dilation=dilation,
        dimension_numbers=("NHWC", "OHWI", "NHWC"), feature_group_count=groups)


def windows(extent, places, window, stride, before):
    """The first pixel and the one behind the last of each window."""
    if window:
        return [(max(p * stride - before, 0), min(p * stride - before + window, extent))
                for p in range(places)]
    return [(p * extent // places, -(-(p + 1) * extent // places))
            for p in range(places)]


def pool2d(x, reduce, rows, columns):
    return jnp.stack([jnp.stack([reduce(x[:, a:b, c:d], axis=(1, 2))
                                 for c, d in columns], axis=1)
                      for a, b in rows], axis=1)


def first_max(x, axis):
    """The maximum over the window; its gradient goes to the first among equals."""
    flat = x.reshape(x.shape[0], -1, x.shape[-1])
    index = jnp.argmax(flat, axis=1)[:, None, :]
    return jnp.take_along_axis(flat, index, axis=1)[:, 0, :]


CONVOLUTIONS = [
    # image (N, H, W, C), kernel (O, KH, KW), strides, padding, dilation, groups
    ((2, 5, 6, 3), (4, 3, 3), [1, 1], [1, 1, 1, 1], [1, 1], 1),
    ((1, 7, 5, 4), (6, 3, 2), [2, 1], [0, 1, 2, 0], [1, 2], 2),
    ((3, 4, 4, 8), (8, 3, 3), [1, 1], [1, 1, 1, 1], [1, 1], 8),
    ((2, 4, 3, 16), (16, 1, 1), [1, 1], [0, 0, 0, 0], [1, 1], 1),
    ((9, 8, 8, 1), (8, 5, 5), [2, 2], [2, 2, 2, 2], [1, 1], 1),
    ((2, 6, 6, 2), (4, 3, 3), [3, 3], [0, 0, 0, 0], [1, 1], 1),
]
POOLINGS = [
    # image, result rows and columns, window, strides, padding
    ((2, 6, 6, 3), (3, 3), [2, 2], [2, 2], [0, 0, 0, 0]),
    ((1, 7, 5, 17), (4, 3), [3, 3], [2, 2], [1, 1, 1, 1]),
    ((2, 5, 4, 2), (5, 3), [2, 3], [1, 2], [1, 1, 0, 2]),
    ((2, 7, 5, 4), (3, 2), None, None, None),
    ((3, 4, 4, 8), (1, 1), None, None, None),
]


def image_cases():
    for x, (o, kh, kw), strides, padding, dilation, groups in CONVOLUTIONS:
        w = (o, kh, kw, x[3] // groups)
        attributes = (f"strides = {strides} padding = {padding} "
                      f"dilation = {dilation} groups = {groups}")

        def function(a, b, s=strides, p=padding, d=dilation, g=groups):
            return conv2d(a, b, s, p, d, g)
        y = jax.eval_shape(function, jnp.zeros(x), jnp.zeros(w)).shape
        for result in (None, "f32"):
            yield Case(f"train.conv2d-{slug(x)}-{slug(w)}-{result or 'same'}",
                       [Input(x), Input(w)],
                       lambda e, x=x, w=w, y=y, a=attributes, r=result:
                           f"%y = train.conv2d %0, %1 {a} : ({t(x, e)}, {t(w, e)}) "
                           f"-> {t(y, r or e)}",
                       y, function, result)
    for x, places, window, strides, padding in POOLINGS:
        y = (x[0], *places, x[3])
        attributes = (f"window = {window} strides = {strides} padding = {padding}"
                      if window else "adaptive")
        ranges = [windows(x[d + 1], places[d], window and window[d],
                          strides and strides[d], padding and padding[d])
                  for d in (0, 1)]
        for kind, reduce in (("max", first_max), ("average", jnp.mean)):
            yield Case(f"train.pool2d-{kind}-{slug(x)}-{slug(places)}-"
                       f"{'window' if window else 'adaptive'}", [Input(x)],
                       lambda e, x=x, y=y, k=kind, a=attributes:
                           f"%y = train.pool2d {k} %0 {a} : {t(x, e)} -> {t(y, e)}",
                       y, lambda v, r=reduce, w=ranges: pool2d(v, r, *w))


#===-- Channels ------------------------------------------------------------===#

def normalize(x, mean, variance, scale, bias):
    return (x - mean) / jnp.sqrt(variance + 1e-3) * scale + bias


def batch_norm(x, scale, bias, running_mean, running_var):
    axes = tuple(range(x.ndim - 1))
    return normalize(x, jnp.mean(x, axes), jnp.var(x, axes), scale, bias)


def batch_norm_inference(x, scale, bias, mean, variance):
    return normalize(x, mean, variance, scale, bias)


def group_norm(x, scale, bias, groups):
    split = x.reshape(x.shape[0], -1, groups, x.shape[-1] // groups)
    mean = jnp.mean(split, axis=(1, 3), keepdims=True)
    variance = jnp.var(split, axis=(1, 3), keepdims=True)
    normal = (split - mean) / jnp.sqrt(variance + 1e-3)
    return normal.reshape(x.shape) * scale + bias


def channel_cases():
    for shape in ((6, 5), (4, 3, 2, 16), (3, 7, 9)):
        c = shape[-1:]
        affine = [Input(c, element="f32"), Input(c, element="f32")]
        statistics = [Input(c, element="f32"), Input(c, "positive", "f32")]
        for result in (None, "f32"):
            name, end = f"{slug(shape)}-{result or 'same'}", t(c, "f32")

            def types(e, count, shape=shape, end=end):
                return ", ".join([t(shape, e)] + [end] * count)
            yield Case(
                f"train.batch_norm-{name}", [Input(shape), *affine],
                lambda e, s=shape, r=result, types=types, end=end:
                    f"%m = arith.constant dense<0.5> : {end}\n"
                    f"  %y, %n, %v = train.batch_norm %0, %1, %2, %m, %m "
                    f"{{epsilon = 1.0e-3 : f64}} : ({types(e, 4)}) -> "
                    f"({t(s, r or e)}, {end}, {end})",
                shape, lambda x, g, b: batch_norm(x, g, b, None, None), result,
                vjp_spacings=16.0)
            yield Case(
                f"train.batch_norm_inference-{name}",
                [Input(shape), *affine, *statistics],
                lambda e, s=shape, r=result, types=types:
                    f"%y = train.batch_norm_inference %0, %1, %2, %3, %4 "
                    f"{{epsilon = 1.0e-3 : f64}} : ({types(e, 4)}) -> {t(s, r or e)}",
                shape, batch_norm_inference, result, vjp_spacings=16.0)
            for groups in {1, c[0]} | {n for n in (4,) if c[0] % n == 0}:
                yield Case(
                    f"train.group_norm-{groups}-{name}", [Input(shape), *affine],
                    lambda e, s=shape, r=result, types=types, n=groups:
                        f"%y = train.group_norm %0, %1, %2 {{groups = {n} : i64, "
                        f"epsilon = 1.0e-3 : f64}} : ({types(e, 2)}) -> "
                        f"{t(s, r or e)}",
                    shape, lambda x, g, b, n=groups: group_norm(x, g, b, n), result,
                    vjp_spacings=16.0)


#===-- Indices -------------------------------------------------------------===#

def philox(low, high, key):
    """The first word of Philox2x32-10 (Salmon et al. 2011)."""
    low, key = low.astype(np.uint64), np.uint64(key)
    high, word = np.uint64(high) + 0 * low, np.uint64(0xffffffff)
    for _ in range(10):
        product = low * np.uint64(0xD256D193)
        low, high = (product >> np.uint64(32)) ^ key ^ high, product & word
        key = (key + np.uint64(0x9E3779B9)) & word
    return low


def dropout(x, step, rate, seed):
    bits = philox(np.arange(x.size), int(step), seed).reshape(x.shape)
    return jnp.where(bits >= np.uint64(rate * 2**32), x / (1 - rate), 0.0)


def index_cases():
    for table, indices in (((5, 3), (7,)), ((9,), (2, 3)), ((4, 2, 17), (3, 2))):
        rows = indices + table[1:]
        yield Case(f"train.gather-{slug(table)}-{slug(indices)}",
                   [Input(table), Input(indices, table[0])],
                   lambda e, a=table, i=indices, r=rows:
                       f"%y = train.gather %0, %1 : ({t(a, e)}, {t(i, 'i32')}) -> "
                       f"{t(r, e)}",
                   rows, lambda x, i: x[i])
        for result in (None, "f32"):
            yield Case(f"train.scatter_add-{slug(table)}-{slug(indices)}-{result}",
                       [Input(rows), Input(indices, table[0])],
                       lambda e, a=table, i=indices, r=rows, out=result:
                           f"%y = train.scatter_add %0, %1 : ({t(r, e)}, "
                           f"{t(i, 'i32')}) -> {t(a, out or e)}",
                       table, lambda x, i, a=table: jnp.zeros(a).at[i].add(x), result)
    for shape in ((7,), (5, 37), (2, 3, 16)):
        yield Case(f"train.dropout-{slug(shape)}", [Input(shape), Input((), 1000)],
                   lambda e, s=shape:
                       f"%y = train.dropout %0 step %1 {{rate = 0.25 : f64, "
                       f"seed = 7 : i32}} : ({t(s, e)}, tensor<i32>) -> {t(s, e)}",
                   shape, lambda x, n: dropout(x, n, 0.25, 7))
        yield Case(f"train.argmax-{slug(shape)}", [Input(shape)],
                   lambda e, s=shape:
                       f"%i = train.argmax %0 : {t(s, e)} -> {t(s[:-1], 'i32')}\n"
                       f"  %f = arith.sitofp %i : {t(s[:-1], 'i32')} to {t(s[:-1], e)}\n"
                       f"  %m = train.reduce max %0 dims = [{len(s) - 1}] : {t(s, e)} "
                       f"-> {t(s[:-1], e)}\n"
                       f"  %z = arith.mulf %f, %m : {t(s[:-1], e)}\n"
                       f"  %y = arith.negf %z : {t(s[:-1], e)}",
                   shape[:-1],
                   lambda x: -jnp.argmax(x, -1) * jnp.max(x, -1), vjp_spacings=4.0)


def all_cases():
    return [*elementwise_cases(), *shape_cases(), *slice_cases(), *contraction_cases(),
            *image_cases(), *channel_cases(), *index_cases(),
            *row_cases(), *loss_cases()]
