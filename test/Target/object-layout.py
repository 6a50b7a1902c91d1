#===- object-layout.py - Objects whose code begins anywhere in a page
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: rm -rf %t && mkdir -p %t && cd %t && %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""Where the constants of a kernel object end just before a page does, the alignment of the
code carries it into the next page. The runtime accepts and runs what the linker then lays
out. Each constant that a kernel broadcasts makes its object four bytes longer, so models
with more and more of them have code at every place around a page's end."""

import struct
import subprocess

import numpy as np

from Numerics.Inputs import runtime

PAGE, KERNELS = 4096, 30


def model(constants):
    """Some kernels that do not fuse, and one of `constants` distinct constants."""
    shapes = [f"tensor<{8 * (i + 2)}xf32>" for i in range(KERNELS)]
    arguments = ", ".join(["%x: tensor<8xf32>", *(f"%x{i}: {shape}" for i, shape in enumerate(shapes))])
    lines, last = [], "%x"
    for i, shape in enumerate(shapes):
        lines.append(f"  %y{i} = math.absf %x{i} : {shape}")
    for i in range(constants):
        lines += [f"  %c{i} = arith.constant dense<{i + 1.0}> : tensor<8xf32>",
                  f"  %s{i} = arith.subf %c{i}, {last} : tensor<8xf32>"]
        last = f"%s{i}"
    results = ", ".join(["tensor<8xf32>", *shapes])
    values = ", ".join([last, *(f"%y{i}" for i in range(KERNELS))])
    return (f"func.func @predict({arguments}) -> ({results}) {{\n" + "\n".join(lines) +
            f"\n  return {values} : {results}\n}}\n")


def segments(plan):
    """(offset, address, bytes) of the constants and of the code of a plan's object."""
    data = open(plan, "rb").read()
    start = data.index(b"\x7fELF")
    headers = start + struct.unpack_from("<Q", data, start + 32)[0]
    count = struct.unpack_from("<H", data, start + 56)[0]
    loads = []
    for i in range(count):
        kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", data, headers + 56 * i)
        if kind == 1:
            loads.append((offset, address, size))
    return loads[:2]


def check(constants):
    """How many bytes of the page are left behind the constants; whether the code went to the next."""
    open("model.mlir", "w").write(model(constants))
    subprocess.run(["vernier-compile", "model.mlir", "--policy=f32", "--target=cpu:x86-64-v3", "-o", "m.vplan"], check=True)
    (_, _, size), (offset, _, _) = segments("m.vplan")
    x = np.arange(8, dtype="f4")
    rest = [np.full(8 * (i + 2), -i, "f4") for i in range(KERNELS)]
    session = runtime.Session("m.vplan")
    outputs = session.run("predict", {f"arg{i}": value for i, value in enumerate([x, *rest])})
    session.close()
    for i in range(constants):
        x = np.float32(i + 1) - x
    for got, want in zip(outputs.values(), [x, *map(np.abs, rest)], strict=True):
        np.testing.assert_array_equal(got, want)
    return -size % PAGE, offset // PAGE != size // PAGE


def main():
    left, _ = check(1)
    first = 1 + max(0, left // 4 - 8)
    seen = [check(constants) for constants in range(first, first + 16)]
    assert {True, False} == {crossed for _, crossed in seen}, seen


main()
