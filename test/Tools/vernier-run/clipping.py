#===- clipping.py - What the log says about clipped gradients
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# One norm over all groups of parameters, as without groups; with clip_scope=group one
# of each. Norm and factor are in the log, in the progress, and in the RESULT line.
# REQUIRES: numpy, compiler
# RUN: %python %s %t

from Inputs.runner import *

MODEL = """
module @groups {
  ml_program.global private mutable @fc.weight(#train.normal<0.0, 1.0>) : tensor<4x8xf32> {train.role = "parameter"}
  ml_program.global private mutable @fc.bias(#train.normal<0.0, 1.0>) : tensor<4xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<16x8xf32> {train.name = "x"}, %t: tensor<16x4xf32> {train.name = "t"}) -> (tensor<f32> {train.name = "loss"}) {
    %w = ml_program.global_load @fc.weight : tensor<4x8xf32>
    %b = ml_program.global_load @fc.bias : tensor<4xf32>
    %y = train.linear %x, %w, %b : (tensor<16x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<16x4xf32>
    %l = train.mse_loss %y, %t : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<f32>
    return %l : tensor<f32>
  }
}
"""
ALL = "--optimizer=sgd,lr=0.1,clip_norm=1"
BIAS = "--optimizer=sgd,lr=0.1,group=nodecay,parameters=.*bias"
PLAIN = "step,epoch,loss,accuracy,learning_rate,grad_norm,loss_scale,skipped,eval_loss,eval_accuracy,clip_factor,overflow"
OF_GROUP = PLAIN.replace("overflow", "grad_norm.nodecay,clip_factor.nodecay,overflow")


def compile_plan(*flags):
    pathlib.Path("m.mlir").write_text(MODEL)
    return subprocess.run([shutil.which("vernier-compile"), "m.mlir", "-o", "m.vplan", "--policy=f32", *flags],
                          capture_output=True, text=True)


def gradients():
    """Of the first step, from the states before it: (of the weight, of the bias)."""
    data = np.load("clip.npz")
    run("m.vplan", "train", "--data", "clip.npz", "--steps", 0, "--save", "ck")
    from Inputs.tensors import read_states
    states = read_states(checkpoints("ck")[0])
    w = np.frombuffer(states["fc.weight"], "f4").reshape(4, 8).astype(float)
    b = np.frombuffer(states["fc.bias"], "f4").astype(float)
    d = 2 * (data["x"] @ w.T + b - data["t"]) / 64
    return d.T @ data["x"], d.sum(0)


class Clipping(RunnerTest):
    def setUp(self):
        super().setUp()
        random = np.random.RandomState(0)
        np.savez("clip.npz", x=random.randn(16, 8).astype("f4"), t=(5 * random.randn(16, 4)).astype("f4"))

    def train(self, steps, *flags):
        """(header, last row by column, process)."""
        out = run("m.vplan", "train", "--data", "clip.npz", "--steps", steps, "--log", "l.csv", *flags)
        header, *rows = pathlib.Path("l.csv").read_text().splitlines()
        return header, dict(zip(header.split(","), rows[-1].split(","))), out

    def test_groups(self):
        """With groups the norm is that without, and each gradient is multiplied by one factor."""
        for optimizers in ((ALL,), (ALL, BIAS), (ALL, BIAS + ",clip_norm=1")):
            self.assertEqual(compile_plan(*optimizers).returncode, 0)
            weight, bias = gradients()
            shutil.rmtree("ck")
            norm = np.sqrt((weight ** 2).sum() + (bias ** 2).sum())
            header, row, out = self.train(1)
            self.assertEqual(header, PLAIN)
            self.assertAlmostEqual(float(row["grad_norm"]), norm, 5)
            self.assertAlmostEqual(float(row["clip_factor"]), 1 / (norm + 1e-6), 6)
            self.assertEqual(out.result["clipped"], "1")
            self.assertIn(f"  grad norm {norm:.4g} (clipped)", out.stderr)

    def test_scope(self):
        """A norm of its own has columns of its own."""
        compile_plan(ALL, BIAS + ",clip_norm=100,clip_scope=group")
        weight, bias = gradients()
        header, row, out = self.train(1)
        self.assertEqual(header, OF_GROUP)
        self.assertAlmostEqual(float(row["grad_norm"]), np.sqrt((weight ** 2).sum()), 5)
        self.assertAlmostEqual(float(row["grad_norm.nodecay"]), np.sqrt((bias ** 2).sum()), 5)
        self.assertEqual((row["clip_factor.nodecay"], out.result["clipped"]), ("1", "1"))
        # A log of other columns is not continued.
        compile_plan(ALL)
        self.train(1)
        compile_plan(ALL, BIAS + ",clip_scope=group")
        shutil.rmtree("ck")
        run("m.vplan", "train", "--data", "clip.npz", "--steps", 1, "--save", "ck")
        self.fails(BAD_FILE, "m.vplan", "train", "--data", "clip.npz", "--steps", 2, "--resume", "ck", "--log", "l.csv",
                   says="l.csv: is not a metrics file of this tool")

    def test_counted(self):
        """Steps that were clipped, across a resume; a step under the bound has the factor 1."""
        compile_plan(ALL.replace("lr=0.1", "lr=1"))
        whole = self.train(60, "--save", "all")[2]
        rows = [row.split(",") for row in pathlib.Path("l.csv").read_text().splitlines()[1:]]
        factors = [float(row[10]) for row in rows]
        self.assertEqual(int(whole.result["clipped"]), sum(factor < 1 for factor in factors))
        self.assertEqual([factor == 1 for factor in factors], [float(row[5]) + 1e-6 <= 1 for row in rows])
        self.assertTrue(1 in factors and factors[0] < 1)
        self.train(3, "--save", "part")
        part = self.train(60, "--resume", "part", "--save", "part")[2]
        self.assertEqual(part.result["clipped"], whole.result["clipped"])
        # Without clipping there is nothing to count.
        compile_plan("--optimizer=sgd,lr=0.1")
        self.assertNotIn("clipped", self.train(1)[2].result)

    def test_unclear(self):
        """One group that asks for clipping may mean itself or all; two bounds are no bound."""
        for optimizers, says in (((ALL.replace(",clip_norm=1", ""), BIAS + ",clip_norm=1"), "clip-norm is 0 in group 'default' but 1 in group 'nodecay'"),
                                 ((ALL, BIAS + ",clip_norm=2"), "clip-norm is 1 in group 'default' but 2 in group 'nodecay'"),
                                 ((ALL + ",clip_scope=each",), "clip-scope is 'each', expected all or group")):
            process = compile_plan(*optimizers)
            self.assertNotEqual(process.returncode, 0)
            self.assertIn(says, process.stderr)


main()
