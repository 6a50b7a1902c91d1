#===- untrained.py - Gradients that are always zero
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# A run whose parameters have no gradient looks healthy: its loss is finite, and no
# step is skipped. It is said by name, and ends with exit code 4 if it is so of all.
# REQUIRES: numpy, compiler
# RUN: %python %s %t

from Inputs.runner import *

# Two parameters, each behind a relu that is open or, moved by -100, never is.
MODEL = """
ml_program.global private mutable @first(#train.constant<0.5>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @second(#train.constant<0.5>) : tensor<4xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<4x4xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
  %first = ml_program.global_load @first : tensor<4xf32>
  %second = ml_program.global_load @second : tensor<4xf32>
  %f = train.broadcast %first dims = [1] : tensor<4xf32> -> tensor<4x4xf32>
  %s = train.broadcast %second dims = [1] : tensor<4xf32> -> tensor<4x4xf32>
  %zero = arith.constant dense<0.0> : tensor<4x4xf32>
  %shiftF = arith.constant dense<FIRST> : tensor<4x4xf32>
  %shiftS = arith.constant dense<SECOND> : tensor<4x4xf32>
  %bias = arith.constant dense<BIAS> : tensor<4x4xf32>
  %a = arith.mulf %f, %x : tensor<4x4xf32>
  %b = arith.addf %a, %shiftF : tensor<4x4xf32>
  %c = arith.maximumf %b, %zero : tensor<4x4xf32>
  %d = arith.mulf %s, %x : tensor<4x4xf32>
  %e = arith.addf %d, %shiftS : tensor<4x4xf32>
  %g = arith.maximumf %e, %zero : tensor<4x4xf32>
  %h = arith.addf %c, %g : tensor<4x4xf32>
  %y = arith.addf %h, %bias : tensor<4x4xf32>
  %z = arith.mulf %y, %y : tensor<4x4xf32>
  %l = train.reduce mean %z dims = [0, 1] : tensor<4x4xf32> -> tensor<f32>
  return %l : tensor<f32>
}"""
OPTIMIZERS = ("sgd,lr=0.01", "sgd,lr=0.01,momentum=0.9", "adam,lr=0.01", "adamw,lr=0.01,weight_decay=0.1")
OPEN, SHUT = "0.0", "-100.0"


def compile_plan(optimizer, first, second, bias="1.0"):
    text = MODEL.replace("FIRST", first).replace("SECOND", second).replace("BIAS", bias)
    pathlib.Path("m.mlir").write_text(text)
    subprocess.run([shutil.which("vernier-compile"), "m.mlir", "-o", "m.vplan", "--policy=f32",
                    f"--optimizer={optimizer}"], check=True, capture_output=True)


class Untrained(RunnerTest):
    def setUp(self):
        super().setUp()
        np.savez("d.npz", x=np.random.RandomState(0).rand(40, 4).astype("f4") + 0.5)

    def test_some(self):
        """A relu that never opens: a warning that names what lies behind it."""
        for optimizer in OPTIMIZERS:
            compile_plan(optimizer, SHUT, OPEN)
            out = run("m.vplan", "train", "--data", "d.npz", "--steps", 7)
            self.assertIn("warning: step 7: 1 of 2 parameters ('first') learned nothing in 7 steps: their gradients were 0",
                          out.stderr, optimizer)
            compile_plan(optimizer, OPEN, OPEN)
            self.assertNotIn("learned nothing", run("m.vplan", "train", "--data", "d.npz", "--steps", 7).stderr)

    def test_all(self):
        """No parameter at all: exit 4, and no checkpoint; too few steps to tell are a warning."""
        for optimizer in OPTIMIZERS:
            compile_plan(optimizer, SHUT, SHUT)
            process = self.fails(NUMERIC, "m.vplan", "train", "--data", "d.npz", "--steps", 20, "--save", "ck",
                                 says=("step 20: 2 of 2 parameters ('first', 'second') learned nothing in 20 steps",
                                       "what to do: look for what has no slope", "nothing was saved"))
            self.assertRegex(process.stdout, r"^RESULT failed code=4 steps=20 loss=1 skipped=0\n$")
            self.assertFalse(pathlib.Path("ck").exists())
            out = run("m.vplan", "train", "--data", "d.npz", "--steps", 2)
            self.assertIn("warning: step 2: 2 of 2 parameters ('first', 'second')", out.stderr)

    def test_meant(self):
        """A learning rate of 0, and a loss of 0, are no failures."""
        for optimizer, *model in (("sgd,lr=0", OPEN, OPEN), ("adam", SHUT, SHUT, "0.0")):
            compile_plan(optimizer, *model)
            out = run("m.vplan", "train", "--data", "d.npz", "--steps", 20)
            self.assertIn("warning: step 20: 2 of 2 parameters", out.stderr)


main()
