#===- vernier.py - Runs the tools on arrays
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs Vernier's tools on arrays."""

import os
import subprocess
import tempfile

import numpy as np

BUILD = os.environ["VERNIER_BUILD"]


def run_tool(name, *arguments, stdin=None):
    """The standard output of a tool; its messages if it fails."""
    command = [os.path.join(BUILD, "bin", name), *arguments]
    result = subprocess.run(command, input=stdin, capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(" ".join(command) + "\n" + result.stderr[-4000:])
    return result.stdout


def optimize(text, *passes):
    return run_tool("vernier-opt", *passes, stdin=text)


def write_arrays(path, arrays):
    """16-bit floats, which .npy files lack, as float32; the tools round back."""
    np.savez(path, **{
        name: array if array.dtype in (np.float64, np.int32, np.int64, np.bool_)
        else array.astype(np.float32)
        for name, array in arrays.items()})


def read_arrays(path):
    if not os.path.exists(path):  # No arrays at all.
        return {}
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def evaluate(text, entry, inputs=None, state=None, exact=False, steps=1,
             bf16_dot_products=False):
    """(results, states) of a function of the module `text` in the evaluator."""
    with tempfile.TemporaryDirectory() as folder:
        def path(name):
            return os.path.join(folder, name)

        with open(path("model.mlir"), "w") as file:
            file.write(text)
        arguments = [path("model.mlir"), f"--entry={entry}", f"--steps={steps}",
                     "--outputs=" + path("outputs.npz"),
                     "--state-out=" + path("final.npz")]
        if inputs:
            write_arrays(path("inputs.npz"), inputs)
            arguments.append("--inputs=" + path("inputs.npz"))
        if state:
            write_arrays(path("state.npz"), state)
            arguments.append("--state=" + path("state.npz"))
        if exact:
            arguments.append("--exact")
        if bf16_dot_products:
            arguments.append("--bf16-dot-products")
        run_tool("vernier-evaluate", *arguments)
        return read_arrays(path("outputs.npz")), read_arrays(path("final.npz"))
