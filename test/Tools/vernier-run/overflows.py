#===- overflows.py - Whose gradient overflows, and micro-batches
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# The tool names the parameter whose gradient was not finite: in the log, at the end,
# and when it stops because the smallest loss scale does not help. It runs windows of
# micro-batches as the plan asks, and stops and resumes between them.
# REQUIRES: numpy, compiler
# RUN: %python %s %t

from Inputs.runner import *

# Two layers that read data of their own, so that one alone can overflow. Of the
# gradients that of @right is computed first.
MODEL = """
ml_program.global private mutable @left(#train.constant<0.5>) : tensor<4xf32> {train.role = "parameter"}
ml_program.global private mutable @right(#train.constant<0.5>) : tensor<4xf32> {train.role = "parameter"}
func.func @loss(%a: tensor<2x4xf32> {train.name = "a"}, %b: tensor<2x4xf32> {train.name = "b"})
    -> (tensor<f32> {train.name = "loss"}) {
  %left = ml_program.global_load @left : tensor<4xf32>
  %right = ml_program.global_load @right : tensor<4xf32>
  %l = train.broadcast %left dims = [1] : tensor<4xf32> -> tensor<2x4xf32>
  %r = train.broadcast %right dims = [1] : tensor<4xf32> -> tensor<2x4xf32>
  %x = arith.mulf %l, %a : tensor<2x4xf32>
  %y = arith.mulf %r, %b : tensor<2x4xf32>
  %z = arith.addf %x, %y : tensor<2x4xf32>
  %loss = train.reduce mean %z dims = [0, 1] : tensor<2x4xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
"""


def compile_plan(path, *flags, model=MODEL):
    pathlib.Path("m.mlir").write_text(model)
    compiler = shutil.which("vernier-compile")
    subprocess.run([compiler, "m.mlir", "-o", path, "--policy=f32", "--optimizer=sgd,lr=0.001",
                    *flags], check=True)


def write_data(path, rows=40, **bad):
    """`bad`: for a and b the rows with an inf."""
    random = np.random.RandomState(1)
    arrays = {name: random.randn(rows, 4).astype(np.float32) for name in "ab"}
    for name, where in bad.items():
        arrays[name][where, 1] = np.inf
    np.savez(path, **arrays)


class Overflows(RunnerTest):
    def test_names(self):
        """One row in a, three in b, each in a batch of its own or with another."""
        compile_plan("m.vplan", "--loss-scale=dynamic,hysteresis=100")
        write_data("d.npz", a=[5], b=[10, 20, 30])
        out = run("m.vplan", "train", "--data", "d.npz", "--epochs", 1, "--log", "m.csv",
                  "--save", "ck")
        rows = [row.split(",") for row in pathlib.Path("m.csv").read_text().splitlines()][1:]
        bad = [row for row in rows if row[7] == "1"]
        self.assertEqual(len(bad), int(out.result["skipped"]))
        self.assertEqual([row[-1] for row in rows if row[7] == "0"], [""] * (20 - len(bad)))
        counts = {name: sum(row[-1] == name for row in bad) for name in ("left", "right")}
        self.assertEqual(sum(counts.values()), len(bad))
        most = max(counts, key=counts.get)
        self.assertIn(f"skipped steps: the gradient of '{bad[0][-1]}' was the first that was not finite, "
                      f"in step {bad[0][0]}; most often it was that of '{most}', {counts[most]} of "
                      f"{len(bad)} times", out.stderr)
        # The counters are in the checkpoint: a run that goes on knows the first.
        out = run("m.vplan", "train", "--data", "d.npz", "--epochs", 2, "--resume", "ck")
        self.assertIn(f"in step {bad[0][0]}; most often", out.stderr)

    def test_collapse(self):
        """Conformance case 10: PyTorch's scale would go to 0; ours stops at its minimum, and
        the run says whose gradient it was: that of a root at 0."""
        root = MODEL.replace("%y = arith.mulf %r, %b :", "%s = arith.mulf %r, %b : tensor<2x4xf32>\n  %y = math.sqrt %s :")
        np.savez("bad.npz", a=np.ones((40, 4), "f4"), b=np.zeros((40, 4), "f4"))
        compile_plan("m.vplan", "--loss-scale=dynamic,init=8,min=1", model=root)
        # 8, 4, 2, then eight times 1.
        self.fails(NUMERIC, "m.vplan", "train", "--data", "bad.npz", "--epochs", 9,
                   says=("step 11: 8 steps in a row were skipped at the smallest loss scale, 1",
                         "the gradient of 'right' was the first that was not finite, in step 1",
                         "that of 'right', 11 of 11 times"))
        compile_plan("zero.vplan", "--loss-scale=dynamic,init=8,backoff_factor=1e-30", model=root)
        self.fails(NUMERIC, "zero.vplan", "train", "--data", "bad.npz", "--epochs", 9,
                   says=("step 10: 8 steps in a row were skipped at the smallest loss scale, 1.17549e-38",
                         "step 2: the loss scale has fallen to 8e-30, below 1"))
        compile_plan("zero.vplan", "--loss-scale=dynamic,init=8,backoff_factor=1e-30,min=0", model=root)
        self.fails(NUMERIC, "zero.vplan", "train", "--data", "bad.npz", "--epochs", 9,
                   says="the loss scale has fallen to 0")

    def test_windows(self):
        """Three micro-batches in a step: steps, loss, rows, checkpoints and resuming."""
        compile_plan("m.vplan", "--loss-scale=dynamic,init=8", "--accumulate=3")
        write_data("d.npz", b=[12])
        out = run("m.vplan", "train", "--data", "d.npz", "--epochs", 2, "--log", "m.csv", "--save", "all")
        self.assertIn("3 micro-batches, 6 rows in a step", out.stdout + out.stderr)
        self.assertEqual(out.result["steps"], "12")  # 6 whole windows in an epoch
        self.assertLessEqual(int(out.result["skipped"]), 2)
        for stop in (1, 5, 6, 11):
            name = f"part-{stop}"
            run("m.vplan", "train", "--data", "d.npz", "--steps", stop, "--save", name)
            run("m.vplan", "train", "--data", "d.npz", "--steps", 12, "--resume", name, "--save", name)
            self.assertEqual(digest(checkpoints(name)[-1]), digest(checkpoints("all")[-1]))
        # A row of any micro-batch of the window is named.
        compile_plan("plain.vplan", "--accumulate=3")
        write_data("first.npz", b=[3])
        self.fails(NUMERIC, "plain.vplan", "train", "--data", "first.npz", "--epochs", 1,
                   says="the data: first.npz: 'b' in row 3 is not finite")
        # A step that is timed is a window, too: as the training of it does, it counts all its rows.
        out = run("m.vplan", "bench", "--steps", 4, "--profile")
        self.assertIn("3 micro-batches, 6 rows in a step", out.stderr)
        self.assertEqual((out.result["steps"], out.result["micro_batches"]), ("4", "3"))
        self.assertAlmostEqual(float(out.result["samples_per_s"]) * float(out.result["ms_per_step"]) / 6000, 1, 2)
        self.assertRegex(out.stderr, r"(?s)profile of accumulate \(4 steps.*profile of step \(4 steps")
        self.assertNotIn("micro_batches", run("m.vplan", "bench", "--steps", 4, "--entry=accumulate").result)
        compile_plan("two.vplan", "--loss-scale=dynamic,init=8", "--accumulate=2")
        # At the end of an epoch a run goes on with other windows.
        self.assertEqual(run("two.vplan", "train", "--data", "d.npz", "--steps", 20, "--resume", "all").result["steps"], "20")
        write_data("small.npz", rows=5)
        self.fails(BAD_FILE, "m.vplan", "train", "--data", "small.npz", "--steps", 2,
                   says="has 5 rows, fewer than 3 micro-batches of 2")


main()
