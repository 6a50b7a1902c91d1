# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# RUN: %python %s %t
# REQUIRES: compiler
"""Functions that call the next one twice double at each step. How many ops come of it is
known before they are made: a model is compiled or refused, in seconds."""

import os
import subprocess
import sys
import time

FOLDER = sys.argv[1]
os.makedirs(FOLDER, exist_ok=True)
T = "tensor<4x8xf32>"


def compile_chain(functions, calls):
    """(exit code, messages, seconds) of @predict that calls @f0, which calls @f1, ..."""
    lines = []
    for i in range(functions):
        lines.append(f"func.func private @f{i}(%x0: {T}) -> {T} {{")
        count = calls if i + 1 < functions else 1
        for j in range(count):
            op = f"func.call @f{i + 1}(%x{j}) : ({T}) -> {T}" if i + 1 < functions else f"math.tanh %x{j} : {T}"
            lines.append(f"  %x{j + 1} = {op}")
        lines.append(f"  return %x{count} : {T}\n}}")
    lines.append(f"func.func @predict(%x: {T}) -> {T} {{\n  %y = func.call @f0(%x) : ({T}) -> {T}\n  return %y : {T}\n}}")
    model = os.path.join(FOLDER, f"chain{functions}.mlir")
    with open(model, "w") as file:
        file.write("\n".join(lines))
    begin = time.monotonic()
    done = subprocess.run(["vernier-compile", model, "--policy=f32", "--emit=train"], capture_output=True, text=True)
    return done.returncode, done.stderr, time.monotonic() - begin


code, messages, seconds = compile_chain(8, 2)
assert code == 0, messages
code, messages, seconds = compile_chain(40, 2)
assert code == 3, (code, messages)
# 2^39 ops are in the last function, and each call but the last adds two lines of its own.
assert "has 65" not in messages and " ops when its calls are inlined, of " in messages, messages
assert "let fewer functions call another one more than once" in messages, messages
assert seconds < 5, seconds
# More than 64 bits count.
code, messages, seconds = compile_chain(200, 2)
assert code == 3 and "18446744073709551615 ops" in messages, messages
# A long chain is no recursion: it doubles nothing.
code, messages, seconds = compile_chain(3000, 1)
assert code == 0, messages
