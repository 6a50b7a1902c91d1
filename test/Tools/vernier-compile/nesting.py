# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# RUN: %python %s %t %source/examples/digits/mlp.mlir
# REQUIRES: compiler
"""Parsers call themselves for each level of what they read. Texts that are nested so
deeply that their stack would overflow are refused before, by every reader."""

import os
import subprocess
import sys

FOLDER, MODEL = sys.argv[1:]
os.makedirs(FOLDER, exist_ok=True)
DEPTHS = (300, 4_000, 100_000)


def write(name, text):
    path = os.path.join(FOLDER, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def expect_refusal(what, *command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode in (1, 3), (what, done.returncode, done.stderr[:300])
    assert "nested more than 200 levels deep" in done.stderr, (what, done.stderr[:300])


def models(depth):
    """What MLIR nests: regions, attributes, types, locations, affine expressions."""
    yield "regions", "module {\n" * depth + "}\n" * depth
    yield "arrays", "module attributes {train.name = " + "[" * depth + "]" * depth + "} {}"
    yield "dictionaries", "module attributes {train.name = " + "{a = " * depth + "1" + "}" * depth + "} {}"
    yield "types", "func.func private @f(" + "tuple<" * depth + ">" * depth + ")"
    yield "functions", "func.func private @f(" + "(" * depth + ")" * depth + ")"
    yield "results", "func.func private @f(" + "() -> (" * depth + ")" * depth + ")"
    yield "locations", "module {} loc(" + "fused[" * depth + "]" * depth + ")"
    yield "calls", "module {} loc(" + 'callsite("a" at ' * depth + '"a"' + ")" * depth + ")"
    yield "brackets", "module attributes {train.name = affine_map<(d0) -> (" + "(" * depth + "d0" + ")" * depth + ")>} {}"
    yield "signs", "module attributes {train.name = affine_map<(d0) -> (" + "-" * depth + "d0)>} {}"
    yield "elements", "module attributes {train.name = dense<" + "[" * depth + "1" + "]" * depth + "> : tensor<1xi32>} {}"


for depth in DEPTHS:
    for what, text in models(depth):
        path = write("deep.mlir", text)
        expect_refusal((what, depth), "vernier-compile", path, "-o", os.devnull)
        expect_refusal((what, depth), "vernier-evaluate", path)
    deep = "[" * depth + "]" * depth
    for name, text in (("array.json", '{"schema": ' + deep + "}"), ("object.json", '{"a": ' * depth + "1" + "}" * depth)):
        path = write(name, text)
        expect_refusal((name, depth), "vernier-compile", "--diff", path, path)
        expect_refusal((name, depth), "vernier-compile", MODEL, "-o", os.devnull, "--policy=auto", f"--profile={path}")
    for name, text in (("flow.yaml", f"name: {deep}\n"), ("block.yaml", "name:\n" + "- " * depth + "a\n"),
                       ("map.yaml", "".join(" " * i + "a:\n" for i in range(min(depth, 2_000))))):
        expect_refusal((name, depth), "vernier-compile", MODEL, "-o", os.devnull, f"--policy={write(name, text)}")

# Names that stand for names are read one after the other, but walked over at once.
chain = "".join(f"#a{i + 1} = [#a{i}]\n" for i in range(100_000))
done = subprocess.run(["vernier-compile", write("names.mlir", "#a0 = 1\n" + chain + "module attributes {train.name = #a100000} {}"),
                       "-o", os.devnull], capture_output=True, text=True)
assert done.returncode == 3 and "nested more than" in done.stderr, done.stderr[:300]
