#===- case.py - What the tests of failing inputs share
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
"""Runs the tools as a user does, and plans on arrays, in a folder of the test's own."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

# The models are far too small to share among threads.
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from Numerics.Inputs.runtime import Session, targets

BIN = pathlib.Path(os.environ["VERNIER_BUILD"]) / "bin"
INPUTS = pathlib.Path(__file__).resolve().parent
POLICIES = ("f32", "bf16", "f16")


def write_data():
    """The data that the inputs were found with, drawn in this order."""
    r, f = np.random.RandomState(0), np.float32
    np.savez("scores.npz", x=np.array([-8, -4, -2, -1, -.5, -.1, 0, 0, .1, .5, 1, 2, 4, 8, 10, 20.], f)[:, None])
    x = r.randn(16, 8).astype(f)
    np.savez("large.npz", x=200 * x, t=r.randn(16, 64).astype(f))
    np.savez("classes.npz", x=x, y=r.randint(0, 8, 16).astype(np.int32))
    np.savez("rows64.npz", x=r.randn(64, 8).astype(f), y=r.randint(0, 8, 64).astype(np.int32))
    np.savez("clip.npz", x=r.randn(16, 8).astype(f), t=(5 * r.randn(16, 4)).astype(f))
    np.savez("one-row.npz", x=r.randn(5, 4).astype(f), y=r.randint(0, 8, 5).astype(np.int32))
    np.savez("beyond.npz", x=np.full((16, 8), 70000, f), t=r.randn(16, 4).astype(f))
    np.savez("ones.npz", x=np.ones((131072, 1), f))


def tool(name, *args, code=0):
    """stdout and stderr together of a tool that exits with `code`."""
    command = [str(BIN / name), *map(str, args)]
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    if process.returncode != code:
        raise AssertionError(f"{' '.join(command)}\nexit code {process.returncode}, expected {code}\n{process.stdout}")
    return process.stdout


def compile_plan(model, *flags, plan="m.vplan", code=0):
    """What vernier-compile says. `model` is the stem of an input or the text of one."""
    path = INPUTS / f"{model}.mlir"
    if "\n" in model:
        path = pathlib.Path("m.mlir")
        path.write_text(model)
    return tool("vernier-compile", path, *flags, "-o", plan, code=code)


def run(*args, code=0):
    return tool("vernier-run", *args, code=code)


def result(output):
    """The fields of the RESULT line."""
    return dict(field.split("=", 1) for field in output.splitlines()[-1].split()[2:])


def log(path="l.csv"):
    """Rows of a log by column."""
    header, *rows = pathlib.Path(path).read_text().splitlines()
    return [dict(zip(header.split(","), row.split(","))) for row in rows]


def outputs(entry, data, plan="m.vplan", seed=0):
    """(states before, outputs of one run of the entry, states after), as float64."""
    session = Session(plan, seed=seed)
    before = session.get_states()
    found = session.run(entry, data)
    after = session.get_states()
    session.close()
    return tuple({name: value.astype(float) for name, value in arrays.items()} for arrays in (before, found, after))


def typed(text, **types):
    """`text` with the types that its letters stand for: T="tensor<4xf32>"."""
    for letter, kind in types.items():
        text = re.sub(rf"\b{letter}\b", kind, text)
    return text


def parameter(name, shape, initial="#train.normal<0.0, 0.5>", role="parameter"):
    return f'ml_program.global private mutable @{name}({initial}) : tensor<{shape}xf32> {{train.role = "{role}"}}\n'


def argument(name, kind):
    return f'%{name}: tensor<{kind}> {{train.name = "{name}"}}'


def loss_of(body, arguments, *globals_, result="%l"):
    """A model whose @loss has this body; `arguments` and `globals_` are pairs (name, shape)."""
    loads = "".join(f"  %{name} = ml_program.global_load @{name} : tensor<{shape}xf32>\n" for name, shape in globals_)
    return ("".join(parameter(name, shape) for name, shape in globals_)
            + f"func.func @loss({', '.join(argument(name, f'{shape}xf32') for name, shape in arguments)}) -> "
            + f'(tensor<f32> {{train.name = "loss"}}) {{\n{loads}{body}\n  return {result} : tensor<f32>\n}}\n')


class CaseTest(unittest.TestCase):
    """A test with an empty folder, which is its working directory."""

    def setUp(self):
        folder = pathlib.Path(sys.argv[1]) / self.id().split(".")[-1]
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        os.chdir(folder)
        write_data()

    def near(self, got, want, bound, what=""):
        """Everywhere within `bound` times the largest value."""
        got, want = np.asarray(got, float), np.asarray(want, float)
        self.assertEqual(got.shape, want.shape, what)
        off = np.max(np.abs(got - want)) / max(np.max(np.abs(want)), 1e-30)
        self.assertTrue(off <= bound, f"{what}: off by {off:.3g} of the largest, expected at most {bound:.3g}\n{got}\n{want}")

    def refused(self, model, *says, code=3, flags=("--policy=f32",)):
        """The compiler says each of these and writes no plan."""
        message = compile_plan(model, *flags, code=code)
        for text in ("error:", *says):
            self.assertIn(text, message)
        self.assertFalse(os.path.exists("m.vplan"))
        return message


def main():
    unittest.main(argv=sys.argv[:1])
