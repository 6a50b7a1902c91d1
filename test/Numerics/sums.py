#===- sums.py - Long sums keep their digits
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# RUN: %python %s
# REQUIRES: numpy, ml_dtypes, compiler
"""Sums over a thousand to four million elements on the CPU: rows, columns, whole
tensors, means, bias gradients and the statistics of a batch, against math.fsum. All
terms have one sign, and one set has one value, so that the roundings of a plain sum
have one direction: 4,000,000 such terms are 2e-4 off in order, 2e-7 in a tree. The
bits do not depend on the number of threads."""

import math
import os
import subprocess
import sys
import tempfile

import numpy as np

from Numerics.Inputs import runtime, vernier

# In units of 2^-24, of the result: what a tree of fan-in 16 leaves of such terms.
BOUND = 16 * 2.0 ** -24
COUNTS = [1000, 100_000, 4_000_000]

MODULE = """
ml_program.global private mutable @w(#train.constant<0.5>) : tensor<8x1xf32> {{train.role = "parameter"}}
ml_program.global private mutable @b(#train.constant<0.0>) : tensor<8xf32> {{train.role = "parameter"}}
ml_program.global private mutable @s(#train.constant<1.0>) : tensor<1xf32> {{train.role = "parameter"}}
ml_program.global private mutable @t(#train.constant<0.0>) : tensor<1xf32> {{train.role = "parameter"}}
ml_program.global private mutable @mean(#train.constant<0.0>) : tensor<1xf32> {{train.role = "statistic"}}
ml_program.global private mutable @var(#train.constant<1.0>) : tensor<1xf32> {{train.role = "statistic"}}
func.func @loss(%x: tensor<{n}xf32> {{train.name = "x"}}) -> (
    tensor<f32> {{train.name = "loss"}}, tensor<1xf32> {{train.name = "row"}},
    tensor<1xf32> {{train.name = "column"}}, tensor<f32> {{train.name = "whole"}},
    tensor<f32> {{train.name = "mean"}}, tensor<f32> {{train.name = "squares"}}) {{
  %row_in = tensor.expand_shape %x [[0, 1]] output_shape [1, {n}] : tensor<{n}xf32> into tensor<1x{n}xf32>
  %row = train.reduce sum %row_in dims = [1] : tensor<1x{n}xf32> -> tensor<1xf32>
  %col_in = tensor.expand_shape %x [[0, 1]] output_shape [{n}, 1] : tensor<{n}xf32> into tensor<{n}x1xf32>
  %column = train.reduce sum %col_in dims = [0] : tensor<{n}x1xf32> -> tensor<1xf32>
  %all_in = tensor.expand_shape %x [[0, 1]] output_shape [{m}, 10] : tensor<{n}xf32> into tensor<{m}x10xf32>
  %whole = train.reduce sum %all_in dims = [0, 1] : tensor<{m}x10xf32> -> tensor<f32>
  %mean = train.reduce mean %x dims = [0] : tensor<{n}xf32> -> tensor<f32>
  %square = arith.mulf %x, %x : tensor<{n}xf32>
  %squares = train.reduce sum %square dims = [0] : tensor<{n}xf32> -> tensor<f32>
  // The gradient of @b in each of 8 columns is the sum of x.
  %w = ml_program.global_load @w : tensor<8x1xf32>
  %b = ml_program.global_load @b : tensor<8xf32>
  %y = train.linear %col_in, %w, %b : (tensor<{n}x1xf32>, tensor<8x1xf32>, tensor<8xf32>) -> tensor<{n}x8xf32>
  %xs = train.broadcast %x dims = [0] : tensor<{n}xf32> -> tensor<{n}x8xf32>
  %p = arith.mulf %y, %xs : tensor<{n}x8xf32>
  %l = train.reduce sum %p dims = [0, 1] : tensor<{n}x8xf32> -> tensor<f32>
  %s = ml_program.global_load @s : tensor<1xf32>
  %t = ml_program.global_load @t : tensor<1xf32>
  %old_mean = ml_program.global_load @mean : tensor<1xf32>
  %old_var = ml_program.global_load @var : tensor<1xf32>
  %n, %new_mean, %new_var = train.batch_norm %col_in, %s, %t, %old_mean, %old_var {{momentum = 1.0 : f64}} : (tensor<{n}x1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> (tensor<{n}x1xf32>, tensor<1xf32>, tensor<1xf32>)
  ml_program.global_store @mean = %new_mean : tensor<1xf32>
  ml_program.global_store @var = %new_var : tensor<1xf32>
  %k = train.reduce sum %n dims = [0, 1] : tensor<{n}x1xf32> -> tensor<f32>
  %loss = arith.addf %l, %k : tensor<f32>
  return %loss, %row, %column, %whole, %mean, %squares : tensor<f32>, tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<f32>, tensor<f32>
}}
"""


def draw(count):
    rng = np.random.default_rng(1)
    return {"one value": np.full(count, 0.1, np.float32),
            "uniform": rng.random(count, np.float32)}


def measure(plan, count):
    """What each sum is for each set of terms."""
    session, found = runtime.Session(plan), {}
    for name, x in draw(count).items():
        outputs = session.run("step", {"x": x})
        states = session.get_states()
        sums = {key: np.ravel(outputs[key])[0]
                for key in ("row", "column", "whole", "mean", "squares")}
        sums["bias gradient"] = states["b.momentum"][3]
        sums["batch mean"], sums["batch variance"] = states["mean"][0], states["var"][0]
        found[name] = {key: float(value) for key, value in sums.items()}
        # The next set starts with fresh gradients: momentum 0 of what was.
        session.set_states({"b.momentum": np.zeros(8, np.float32)})
    session.close()
    return found


def expect(x):
    terms = x.astype(np.float64)
    total = math.fsum(terms)
    mean = total / len(x)
    # The square of an f32 is rounded before it is summed.
    squares = math.fsum((x * x).astype(np.float64))
    variance = math.fsum((terms - mean) ** 2) / (len(x) - 1)
    return {"row": total, "column": total, "whole": total, "mean": mean, "squares": squares,
            "bias gradient": total, "batch mean": mean, "batch variance": variance}


def compare(target, count, found):
    failures = []
    for name, x in draw(count).items():
        for key, want in expect(x).items():
            got = found[name][key]
            # One value has no variance but the rounding of its mean.
            scale = max(abs(want), 1e-3) if key == "batch variance" else abs(want)
            error = abs(got - want) / scale
            if error > BOUND:
                failures.append(f"{target}: {key} of {count}, {name}: {got:.9g} for "
                                f"{want:.9g}, off by {error:.2g}")
            if os.environ.get("VERNIER_PRINT_ERRORS"):
                print(f"{target} {count:>8} {name:>9} {key:>14} {error:.2e}")
    return failures


def run_with(threads, plan, count):
    """The same in a process of its own, with another number of threads."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run([sys.executable, __file__, plan, str(count)], env=environment,
                          capture_output=True, text=True, check=True)
    return done.stdout


def main():
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        model, plan = (os.path.join(folder, name) for name in ("m.mlir", "m.vplan"))
        for count in COUNTS:
            with open(model, "w") as file:
                file.write(MODULE.format(n=count, m=count // 10))
            for target in runtime.targets():
                vernier.run_tool("vernier-compile", model, "-o", plan, "--policy=f32",
                                 "--optimizer=sgd,lr=0.0,momentum=0.9",
                                 f"--target={target}")
                failures += compare(target, count, measure(plan, count))
                if count == 100_000:
                    bits = {run_with(threads, plan, count) for threads in (1, 2, 4)}
                    assert len(bits) == 1, bits
    print("\n".join(failures) or f"all within {BOUND:.2g}")
    assert not failures


if len(sys.argv) > 1:
    print({name: {key: value.hex() for key, value in sums.items()}
           for name, sums in measure(sys.argv[1], int(sys.argv[2])).items()})
else:
    main()
