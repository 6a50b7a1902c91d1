#===- optimizers.py - Optimizers and their formulas
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Optimizers as MLIR spells them, with the formulas of their descriptions in
NumPy."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Optimizer:
    name: str
    attribute: str
    states: int
    options: dict = field(default_factory=dict)

    def start(self, parameter):
        return [np.zeros_like(parameter) for _ in range(self.states)]

    def step(self, p, g, lr, t, states):
        """(new parameter, new states) in f64."""
        o = {"momentum": 0.0, "weight_decay": 0.0, "nesterov": False,
             "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, **self.options}
        if self.name == "sgd":
            g = g + o["weight_decay"] * p
            if not states:
                return p - lr * g, []
            b = o["momentum"] * states[0] + g
            direction = g + o["momentum"] * b if o["nesterov"] else b
            return p - lr * direction, [b]
        if self.name == "adam":
            g = g + o["weight_decay"] * p
        else:
            p = p * (1 - lr * o["weight_decay"])
        m = o["beta1"] * states[0] + (1 - o["beta1"]) * g
        v = o["beta2"] * states[1] + (1 - o["beta2"]) * g * g
        deviation = np.sqrt(v) / np.sqrt(1 - o["beta2"] ** t) + o["epsilon"]
        return p - lr / (1 - o["beta1"] ** t) * m / deviation, [m, v]


def make(name, **options):
    """The optimizer `name` with snake_case options."""
    spelling = {"weight_decay": "weightDecay"}
    text = ", ".join(f"{spelling.get(key, key)} = "
                     f"{str(value).lower() if isinstance(value, bool) else format(value, '.17e')}"
                     for key, value in options.items())
    states = 2 if name != "sgd" else int(options.get("momentum", 0.0) != 0.0)
    return Optimizer(name, f"#train.{name}<{text}>", states, options)


ALL = [
    make("sgd"),
    make("sgd", weight_decay=0.1),
    make("sgd", momentum=0.9),
    make("sgd", momentum=0.8, weight_decay=0.01),
    make("sgd", momentum=0.9, nesterov=True),
    make("sgd", momentum=0.9, weight_decay=0.01, nesterov=True),
    make("adam"),
    make("adam", beta1=0.8, beta2=0.99, epsilon=1e-4, weight_decay=0.1),
    make("adamw"),
    make("adamw", beta1=0.85, beta2=0.95, epsilon=1e-6, weight_decay=0.1),
]


def rate(step, base, schedule="constant", final_lr=0.0, warmup_steps=0, total_steps=0):
    """The learning rate of a step; the first one is 1."""
    if step < warmup_steps:
        return base * step / warmup_steps
    if schedule == "constant":
        return base
    p = min(max((step - warmup_steps) / (total_steps - warmup_steps), 0.0), 1.0)
    if schedule == "linear":
        return base + (final_lr - base) * p
    return final_lr + (base - final_lr) * (1 + np.cos(np.pi * p)) / 2


def update_module(optimizer, shape, gradient_element="f32"):
    """@step(gradient, lr) updates @p, counts in @t, and returns the parameter."""
    kind = "tensor<" + "".join(f"{n}x" for n in shape) + "f32>"
    gradient = kind.replace("f32>", gradient_element + ">")
    names = ["p", *(f"s{i}" for i in range(optimizer.states))]
    states = ", ".join(f"%{name}" for name in names[1:])
    kinds = ", ".join([kind] * len(names))
    return "\n".join([
        *(f"ml_program.global private mutable @{name}(#train.constant<0.0>) : {kind}"
          for name in names),
        "ml_program.global private mutable @t(dense<0> : tensor<i32>) : tensor<i32>",
        f"func.func @step(%g: {gradient}, %lr: tensor<f32>) -> {kind} {{",
        *(f"  %{name} = ml_program.global_load @{name} : {kind}" for name in names),
        "  %old = ml_program.global_load @t : tensor<i32>",
        "  %one = arith.constant dense<1> : tensor<i32>",
        "  %t = arith.addi %old, %one : tensor<i32>",
        "  ml_program.global_store @t = %t : tensor<i32>",
        f"  %r{':' + str(len(names)) if states else ''} = train.update "
        f"{optimizer.attribute} %p, %g, %lr, %t "
        + (f"states({states}) " if states else "")
        + f": ({kind}, {gradient}, tensor<f32>, tensor<i32>"
        + f", {kind}" * optimizer.states + f") -> ({kinds})",
        *(f"  ml_program.global_store @{name} = %r{'#' + str(i) if states else ''} : {kind}"
          for i, name in enumerate(names)),
        f"  return %r{'#0' if states else ''} : {kind}", "}"])
