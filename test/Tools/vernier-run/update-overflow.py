#===- update-overflow.py - Finite gradients, infinite updates
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# The finite check of the gradients cannot see an update that overflows. States that
# are not finite are never saved, nor called a success.
# REQUIRES: numpy, compiler
# RUN: %python %s %t

from Inputs.runner import *

# The gradient of @w is the mean of x.
MODEL = """
ml_program.global private mutable @w(#train.constant<1.0>) : tensor<2xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<4x2xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
  %w = ml_program.global_load @w : tensor<2xf32>
  %b = train.broadcast %w dims = [1] : tensor<2xf32> -> tensor<4x2xf32>
  %m = arith.mulf %b, %x : tensor<4x2xf32>
  %l = train.reduce mean %m dims = [0, 1] : tensor<4x2xf32> -> tensor<f32>
  return %l : tensor<f32>
}
"""

FINITE = "the gradients were finite, but what a step made of them was not"


def compile_plan(path, optimizer, *flags, model=MODEL):
    pathlib.Path("m.mlir").write_text(model)
    subprocess.run([shutil.which("vernier-compile"), "m.mlir", "-o", path, f"--optimizer={optimizer}", *flags],
                   check=True)


def write_data(values, path="d.npz"):
    """A batch for each value."""
    np.savez(path, x=np.repeat(np.float32(values), 4)[:, None].repeat(2, 1))


class UpdateOverflow(RunnerTest):
    def test_parameter(self):
        """A parameter: exit 4, with the state, its values, the step and what to do; no checkpoint, no success."""
        compile_plan("m.vplan", "sgd,lr=1e10")
        write_data([1e30])
        for flags in ((), ("--save", "ck"), ("--save", "ck", "--save-every", 1)):
            process = self.fails(NUMERIC, "m.vplan", "train", "--data", "d.npz", "--steps", 1, *flags,
                                 says=("step 1: 'w' (f32[2]): 2 of 2 values are not finite, the first is -inf at [0]",
                                       FINITE, "a smaller learning rate"))
            self.assertEqual(process.stdout, "RESULT failed code=4 steps=1 loss=1.00000002e+30 skipped=0\n")
            self.assertEqual("\n  nothing was saved\n" in process.stderr, bool(flags))
            self.assertFalse(pathlib.Path("ck").exists())

    def test_moment(self):
        """A moment: its square overflows before the parameter does."""
        compile_plan("m.vplan", "adam")
        write_data([1e30])
        self.fails(NUMERIC, "m.vplan", "train", "--data", "d.npz", "--steps", 1, "--save", "ck",
                   says=("step 1: 'w.v' (f32[2]): 2 of 2 values are not finite, the first is inf at [0]", FINITE))

    def test_last_checkpoint(self):
        """The last checkpoint is of the step before the overflow, and good."""
        compile_plan("m.vplan", "sgd,lr=1e10")
        rows = np.full((24, 2), 1e-12, "f4")
        rows[5] = 1e30
        np.savez("d.npz", x=rows)
        steps = set()
        for seed in range(6):  # the order of the rows
            shutil.rmtree("ck", ignore_errors=True)
            process = self.fails(NUMERIC, "m.vplan", "train", "--data", "d.npz", "--steps", 30, "--save", "ck",
                                 "--save-every", 1, "--keep", 0, "--seed", seed, says=FINITE)
            saved = checkpoints("ck") if pathlib.Path("ck").exists() else []
            steps.add(len(saved))
            self.assertIn(f"step {len(saved) + 1}: 'w' (f32[2]): 2 of 2", process.stderr)
            self.assertIn(f"the last checkpoint is of step {len(saved)}; nothing was saved after it"
                          if saved else "nothing was saved", process.stderr)
            if saved:
                run("m.vplan", "eval", "--data", "d.npz", "--resume", "ck")
        self.assertGreater(len(steps), 1)

    def test_next_loss(self):
        """Without a save in between, the loss of the next step tells, and the states are named."""
        compile_plan("m.vplan", "sgd,lr=1e10")
        write_data([1e30, 1e30])
        self.fails(NUMERIC, "m.vplan", "train", "--data", "d.npz", "--steps", 30,
                   says=("step 2: the loss is", "\n  the states: 'w' (f32[2]): 2 of 2 values are not finite"))

    def test_check_numerics(self):
        """--check-numerics still names the op that overflowed, in the step itself."""
        compile_plan("m.vplan", "sgd,lr=1e10")
        write_data([1e30])
        self.fails(NUMERIC, "m.vplan", "train", "--data", "d.npz", "--steps", 1, "--check-numerics",
                   says=("step 1: a result is not finite (--check-numerics)", "first non-finite result"))

    def test_skipped(self):
        """A scaler's skipped steps leave finite states: saving goes on, with windows of micro-batches too."""
        for flags in ((), ("--accumulate=2",)):
            shutil.rmtree("ck", ignore_errors=True)
            compile_plan("m.vplan", "adam", "--loss-scale=dynamic", *flags)
            x = np.ones((64, 2), "f4")
            x[5] = np.inf
            np.savez("d.npz", x=x)
            out = run("m.vplan", "train", "--data", "d.npz", "--epochs", 3, "--save", "ck", "--save-every", 1)
            self.assertGreaterEqual(int(out.result["skipped"]), 3)

    def test_infinite_start(self):
        """An inf that the model starts with is meant."""
        compile_plan("m.vplan", "sgd,lr=1e-3", model=MODEL.replace(
            "func.func", "ml_program.global private @mask(dense<[0.0, 0xFF800000]> : tensor<2xf32>) : tensor<2xf32> "
            '{train.role = "frozen"}\nfunc.func'))
        write_data([1])
        run("m.vplan", "train", "--data", "d.npz", "--steps", 3, "--save", "ck")

    def test_resume(self):
        """A checkpoint that is not finite, as another program may have saved it, is not trained on."""
        start = "#train.constant<1.0>"
        compile_plan("inf.vplan", "sgd,lr=1", model=MODEL.replace(start, "dense<[1.0, 0x7F800000]> : tensor<2xf32>"))
        compile_plan("m.vplan", "sgd,lr=1")
        write_data([1])
        run("inf.vplan", "train", "--data", "d.npz", "--steps", 0, "--save", "ck")
        for flags in ((), ("--save", "ck"), ("--save", "new")):
            self.fails(NUMERIC, "m.vplan", "train", "--data", "d.npz", "--steps", 2, "--resume", "ck", *flags,
                       says=("the checkpoint in ck, of step 0, is not finite: 'w' (f32[2]): 1 of 2 values is not "
                             "finite: inf at [1]", "--resume the folder of an earlier step"))


main()
