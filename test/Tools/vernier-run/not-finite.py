#===- not-finite.py - Losses that no scale cures
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# A loss scale is for gradients that overflow. A step whose loss is not finite is
# traced to its op and its row, by running it again, and five in a row end the run,
# with a scaler as without. A run all of whose steps were skipped is no success.
# REQUIRES: numpy, compiler
# RUN: %python %s %t

from Inputs.runner import *
from Inputs.tensors import read_states

# Data beyond f16, which the first cast makes infinite.
BEYOND = """
module @nd {
  ml_program.global private mutable @w(#train.kaiming) : tensor<4x8xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<16x8xf32> {train.name = "x"}, %t: tensor<16x4xf32> {train.name = "t"}) -> (tensor<f32> {train.name = "loss"}) {
    %w = ml_program.global_load @w : tensor<4x8xf32>
    %y = train.linear %x, %w : (tensor<16x8xf32>, tensor<4x8xf32>) -> tensor<16x4xf32>
    %l = train.mse_loss %y, %t : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<f32>
    return %l : tensor<f32>
  }
}"""

# A loss of rows of 4, of their products with w; FORMULA makes z of y.
ROWS = """
ml_program.global private mutable @w(#train.constant<0.5>) : tensor<4xf32> {train.role = "parameter"}
func.func @loss(%x: tensor<4x4xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
  %w = ml_program.global_load @w : tensor<4xf32>
  %b = train.broadcast %w dims = [1] : tensor<4xf32> -> tensor<4x4xf32>
  %y = arith.mulf %b, %x : tensor<4x4xf32>
  FORMULA
  %l = train.reduce mean %z dims = [0, 1] : tensor<4x4xf32> -> tensor<f32>
  return %l : tensor<f32>
}"""
LOG = ROWS.replace("FORMULA", "%z = math.log %y : tensor<4x4xf32>")
# Each row by its own sum, which may be 0.
NORMALIZED = ROWS.replace("FORMULA", """%s = train.reduce sum %y dims = [1] : tensor<4x4xf32> -> tensor<4xf32>
  %n = train.broadcast %s dims = [0] : tensor<4xf32> -> tensor<4x4xf32>
  %z = arith.divf %y, %n : tensor<4x4xf32>""")
# The slope of a root at 0 is infinite, the root is not.
ROOT = ROWS.replace("FORMULA", "%z = math.sqrt %y : tensor<4x4xf32>")

F32 = ("--policy=f32", "--optimizer=sgd,lr=0.001")
SCALERS = {"dynamic": ("--loss-scale=dynamic",), "static": ("--loss-scale=8",),
           "windows": ("--loss-scale=dynamic", "--accumulate=2")}
FIVE = "the 5th in a row that is not finite; it does not depend on the loss scale, so no scale cures it"


def compile_plan(model, *flags, path="m.vplan"):
    pathlib.Path("m.mlir").write_text(model)
    subprocess.run([shutil.which("vernier-compile"), "m.mlir", "-o", path, *flags], check=True)


def write_rows(bad, rows=40, value=0.0, path="d.npz"):
    """Rows of positive numbers; `bad` ones hold `value`."""
    x = np.random.RandomState(2).rand(rows, 4).astype("f4") + 1
    x[bad] = value
    np.savez(path, x=x)


class NotFinite(RunnerTest):
    def test_beyond_f16(self):
        """Data that f16 cannot hold: the op, a row and the range of its data; nothing is saved."""
        random = np.random.RandomState(0)
        np.savez("beyond.npz", x=np.full((16, 8), 70000, "f4"), t=random.randn(16, 4).astype("f4"))
        compile_plan(BEYOND, "--policy=f16")
        for flags in ((), ("--check-numerics",), ("--save", "ck", "--save-every", 1)):
            process = self.fails(NUMERIC, "m.vplan", "train", "--data", "beyond.npz", "--steps", 40, *flags, says=(
                "step 5: the loss is ", FIVE, "first non-finite result: ", "train.linear@w at m.mlir:6:10", "('x' in [70000, 70000], 't' in [",
                "what to do: f16 ends at 65504"))
            self.assertRegex(process.stdout, r"^RESULT failed code=4 steps=5 loss=(nan|inf) skipped=5 not_finite=5\n$")
            self.assertFalse(pathlib.Path("ck").exists())

    def test_every_scaler(self):
        """The logarithm of 0 and 0 / 0, in f32: with any scaler and with windows, the op and the row."""
        for model, op in ((LOG, "math.log"), (NORMALIZED, "arith.divf")):
            for name, flags in SCALERS.items():
                compile_plan(model, *F32, *flags)
                write_rows(bad=slice(None, None, 2))
                process = self.fails(NUMERIC, "m.vplan", "train", "--data", "d.npz", "--steps", 30,
                                     says=("step 5: ", FIVE, "first non-finite result: ", op,
                                           "a smaller learning rate often helps"))
                row = int(process.stderr.split("error:")[1].split("alone in a batch, row ")[1].split()[0])
                self.assertEqual(row % 2, 0, name)
        # Without a scaler at the first.
        for policy in ("f32", "bf16"):
            compile_plan(LOG, *F32[1:], f"--policy={policy}")
            self.fails(NUMERIC, "m.vplan", "train", "--data", "d.npz", "--steps", 30,
                       says=("step 1: the loss is -inf, and nothing was made of it", "math.log", "alone in a batch, row"))

    def test_data(self):
        """A NaN in the data is named by its row in every precision; the run goes on, and it is counted."""
        write_rows(bad=23, value=np.nan)
        bad = "the data: d.npz: 'x' in row 23 is not finite"
        for policy in ("f32", "bf16"):
            compile_plan(ROWS.replace("FORMULA", "%z = math.tanh %y : tensor<4x4xf32>"), *F32[1:], f"--policy={policy}")
            self.fails(NUMERIC, "m.vplan", "train", "--data", "d.npz", "--epochs", 1, says=("the loss is nan", bad))
        for flags in ((), ("--accumulate=2",)):
            compile_plan(ROWS.replace("FORMULA", "%z = math.tanh %y : tensor<4x4xf32>"), *F32[1:], "--policy=f16",
                         "--loss-scale=dynamic", *flags)
            out = run("m.vplan", "train", "--data", "d.npz", "--epochs", 4)
            # Three are explained, and all are counted.
            self.assertEqual(out.stderr.count(bad), 3)
            self.assertEqual(out.stderr.count("for its loss is nan"), 3)
            self.assertEqual((out.result["skipped"], out.result["not_finite"]), ("4", "4"))

    def test_neutral(self):
        """To look for an op changes nothing: the states are those of a run in which an observer was there."""
        write_rows(bad=[3, 21])
        group = ("--optimizer=sgd,lr=0.001", "--optimizer=adam,lr=0.1,group=v,parameters=v")
        # The loss of v alone is finite, so that it is not skipped with w.
        two = LOG.replace("func.func", 'ml_program.global private mutable @v(#train.constant<0.5>) : tensor<f32> '
                          '{train.role = "parameter"}\nfunc.func').replace("return %l", """%v = ml_program.global_load @v : tensor<f32>
  %v2 = arith.mulf %v, %v : tensor<f32>
  %sum = arith.addf %l, %v2 : tensor<f32>
  return %sum""")
        for model, flags in ((LOG, F32), (LOG, (*F32, "--accumulate=2")), (two, ("--policy=f32", *group))):
            compile_plan(model, *flags, "--loss-scale=dynamic,init=64")
            digests = []
            for check in ((), ("--check-numerics",)):
                shutil.rmtree("ck", ignore_errors=True)
                out = run("m.vplan", "train", "--data", "d.npz", "--epochs", 3, "--save", "ck", *check)
                self.assertGreater(int(out.result["not_finite"]), 2)
                digests.append(digest(checkpoints("ck")[-1]))
            self.assertEqual(*digests)

    def test_all_skipped(self):
        """A run too short for the scale to have come down: exit 4, the loss, and no checkpoint."""
        write_rows(bad=[], value=0)
        compile_plan(ROWS.replace("FORMULA", "%c = arith.constant dense<100.0> : tensor<4x4xf32>\n  %z = arith.mulf %y, %c "
                                  ": tensor<4x4xf32>"), *F32, "--loss-scale=dynamic,init=1.5e38")
        # The scale comes down in time: a step is done, and saved.
        out = run("m.vplan", "train", "--data", "d.npz", "--steps", 12, "--save", "good", "--save-every", 1)
        skipped = int(out.result["skipped"])
        self.assertGreater(skipped, 0)
        self.assertEqual([c.name for c in checkpoints("good")][-1], "step-00000012")
        process = self.fails(NUMERIC, "m.vplan", "train", "--data", "d.npz", "--steps", skipped, "--save", "ck",
                             "--save-every", 1, says=(f"{skipped} of {skipped} steps were skipped: nothing was learned",
                                                      "first non-finite result: ", "train for more steps",
                                                      "nothing was saved"))
        self.assertRegex(process.stdout, rf"^RESULT failed code=4 steps={skipped} loss=\d+\.\d+ skipped={skipped}\n$")
        self.assertFalse(pathlib.Path("ck").exists())

    def test_resumed(self):
        """Steps in a row are counted across a resume; what was good is not pruned for what was skipped."""
        compile_plan(LOG, *F32, "--loss-scale=dynamic")
        write_rows(bad=slice(0, 12))  # one batch of four in four is good
        seed = self.seed_with_good_start()
        train = ("m.vplan", "train", "--data", "d.npz", "--seed", seed, "--steps", 30)
        whole = self.fails(NUMERIC, *train, "--save", "all", "--save-every", 1, "--keep", 2)
        last = int(whole.result["steps"])
        kept = [int(c.name[5:]) for c in checkpoints("all")]
        self.assertLessEqual({last - 6, last - 5}, set(kept))
        run(*train[:-1], last - 2, "--save", "part")
        part = self.fails(NUMERIC, *train, "--resume", "part", "--save", "part", says=f"step {last}: the loss is -inf")
        self.assertEqual(part.stdout, whole.stdout)

    def seed_with_good_start(self):
        """The order of the rows makes the first steps good, then five in a row bad."""
        for seed in range(200):
            process = subprocess.run([RUN, "m.vplan", "train", "--data", "d.npz", "--seed", str(seed), "--steps", "30",
                                      "--log", "l.csv"], capture_output=True, text=True)
            rows = [row.split(",") for row in pathlib.Path("l.csv").read_text().splitlines()[1:]]
            skipped = [row[7] == "1" for row in rows]
            if process.returncode == NUMERIC and skipped[:2] == [False, False]:
                return seed
        self.fail("no such seed")

    def test_slope(self):
        """Gradients that are infinite at any scale, though the loss is finite: the backward op is named."""
        write_rows(bad=slice(None))
        for flags, says in ((("--loss-scale=dynamic,init=8,min=1",), "step 11: 8 steps in a row were skipped at the smallest loss scale, 1"),
                            (("--loss-scale=dynamic",), "step 64: 64 steps in a row were skipped"),
                            (("--loss-scale=8",), "step 8: 8 steps in a row were skipped at the static loss scale 8"),
                            ((), "step 1: a gradient is not finite, and nothing was made of it")):
            compile_plan(ROOT, *F32, *flags)
            process = self.fails(NUMERIC, "m.vplan", "train", "--data", "d.npz", "--steps", 100,
                                 says=(says, "first non-finite result: ", "math.sqrt"))
            self.assertIn(" loss=0 ", process.stdout)

    def test_evaluation(self):
        """A loss that is not finite in evaluation: the op and the row, too."""
        compile_plan(LOG, *F32, "--loss-scale=dynamic")
        write_rows(bad=17, path="bad.npz")
        write_rows(bad=[])
        says = ("the loss of rows 16 to 19 of bad.npz is -inf", "first non-finite result: ", "math.log",
                "alone in a batch, row 17 of bad.npz ('x' in [0, 0]) has a loss that is not finite")
        self.fails(NUMERIC, "m.vplan", "eval", "--data", "bad.npz", says=says)
        process = self.fails(NUMERIC, "m.vplan", "train", "--data", "d.npz", "--eval-data", "bad.npz", "--epochs", 1,
                             says=says)
        self.assertRegex(process.stdout, r"^RESULT failed code=4 steps=10 loss=-?\d")


main()
