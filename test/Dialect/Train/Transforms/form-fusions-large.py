#===- form-fusions-large.py - Planning is linear and repeatable
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: compiler
"""Four times the layers take about four times as long, where a quadratic pass
would take sixteen; and the same graph gives the same text every time. A chain
of elementwise ops is no kernel without end, which LLVM would take too long for."""

import os
import resource
import subprocess

OPT = os.path.join(os.environ["VERNIER_BUILD"], "bin", "vernier-opt")


def step(layers):
    """Layers that share a scalar and a residual stream, each with its update."""
    kind, lines, results = "tensor<4x4xf32>", [], []
    value = "%x"
    for i in range(layers):
        lines += [
            f"%h{i} = train.matmul {value}, %w : ({kind}, {kind}) -> {kind}",
            f"%g{i} = train.gelu %h{i} : {kind}",
            f"%n{i} = train.softmax %g{i} : ({kind}) -> {kind}",
            f"%r{i} = arith.addf {value}, %n{i} : {kind}",
            f"%p{i}, %m{i}, %v{i} = train.update #train.adamw<> %r{i}, %g{i}, %lr, %t "
            f"states(%h{i}, %x) : ({kind}, {kind}, tensor<f32>, tensor<i32>, {kind}, "
            f"{kind}) -> ({kind}, {kind}, {kind})",
        ]
        value = f"%r{i}"
        results += [f"%p{i}", f"%m{i}", f"%v{i}"]
    kinds = ", ".join([kind] * len(results))
    return "\n".join([
        f"func.func @step(%x: {kind}, %w: {kind}, %lr: tensor<f32>, %t: tensor<i32>) "
        f"-> ({kinds}) {{", *lines, f"return {', '.join(results)} : {kinds}", "}"])


def fuse(text):
    """The fused text and the seconds of processor time that it took."""
    def used():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime
    before = used()
    result = subprocess.run([OPT, "--train-expand-composites", "--canonicalize", "--cse", "--train-prepare-fusions",
                             "--train-form-fusions", "--cse", "--mlir-disable-threading"],
                            input=text, capture_output=True, text=True, check=True)
    return result.stdout, used() - before


def chain(count):
    """Ops that read one another."""
    kind = "tensor<4x4xf32>"
    lines = [f"%v{i + 1} = math.{('exp', 'tanh')[i % 2]} %v{i} : {kind}" for i in range(count)]
    return "\n".join([f"func.func @f(%v0: {kind}) -> {kind} {{", *lines, f"return %v{count} : {kind}", "}"])


def main():
    text, _ = fuse(chain(1300))
    sizes = [part.count("math.") for part in text.split("train.fusion")[1:]]
    assert sum(sizes) == 1300 and max(sizes) == 512 // 8, sizes
    small, large = step(250), step(1000)
    text, small_time = fuse(small)
    again, _ = fuse(small)
    assert text == again, "two runs give two texts"
    _, large_time = fuse(large)
    print(f"{small_time:.2f} s, {large_time:.2f} s")
    assert large_time < 9 * small_time, "fusing is not linear"


if __name__ == "__main__":
    main()
