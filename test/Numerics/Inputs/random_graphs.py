#===- random_graphs.py - Models made of ops at random
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Models of ops that read each other's results in every order, as text and as JAX
computes them. Extents favour what kernels treat specially: 1, and around the widths
of vectors and tiles."""

from dataclasses import dataclass
from typing import Callable

import jax
import jax.numpy as jnp
import numpy as np

from Numerics.Inputs.formats import tensor_type

EXTENTS = [1, 1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 31, 33, 64, 100]
MOST_ELEMENTS = 20_000

UNARY = {
    "arith.negf": jnp.negative, "math.tanh": jnp.tanh, "math.sin": jnp.sin, "math.absf": jnp.abs,
    "math.erf": jax.scipy.special.erf, "train.relu": jax.nn.relu, "train.silu": jax.nn.silu,
    "train.sigmoid": jax.nn.sigmoid, "train.gelu": lambda x: jax.nn.gelu(x, approximate=False),
}
BINARY = {
    "arith.addf": jnp.add, "arith.subf": jnp.subtract, "arith.mulf": jnp.multiply,
    "arith.maximumf": jnp.maximum, "arith.minimumf": jnp.minimum,
}
REDUCTIONS = {"mean": jnp.mean, "sum": jnp.sum, "max": jnp.max}


def t(shape, element="f32"):
    return tensor_type(shape, element)


@dataclass
class Value:
    name: str
    shape: tuple
    function: Callable  # Of the arrays by name.


class Graph:
    """A model with @loss, its data and the initial states."""

    def __init__(self, seed, ops):
        self.rng = np.random.default_rng(seed)
        self.lines, self.values, self.data, self.states, self.inputs = [], [], {}, {}, []
        rows = self.extent()
        for number in range(2):
            shape = (rows, *(self.extent() for _ in range(self.rng.integers(0, 3))))
            self.data[f"x{number}"] = self.draw(shape)
            self.inputs.append(Value(f"%x{number}", shape, lambda env, n=f"x{number}": env[n]))
        self.values += self.inputs
        kinds = [self.unary, self.binary, self.select, self.broadcast, self.reduce, self.transpose, self.reshape,
                 self.concat, self.slice, self.pad, self.softmax, self.layer_norm, self.matmul, self.linear]
        while len(self.values) < ops:
            kinds[self.rng.integers(len(kinds))]()
        self.loss = self.finish()

    # ---- pieces ----

    def extent(self):
        return int(self.rng.choice(EXTENTS))

    def draw(self, shape, scale=1.0):
        return (scale * self.rng.standard_normal(shape)).astype(np.float32)

    def add(self, text, shape, function):
        value = Value(f"%v{len(self.values)}", tuple(map(int, shape)), function)
        self.lines.append(f"{value.name} = {text}")
        self.values.append(value)
        return value

    def parameter(self, shape, scale=1.0):
        name = f"p{len(self.states)}"
        self.states[name] = self.draw(shape, scale)
        return self.add(f"ml_program.global_load @{name} : {t(shape)}", shape, lambda env: env[name])

    def pick(self, rank=0):
        """A value, a late one more often; of at least that rank."""
        values = [value for value in self.values if len(value.shape) >= rank]
        return values[max(self.rng.integers(len(values), size=2))] if values else self.parameter((3,) * rank)

    # ---- ops ----

    def unary(self):
        x, op = self.pick(), str(self.rng.choice(list(UNARY)))
        self.add(f"{op} {x.name} : {t(x.shape)}", x.shape, lambda env: UNARY[op](x.function(env)))

    def binary(self):
        x, op = self.pick(), str(self.rng.choice(list(BINARY)))
        same = [value for value in self.values if value.shape == x.shape and value is not x]
        y = same[self.rng.integers(len(same))] if same else self.parameter(x.shape)
        self.add(f"{op} {x.name}, {y.name} : {t(x.shape)}", x.shape,
                 lambda env: BINARY[op](x.function(env), y.function(env)))

    def select(self):
        x = self.pick()
        y = self.parameter(x.shape)
        self.lines.append(f"%is{len(self.values)} = arith.cmpf olt, {x.name}, {y.name} : {t(x.shape)}")
        self.add(f"arith.select %is{len(self.values)}, {x.name}, {y.name} : {t(x.shape, 'i1')}, {t(x.shape)}", x.shape,
                 lambda env: jnp.where(x.function(env) < y.function(env), x.function(env), y.function(env)))

    def broadcast(self):
        x = self.pick()
        place, extent = int(self.rng.integers(len(x.shape) + 1)), self.extent()
        if np.prod(x.shape) * extent > MOST_ELEMENTS or len(x.shape) > 3:
            return
        shape = (*x.shape[:place], extent, *x.shape[place:])
        dims = [dim for dim in range(len(shape)) if dim != place]
        self.add(f"train.broadcast {x.name} dims = {dims} : {t(x.shape)} -> {t(shape)}", shape,
                 lambda env: jnp.broadcast_to(jnp.expand_dims(x.function(env), place), shape))

    def reduce(self):
        x, kind = self.pick(1), str(self.rng.choice(list(REDUCTIONS)))
        count = 1 if kind == "max" else int(self.rng.integers(1, len(x.shape) + 1))
        dims = sorted(map(int, self.rng.choice(len(x.shape), count, replace=False)))
        shape = [extent for dim, extent in enumerate(x.shape) if dim not in dims]
        if kind == "sum" and np.prod(x.shape) > 200 * np.prod(shape):
            kind = "mean"
        self.add(f"train.reduce {kind} {x.name} dims = {dims} : {t(x.shape)} -> {t(shape)}", shape,
                 lambda env: REDUCTIONS[kind](x.function(env), axis=tuple(dims)))

    def transpose(self):
        x = self.pick(2)
        order = [int(dim) for dim in self.rng.permutation(len(x.shape))]
        shape = [x.shape[dim] for dim in order]
        self.add(f"train.transpose {x.name} permutation = {order} : {t(x.shape)} -> {t(shape)}", shape,
                 lambda env: jnp.transpose(x.function(env), order))

    def reshape(self):
        x = self.pick(2)
        dim = int(self.rng.integers(len(x.shape) - 1))
        shape = (*x.shape[:dim], x.shape[dim] * x.shape[dim + 1], *x.shape[dim + 2:])
        groups = [[i] for i in range(dim)] + [[dim, dim + 1]] + [[i] for i in range(dim + 2, len(x.shape))]
        y = self.add(f"tensor.collapse_shape {x.name} {groups} : {t(x.shape)} into {t(shape)}", shape,
                     lambda env: x.function(env).reshape(shape))
        if self.rng.integers(2):  # And back.
            self.add(f"tensor.expand_shape {y.name} {groups} output_shape {list(x.shape)} : {t(shape)} into {t(x.shape)}",
                     x.shape, lambda env: y.function(env).reshape(x.shape))

    def concat(self):
        x = self.pick(1)
        dim = int(self.rng.integers(len(x.shape)))
        other = list(x.shape)
        other[dim] = self.extent()
        if np.prod(other) > MOST_ELEMENTS:
            return
        parts = [x, self.parameter(other)][:: int(self.rng.choice([-1, 1]))]
        shape = list(x.shape)
        shape[dim] += other[dim]
        self.add(f"tensor.concat dim({dim}) {', '.join(part.name for part in parts)} : "
                 f"({', '.join(t(part.shape) for part in parts)}) -> {t(shape)}", shape,
                 lambda env: jnp.concatenate([part.function(env) for part in parts], axis=dim))

    def slice(self):
        x = self.pick(1)
        sizes = [int(self.rng.integers(1, extent + 1)) for extent in x.shape]
        offsets = [int(self.rng.integers(extent - size + 1)) if self.rng.integers(2) else 0
                   for extent, size in zip(x.shape, sizes)]
        self.add(f"tensor.extract_slice {x.name}{offsets} {sizes} {[1] * len(sizes)} : {t(x.shape)} to {t(sizes)}", sizes,
                 lambda env: jax.lax.dynamic_slice(x.function(env), offsets, sizes))

    def pad(self):
        x = self.pick(1)
        low, high = ([int(n) for n in self.rng.integers(3, size=len(x.shape))] for _ in range(2))
        if self.rng.integers(2):
            low = [0] * len(low)
        shape = [a + extent + b for a, extent, b in zip(low, x.shape, high)]
        zero = f"%zero{len(self.values)}"
        self.lines.append(f"{zero} = arith.constant 0.0 : f32")
        indices = ", ".join(f"%i{dim}: index" for dim in range(len(shape)))
        self.add(f"tensor.pad {x.name} low{low} high{high} {{\n^bb0({indices}):\n  tensor.yield {zero} : f32\n}} : "
                 f"{t(x.shape)} to {t(shape)}", shape, lambda env: jnp.pad(x.function(env), list(zip(low, high))))

    def softmax(self):
        x = self.pick(1)
        op, function = [("softmax", jax.nn.softmax), ("log_softmax", jax.nn.log_softmax)][self.rng.integers(2)]
        self.add(f"train.{op} {x.name} : ({t(x.shape)}) -> {t(x.shape)}", x.shape, lambda env: function(x.function(env)))

    def layer_norm(self):
        x = self.pick(1)
        scale, bias = self.parameter(x.shape[-1:]), self.parameter(x.shape[-1:])

        def function(env):
            value = x.function(env)
            centred = value - value.mean(-1, keepdims=True)
            deviation = jnp.sqrt((centred**2).mean(-1, keepdims=True) + 0.1)
            return centred / deviation * scale.function(env) + bias.function(env)

        types = f"({t(x.shape)}, {t(scale.shape)}, {t(bias.shape)}) -> {t(x.shape)}"
        self.add(f"train.layer_norm {x.name}, {scale.name}, {bias.name} {{epsilon = 1.0e-1 : f64}} : {types}", x.shape,
                 function)

    def matmul(self):
        x = self.pick(2)
        is_left, is_right = (bool(flag) for flag in self.rng.integers(2, size=2))
        batch, (m, k) = x.shape[:-2], x.shape[:-3:-1] if is_left else x.shape[-2:]
        n = self.extent()
        if np.prod((*batch, m, n)) > MOST_ELEMENTS or np.prod((*batch, k, n)) > MOST_ELEMENTS:
            return
        w = self.parameter((*batch, *((n, k) if is_right else (k, n))), k**-0.5)
        flags = ", ".join(name for name, flag in (("transpose_lhs", is_left), ("transpose_rhs", is_right)) if flag)
        swap = lambda value, flag: jnp.swapaxes(value, -1, -2) if flag else value
        shape = (*batch, m, n)
        self.add(f"train.matmul {x.name}, {w.name} {{{flags}}} : ({t(x.shape)}, {t(w.shape)}) -> {t(shape)}", shape,
                 lambda env: swap(x.function(env), is_left) @ swap(w.function(env), is_right))

    def linear(self):
        x, n = self.pick(2), self.extent()
        k, shape = x.shape[-1], (*x.shape[:-1], n)
        if np.prod(shape) > MOST_ELEMENTS:
            return
        w, b = self.parameter((n, k), k**-0.5), self.parameter((n,))
        self.add(f"train.linear {x.name}, {w.name}, {b.name} : ({t(x.shape)}, {t(w.shape)}, {t(b.shape)}) -> {t(shape)}",
                 shape, lambda env: x.function(env) @ w.function(env).T + b.function(env))

    # ---- the whole ----

    def finish(self):
        """The mean distance of the last values from parameters, so that there is
        something to train."""
        total = None
        for value in self.values[-3:]:
            target = self.parameter(value.shape)
            types = f"({t(value.shape)}, {t(value.shape)}) -> tensor<f32>"
            loss = self.add(f"train.mse_loss {value.name}, {target.name} : {types}", (),
                            lambda env, v=value, y=target: jnp.mean((v.function(env) - y.function(env)) ** 2))
            total = loss if total is None else self.add(
                f"arith.addf {total.name}, {loss.name} : tensor<f32>", (),
                lambda env, a=total, b=loss: a.function(env) + b.function(env))
        return total

    def text(self):
        states = "".join(f"ml_program.global private mutable @{name}(#train.constant<0.0>) : {t(value.shape)} "
                         '{train.role = "parameter"}\n' for name, value in self.states.items())
        arguments = ", ".join(f'{x.name}: {t(x.shape)} {{train.name = "{x.name[1:]}"}}' for x in self.inputs)
        body = "\n".join(self.lines)
        return (f'{states}func.func @loss({arguments}) -> (tensor<f32> {{train.name = "loss"}}) {{\n{body}\n'
                f"return {self.loss.name} : tensor<f32>\n}}\n")

    def gradients(self):
        """(the loss, its gradients by parameter) in f64."""
        wide = lambda arrays: {name: jnp.asarray(array, jnp.float64) for name, array in arrays.items()}
        data = wide(self.data)
        loss, gradients = jax.value_and_grad(lambda states: self.loss.function({**data, **states}))(wide(self.states))
        return float(loss), {name: np.asarray(value) for name, value in gradients.items()}
