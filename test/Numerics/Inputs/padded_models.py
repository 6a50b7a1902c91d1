#===- padded_models.py - Models whose extents need padding
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""A hidden layer of 700 and an output layer of 50257 classes, with activations, norms
and losses between contractions, a tied embedding, and attention of 13 tokens."""


class Model:
    """@loss line by line."""

    def __init__(self, *arguments):
        self.arguments, self.globals, self.lines = arguments, [], []

    def parameter(self, name, kind):
        self.globals.append(f"  ml_program.global private mutable @{name}(#train.normal<0.0, 0.5>)"
                            f' : {kind} {{train.role = "parameter"}}')
        self.lines.append(f"%{name} = ml_program.global_load @{name} : {kind}")

    def __iadd__(self, line):
        self.lines.append(line)
        return self

    def text(self):
        arguments = ", ".join(f'%{name}: {kind} {{train.name = "{name}"}}'
                              for name, kind in self.arguments)
        return "\n".join(["module {", *self.globals,
                          f'  func.func @loss({arguments}) -> (tensor<f32> {{train.name = "loss"}}) {{',
                          *("    " + line for line in self.lines),
                          "    return %loss : tensor<f32>", "  }", "}", ""])


def perceptron(between):
    """13 -> 700 -> `between` -> 700 -> 10."""
    model = Model(("x", "tensor<6x13xf32>"), ("t", "tensor<6xi32>"))
    for name, kind in (("w1", "tensor<700x13xf32>"), ("b1", "tensor<700xf32>"),
                       ("w2", "tensor<700x700xf32>"), ("b2", "tensor<700xf32>"),
                       ("w3", "tensor<10x700xf32>"), ("g", "tensor<700xf32>"),
                       ("s", "tensor<700xf32>")):
        model.parameter(name, kind)
    row = "tensor<6x700xf32>"
    model += f"%h1 = train.linear %x, %w1, %b1 : (tensor<6x13xf32>, tensor<700x13xf32>, tensor<700xf32>) -> {row}"
    model += {"relu": f"%a1 = train.relu %h1 : {row}",
              "gelu": f"%a1 = train.gelu %h1 : {row}",
              "silu": f"%a1 = train.silu %h1 : {row}",
              "softmax": f"%a1 = train.softmax %h1 : ({row}) -> {row}",
              "layer_norm": f"%a1 = train.layer_norm %h1, %g, %s : ({row}, tensor<700xf32>, tensor<700xf32>) -> {row}",
              "nothing": f"%a1 = arith.negf %h1 : {row}"}[between]
    model += f"%h2 = train.linear %a1, %w2, %b2 : ({row}, tensor<700x700xf32>, tensor<700xf32>) -> {row}"
    model += f"%r2 = arith.addf %a1, %h2 : {row}"
    model += f"%y = train.linear %r2, %w3 : ({row}, tensor<10x700xf32>) -> tensor<6x10xf32>"
    model += "%loss = train.cross_entropy %y, %t : (tensor<6x10xf32>, tensor<6xi32>) -> tensor<f32>"
    return model


def language_model(tied):
    """Embedding, norm, output layer of 50257 classes."""
    model = Model(("x", "tensor<5xi32>"), ("t", "tensor<5xi32>"))
    model.parameter("e", "tensor<50257x12xf32>")
    if not tied:
        model.parameter("w", "tensor<50257x12xf32>")
    model.parameter("g", "tensor<12xf32>")
    model += "%h = train.gather %e, %x : (tensor<50257x12xf32>, tensor<5xi32>) -> tensor<5x12xf32>"
    model += "%n = train.rms_norm %h, %g : (tensor<5x12xf32>, tensor<12xf32>) -> tensor<5x12xf32>"
    model += f"%y = train.linear %n, %{'e' if tied else 'w'} : (tensor<5x12xf32>, tensor<50257x12xf32>) -> tensor<5x50257xf32>"
    model += "%loss = train.cross_entropy %y, %t : (tensor<5x50257xf32>, tensor<5xi32>) -> tensor<f32>"
    return model


def attention():
    """13 tokens of width 20, causality aside."""
    model = Model(("x", "tensor<2x13x20xf32>"), ("t", "tensor<2x13x20xf32>"))
    row, square = "tensor<2x13x20xf32>", "tensor<20x20xf32>"
    for name in ("q", "k", "v"):
        model.parameter("w" + name, square)
        model += f"%{name} = train.linear %x, %w{name} : ({row}, {square}) -> {row}"
    model += f"%s = train.matmul %q, %k {{transpose_rhs}} : ({row}, {row}) -> tensor<2x13x13xf32>"
    model += "%p = train.softmax %s : (tensor<2x13x13xf32>) -> tensor<2x13x13xf32>"
    model += f"%o = train.matmul %p, %v : (tensor<2x13x13xf32>, {row}) -> {row}"
    model += f"%loss = train.mse_loss %o, %t : ({row}, {row}) -> tensor<f32>"
    return model


PERCEPTRONS = {between: perceptron(between)
               for between in ("nothing", "relu", "gelu", "silu", "softmax", "layer_norm")}


def convolutions():
    """3 -> 10 -> 9 channels."""
    model = Model(("x", "tensor<2x6x6x3xf32>"), ("t", "tensor<2x4x4x9xf32>"))
    model.parameter("k", "tensor<10x3x3x3xf32>")
    model.parameter("l", "tensor<9x3x3x10xf32>")
    model += "%h = train.conv2d %x, %k padding = [1, 1, 1, 1] : (tensor<2x6x6x3xf32>, tensor<10x3x3x3xf32>) -> tensor<2x6x6x10xf32>"
    model += "%r = train.relu %h : tensor<2x6x6x10xf32>"
    model += "%y = train.conv2d %r, %l : (tensor<2x6x6x10xf32>, tensor<9x3x3x10xf32>) -> tensor<2x4x4x9xf32>"
    model += "%loss = train.mse_loss %y, %t : (tensor<2x4x4x9xf32>, tensor<2x4x4x9xf32>) -> tensor<f32>"
    return model


MODELS = PERCEPTRONS | {"tied": language_model(True), "untied": language_model(False), "attention": attention(),
                        "convolutions": convolutions()}
