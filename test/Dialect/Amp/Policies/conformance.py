#===- conformance.py - The presets against the lists they are named after
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s | FileCheck %s
# REQUIRES: compiler
"""Every op of the reference lists (Inputs/reference-ops.txt): what we have gets the
class that its list means, what we lack is counted. The class is read from the decision
on an op that is compiled with the preset."""

# CHECK: keras-mixed-bfloat16: {{[0-9]+}} ops, {{[1-9][0-9]*}} conform, {{[0-9]+}} lacking
# CHECK: keras-mixed-float16: {{[0-9]+}} ops, {{[1-9][0-9]*}} conform, {{[0-9]+}} lacking
# CHECK: tf-bf16: {{[0-9]+}} ops, {{[1-9][0-9]*}} conform, {{[0-9]+}} lacking
# CHECK: tf-fp16: {{[0-9]+}} ops, {{[1-9][0-9]*}} conform, {{[0-9]+}} lacking
# CHECK: torch-cpu: {{[0-9]+}} ops, {{[1-9][0-9]*}} conform, {{[0-9]+}} lacking
# CHECK: torch-cuda: {{[0-9]+}} ops, {{[1-9][0-9]*}} conform, {{[0-9]+}} lacking

import os
import re
import subprocess

MATRIX, SQUARE, ROW, WEIGHTS, SCALAR = "tensor<4x8xf32>", "tensor<8x8xf32>", "tensor<4xf32>", "tensor<8xf32>", "tensor<f32>"
IMAGE, SMALL, KERNEL = "tensor<2x4x4x8xf32>", "tensor<2x2x2x8xf32>", "tensor<8x3x3x8xf32>"
WINDOW, SAME = "window = [2, 2] strides = [2, 2]", "padding = [1, 1, 1, 1]"
# How to write an op that is not elementwise on one or two operands.
SPECIAL = {
    "train.matmul": f"train.matmul %x, %w : ({MATRIX}, {SQUARE}) -> {MATRIX}",
    "train.linear": f"train.linear %x, %w : ({MATRIX}, {SQUARE}) -> {MATRIX}",
    "train.softmax": f"train.softmax %x : ({MATRIX}) -> {MATRIX}",
    "train.log_softmax": f"train.log_softmax %x : ({MATRIX}) -> {MATRIX}",
    "train.layer_norm": f"train.layer_norm %x, %g, %g : ({MATRIX}, {WEIGHTS}, {WEIGHTS}) -> {MATRIX}",
    "train.rms_norm": f"train.rms_norm %x, %g : ({MATRIX}, {WEIGHTS}) -> {MATRIX}",
    "train.gelu": f"train.gelu %x : {MATRIX}",
    "train.reduce[sum]": f"train.reduce sum %x dims = [1] : {MATRIX} -> {ROW}",
    "train.reduce[mean]": f"train.reduce mean %x dims = [1] : {MATRIX} -> {ROW}",
    "train.reduce[max]": f"train.reduce max %x dims = [1] : {MATRIX} -> {ROW}",
    "train.broadcast": f"train.broadcast %r dims = [0] : {ROW} -> {MATRIX}",
    "train.transpose": f"train.transpose %x permutation = [1, 0] : {MATRIX} -> tensor<8x4xf32>",
    "train.cross_entropy": f"train.cross_entropy %x, %i : ({MATRIX}, tensor<4xi32>) -> {SCALAR}",
    "train.mse_loss": f"train.mse_loss %x, %y : ({MATRIX}, {MATRIX}) -> {SCALAR}",
    "train.bce_with_logits_loss": f"train.bce_with_logits_loss %x, %y : ({MATRIX}, {MATRIX}) -> {SCALAR}",
    "train.conv2d": f"train.conv2d %p, %k {SAME} : ({IMAGE}, {KERNEL}) -> {IMAGE}",
    "train.conv2d_input_gradient": f"train.conv2d_input_gradient %p, %k {SAME} : ({IMAGE}, {KERNEL}) -> {IMAGE}",
    "train.conv2d_weight_gradient": f"train.conv2d_weight_gradient %p, %p {SAME} : ({IMAGE}, {IMAGE}) -> {KERNEL}",
    "train.pool2d[max]": f"train.pool2d max %p {WINDOW} : {IMAGE} -> {SMALL}",
    "train.pool2d[average]": f"train.pool2d average %p {WINDOW} : {IMAGE} -> {SMALL}",
    "train.pool2d_gradient[max]": f"train.pool2d_gradient max %q, %p {WINDOW} : ({SMALL}, {IMAGE}) -> {IMAGE}",
    "train.pool2d_gradient[average]": f"train.pool2d_gradient average %q {WINDOW} : ({SMALL}) -> {IMAGE}",
    "train.group_norm": f"train.group_norm %p, %g, %g {{groups = 2 : i64}} : ({IMAGE}, {WEIGHTS}, {WEIGHTS}) -> {IMAGE}",
    "train.dropout": f"train.dropout %x step %n {{rate = 0.5 : f64, seed = 1 : i32}} : ({MATRIX}, tensor<i32>) -> {MATRIX}",
    "train.gather": f"train.gather %x, %i : ({MATRIX}, tensor<4xi32>) -> {MATRIX}",
    "train.scatter_add": f"train.scatter_add %x, %i : ({MATRIX}, tensor<4xi32>) -> {MATRIX}",
    "train.argmax": f"train.argmax %x : {MATRIX} -> tensor<4xi32>",
    "tensor.concat": f"tensor.concat dim(0) %x, %y : ({MATRIX}, {MATRIX}) -> {SQUARE}",
    "tensor.extract_slice": f"tensor.extract_slice %x[0, 4] [4, 2] [1, 1] : {MATRIX} to tensor<4x2xf32>",
    "arith.cmpf": f"arith.cmpf olt, %x, %y : {MATRIX}",
    "arith.select": f"arith.select %c, %x, %y : tensor<4x8xi1>, {MATRIX}",
    "math.clampf": f"math.clampf %x to [%y, %y] : {MATRIX}",
    "tensor.collapse_shape": f"tensor.collapse_shape %x [[0, 1]] : {MATRIX} into tensor<32xf32>",
    "tensor.expand_shape": f"tensor.expand_shape %x [[0], [1, 2]] output_shape [4, 2, 4] : {MATRIX} into tensor<4x2x4xf32>",
}
# Several lines, or several results.
SPECIAL["tensor.pad"] = ("%z = arith.constant 0.0 : f32\n  %0 = tensor.pad %x low[0, 0] high[4, 0] {\n  ^bb0(%a: index, %b: index):\n"
                         f"    tensor.yield %z : f32\n  }} : {MATRIX} to {SQUARE}")
SPECIAL["train.batch_norm"] = (f"%0, %1, %2 = train.batch_norm %p, %g, %g, %g, %g : ({IMAGE}, {', '.join([WEIGHTS] * 4)}) -> "
                               f"({IMAGE}, {WEIGHTS}, {WEIGHTS})")
BINARY = {"arith.addf", "arith.subf", "arith.mulf", "arith.divf", "arith.maximumf", "arith.minimumf", "math.powf", "math.atan2"}
ARGUMENTS = f"%x: {MATRIX}, %y: {MATRIX}, %w: {SQUARE}, %r: {ROW}, %g: {WEIGHTS}, %i: tensor<4xi32>, %c: tensor<4x8xi1>, %n: tensor<i32>, %p: {IMAGE}, %q: {SMALL}, %k: {KERNEL}"

# The classes that a list may mean: an op that computes in f32 whatever it reads is
# full-inside where another would follow or be widened with its operands.
CLASSES = {
    "lower_precision_fp": {"low"}, "fp32": {"full"}, "fp32_set_opt_dtype": {"full"}, "fp32_append_dtype": {"full"},
    "promote": {"widest"}, "unlisted": {"follow"},
    "allow": {"low"}, "infer": {"widest"}, "deny": {"full"}, "clear": {"follow"},
    "layer": {"low"}, "loss": {"full"},
}
FULL_INSIDE_LISTS = {"unlisted", "infer", "clear"}
COMPUTES_IN_F32 = {"train.softmax", "train.log_softmax", "train.layer_norm", "train.rms_norm", "train.reduce",
                   "train.batch_norm", "train.group_norm", "train.dropout", "train.scatter_add"}


def write(op):
    if op in SPECIAL:
        return SPECIAL[op] if SPECIAL[op].startswith("%") else "%0 = " + SPECIAL[op]
    operands = "%x, %y" if op in BINARY else "%x"
    # Predicates have the type of their operand as well.
    return f"%0 = {op} {operands} : {MATRIX}"


def decide(preset, ops):
    """{op: class} by the preset."""
    text = "\n".join(f"func.func @f{number}({ARGUMENTS}) {{\n  {write(op)}\n  return\n}}" for number, op in enumerate(ops))
    done = subprocess.run(["vernier-opt", "-", f"--amp-autocast=policy={preset} strategy=lists"], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    classes = re.findall(r'rule = "[^"]*: ([\w-]+)"', done.stdout)
    assert len(classes) == len(ops), done.stdout
    return dict(zip(ops, classes))


def expected(kind, op):
    if kind in FULL_INSIDE_LISTS and op.split("[")[0] in COMPUTES_IN_F32:
        return {"full-inside"}
    return CLASSES[kind]


def main():
    with open(os.path.join(os.path.dirname(__file__), "Inputs", "reference-ops.txt")) as file:
        rows = [line.split() for line in file if not line.startswith("#")]
    for preset in sorted({row[0] for row in rows}):
        mine = [row[1:] for row in rows if row[0] == preset]
        ours = sorted({op for _, _, op in mine} - {"lacking"})
        classes = decide(preset, ours)
        conform = 0
        for kind, theirs, op in mine:
            if op != "lacking":
                assert classes[op] in expected(kind, op), \
                    f"{preset}: {theirs} is {kind}, but {op} has the class {classes[op]}"
                conform += 1
        print(f"{preset}: {len(mine)} ops, {conform} conform, {len(mine) - conform} lacking")


if __name__ == "__main__":
    main()
