#===- formulas.py - Formulas as MLIR text and as JAX
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""One formula, written once, as the text of a model and as a JAX function. The
namespace `o` that a formula gets has the primitives; values have + - * / and unary
minus, between equal shapes or with a number."""

import jax
import jax.numpy as jnp


def kind(shape, element="f32"):
    return "tensor<" + "".join(f"{n}x" for n in shape) + element + ">"


class Value:
    """An SSA value of a Text."""

    def __init__(self, text, name, shape):
        self.text, self.name, self.shape = text, name, tuple(shape)

    def __add__(self, other):
        return self.text.binary("arith.addf", self, other)

    def __sub__(self, other):
        return self.text.binary("arith.subf", self, other)

    def __mul__(self, other):
        return self.text.binary("arith.mulf", self, other)

    def __truediv__(self, other):
        return self.text.binary("arith.divf", self, other)

    def __radd__(self, other):
        return self.text.binary("arith.addf", other, self)

    def __rsub__(self, other):
        return self.text.binary("arith.subf", other, self)

    def __rmul__(self, other):
        return self.text.binary("arith.mulf", other, self)

    def __rtruediv__(self, other):
        return self.text.binary("arith.divf", other, self)

    def __neg__(self):
        return self.text.op("arith.negf", [self], self.shape)


class Text:
    """The primitives as lines of MLIR."""

    def __init__(self):
        self.lines = []

    def line(self, text, shape):
        name = f"%{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        return Value(self, name, shape)

    def op(self, name, operands, shape):
        return self.line(f"{name} {', '.join(v.name for v in operands)} : {kind(shape)}", shape)

    def constant(self, number, shape):
        return self.line(f"arith.constant dense<{number:.9e}> : {kind(shape)}", shape)

    def binary(self, name, x, y):
        if not isinstance(x, Value):
            x = self.constant(x, y.shape)
        if not isinstance(y, Value):
            y = self.constant(y, x.shape)
        assert x.shape == y.shape, (name, x.shape, y.shape)
        return self.op(name, [x, y], x.shape)

    def maximum(self, x, y):
        return self.binary("arith.maximumf", x, y)

    def minimum(self, x, y):
        return self.binary("arith.minimumf", x, y)

    def power(self, x, y):
        return self.binary("math.powf", x, y)

    def sigmoid(self, x):
        return 1.0 / (1.0 + self.exp(-x))

    def reduce(self, how, x, dims):
        shape = [n for i, n in enumerate(x.shape) if i not in dims]
        return self.line(f"train.reduce {how} {x.name} dims = {list(dims)} : {kind(x.shape)} -> {kind(shape)}", shape)

    def spread(self, x, dims, shape):
        """`x`, whose dims are `dims` of `shape`, repeated along the others."""
        return self.line(f"train.broadcast {x.name} dims = {list(dims)} : {kind(x.shape)} -> {kind(shape)}", shape)

    def reshape(self, x, shape):
        """Split the last dim in two, or merge the last two."""
        if len(shape) > len(x.shape):
            groups = [[i] for i in range(len(x.shape) - 1)] + [[len(x.shape) - 1, len(x.shape)]]
            return self.line(f"tensor.expand_shape {x.name} {groups} output_shape {list(shape)} : "
                             f"{kind(x.shape)} into {kind(shape)}", shape)
        groups = [[i] for i in range(len(shape) - 1)] + [[len(shape) - 1, len(shape)]]
        return self.line(f"tensor.collapse_shape {x.name} {groups} : {kind(x.shape)} into {kind(shape)}", shape)

    def slice(self, x, first, width):
        """Columns `first` .. `first` + `width`."""
        shape = (x.shape[0], width)
        return self.line(f"tensor.extract_slice {x.name}[0, {first}] [{shape[0]}, {width}] [1, 1] : "
                         f"{kind(x.shape)} to {kind(shape)}", shape)

    def transpose(self, x):
        shape = x.shape[::-1]
        return self.line(f"train.transpose {x.name} permutation = [1, 0] : {kind(x.shape)} -> {kind(shape)}", shape)

    def matmul(self, x, y):
        shape = (x.shape[0], y.shape[1])
        return self.line(f"train.matmul {x.name}, {y.name} : ({kind(x.shape)}, {kind(y.shape)}) -> {kind(shape)}", shape)

    def __getattr__(self, name):
        """exp, log, log1p, sqrt, rsqrt, tanh, absf, cbrt: one operand."""
        return lambda x: self.op(f"math.{name}", [x], x.shape)


class Jax:
    """The same in JAX."""
    maximum, minimum = staticmethod(jnp.maximum), staticmethod(jnp.minimum)
    power, exp, log, log1p = (staticmethod(f) for f in (jnp.power, jnp.exp, jnp.log, jnp.log1p))
    sqrt, tanh, absf, cbrt = (staticmethod(f) for f in (jnp.sqrt, jnp.tanh, jnp.abs, jnp.cbrt))

    # As it is meant: written out, its exponential overflows.
    sigmoid = staticmethod(jax.nn.sigmoid)

    @staticmethod
    def rsqrt(x):
        return 1 / jnp.sqrt(x)

    @staticmethod
    def reduce(how, x, dims):
        return getattr(jnp, how)(x, axis=tuple(dims))

    @staticmethod
    def spread(x, dims, shape):
        return jnp.broadcast_to(jnp.expand_dims(x, [i for i in range(len(shape)) if i not in dims]), shape)

    @staticmethod
    def reshape(x, shape):
        return x.reshape(shape)

    @staticmethod
    def slice(x, first, width):
        return x[:, first:first + width]

    @staticmethod
    def transpose(x):
        return x.T

    @staticmethod
    def matmul(x, y):
        return x @ y
