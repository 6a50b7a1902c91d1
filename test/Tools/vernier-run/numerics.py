#===- numerics.py - Numbers that are not finite
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# A loss that is not finite ends a run without a scaler with exit code 4; with
# one, the step is skipped. --check-numerics names the first op.
# REQUIRES: numpy
# RUN: %python %s %t

from Inputs.runner import *
from Inputs.tensors import read_states

DATA = ("--data", "train.npz")


class Numerics(RunnerTest):
    def setUp(self):
        super().setUp()
        make_plan("m.vplan")
        make_plan("s.vplan", scale=1024)

    def poisoned_data(self, value, row=50):
        image = np.array(np.load(make_data("train.npz", rows=96))["image"])
        image[row, 3] = value
        make_data("train.npz", rows=96, image=image)

    def test_loss(self):
        """Without a scaler: exit 4 in the step that met it, naming the data; the last checkpoint is good."""
        for value in (np.nan, np.inf, -np.inf):
            shutil.rmtree("ck", ignore_errors=True)
            self.poisoned_data(value)
            process = self.fails(NUMERIC, "m.vplan", "train", *DATA, "--steps", 12, "--save", "ck",
                                 "--save-every", 1, says=("the loss is", "the data: train.npz: 'image' in row 50 is not finite"))
            self.assertIn("RESULT failed code=4", process.stdout)
            for checkpoint in checkpoints("ck"):
                result = run("m.vplan", "eval", "--data", make_data("good.npz"), "--resume", checkpoint).result
                self.assertTrue(np.isfinite(float(result["loss"])))

    def test_first_op(self):
        """--check-numerics names the first op, its place, and the ranges of its result and its inputs."""
        self.poisoned_data(np.nan)
        process = self.fails(NUMERIC, "m.vplan", "train", *DATA, "--steps", 12, "--check-numerics",
                             says=("\n  'image' holds 1 value that is not finite; "
                                   "first non-finite result: forward at model.mlir:1:forward (call 0 of step): 4 NaN, 0 inf "
                                   "among 32 elements of f32 (8, 4), the others in [", "row 50",
                                   "\n    input image: f32 (8, 16), 1 NaN, 0 inf, the others in [",
                                   "\n    input constant: i32 (3,), in [4, 16]\n"))
        self.assertRegex(process.stderr, r"\n    input w: f32 \(4, 16\), in \[-0\.\d+, 0\.\d+\]\n")
        self.assertRegex(process.stderr, r"step \d+: a result is not finite")
        # The same with evaluation and prediction.
        self.fails(NUMERIC, "m.vplan", "eval", *DATA, "--check-numerics",
                   says="evaluating rows 48 to 55 of train.npz: 'image' holds 1 value that is not finite; first "
                        "non-finite result: forward")
        self.fails(NUMERIC, "m.vplan", "predict", *DATA, "--check-numerics", "--output", "o.npz",
                   says="rows 48 to 55 of train.npz: 'image' holds 1 value that is not finite; first non-finite")
        self.assertFalse(pathlib.Path("o.npz").exists())

    def test_skipped(self):
        """With a scaler a bad batch is skipped, reported, and changes no parameter."""
        self.poisoned_data(np.nan)
        process = run("s.vplan", "train", *DATA, "--epochs", 3, "--check-numerics", "--log", "m.csv")
        self.assertEqual(process.result["skipped"], "3")  # once in each epoch
        self.assertEqual(process.stderr.count("skipped at loss scale"), 3)
        self.assertIn("first non-finite result: forward at model.mlir:1:forward", process.stderr)
        skipped = [row.split(",")[7] for row in pathlib.Path("m.csv").read_text().splitlines()[1:]]
        self.assertEqual(skipped.count("1"), 3)
        self.assertNotEqual(skipped[-1:], ["1"])

    def test_skip_is_neutral(self):
        """A skipped step leaves parameters, moments and the step counter as they were, bit for bit; the scaler
        halves its scale, begins to count anew, and counts the step as skipped."""
        # Two batches in an epoch, one of them bad.
        self.poisoned_data(np.nan, row=5)
        np.savez("train.npz", **{name: array[:16] for name, array in np.load("train.npz").items()})
        run("s.vplan", "train", *DATA, "--steps", 0, "--save", "ck")
        run("s.vplan", "train", *DATA, "--steps", 12, "--resume", "ck", "--save", "ck", "--save-every", 1, "--keep", 0,
            "--log", "m.csv")
        skipped = [row.split(",")[7] == "1" for row in pathlib.Path("m.csv").read_text().splitlines()[1:]]
        self.assertEqual((len(skipped), sum(skipped)), (12, 6))
        kept = {int(checkpoint.name[5:]): read_states(checkpoint) for checkpoint in checkpoints("ck")}
        # Nothing is saved before a step was done.
        self.assertEqual(set(range(13)) - set(kept), {1} if skipped[0] else set())
        for step in set(kept) & {step + 1 for step in kept}:
            before, after, is_skipped = kept[step - 1], kept[step], skipped[step - 1]
            changed = {name for name in before if before[name] != after[name]}
            if not is_skipped:
                self.assertLessEqual({"w", "b", "w.m", "train.step"}, changed)
                continue
            self.assertLessEqual(changed, {"amp.scale", "amp.growth_tracker", "amp.skipped_steps"})
            scales, trackers, counts = ([np.frombuffer(states["amp." + name], kind)[0] for states in (before, after)]
                                        for name, kind in (("scale", "f4"), ("growth_tracker", "i4"),
                                                           ("skipped_steps", "i4")))
            self.assertEqual((scales[1], trackers[1], counts[1]), (scales[0] / 2, 0, counts[0] + 1))

    def test_no_progress(self):
        """A loss that is never finite ends the run, with a scaler, too."""
        make_data("train.npz", image=np.full((100, 16), np.inf, "f4"))
        self.fails(NUMERIC, "s.vplan", "train", *DATA, "--epochs", 50,
                   says=("step 5: the loss is nan, the 5th in a row that is not finite", "train.npz: 'image' in row",
                         "first non-finite result: forward at model.mlir:1:forward"))

    def test_overflow(self):
        """A model that diverges is named without bad data."""
        make_data("train.npz", image=np.full((100, 16), 1e30, "f4"))
        self.fails(NUMERIC, "m.vplan", "train", *DATA, "--steps", 12,
                   says=("the loss is inf", "--check-numerics names the first op"))
        self.fails(NUMERIC, "m.vplan", "train", *DATA, "--steps", 12, "--check-numerics",
                   says="step 1: a result is not finite (--check-numerics)\n  first non-finite result: loss at")

    def test_states(self):
        """A NaN in the weights is found in the op that reads them first."""
        make_data("train.npz")
        make_plan("nan.vplan", initial="nan")
        process = self.fails(NUMERIC, "nan.vplan", "train", *DATA, "--steps", 6, "--check-numerics",
                   says="step 1: a result is not finite (--check-numerics)\n  'w' holds 64 values that are not "
                        "finite; first non-finite result: forward at model.mlir:1:forward (call 0 of step): 32 NaN, 0 inf among 32 elements of f32 (8, 4), no value is "
                        "finite\n")
        self.assertIn("\n    input w: f32 (4, 16), 64 NaN, 0 inf, no value is finite\n", process.stderr)

    def test_evaluation(self):
        """An evaluation loss that is not finite: eval exits 4, training warns, and exits 4 if it was the last."""
        for value, text in ((np.nan, "nan"), (np.inf, "inf")):
            self.poisoned_data(value)
            os.rename("train.npz", "bad.npz")
            make_data("train.npz")
            process = self.fails(NUMERIC, "m.vplan", "eval", "--data", "bad.npz",
                                 says=(f"error: the loss of rows 48 to 55 of bad.npz is {text}",
                                       "first non-finite result: forward at model.mlir:1:forward",
                                       "the data: bad.npz: 'image' in row 50 is not finite",
                                       "the accuracy over all 96 rows is"))
            self.assertRegex(process.stdout, rf"^RESULT failed code=4 rows=96 loss={text} accuracy=\S+\n$")
            shutil.rmtree("ck", ignore_errors=True)
            process = self.fails(NUMERIC, "m.vplan", "train", *DATA, "--eval-data", "bad.npz", "--epochs", 3,
                                 "--save", "ck", "--log", "m.csv",
                                 says=f"error: the last evaluation: the loss of rows 48 to 55 of bad.npz is {text}")
            self.assertEqual(process.stderr.count("warning: evaluation: the loss of rows 48 to 55"), 2)
            self.assertRegex(process.stdout, r"^RESULT failed code=4 steps=36 loss=\d\S* skipped=0\n$")
            rows = [row.split(",") for row in pathlib.Path("m.csv").read_text().splitlines()]
            self.assertEqual([row[8] for row in rows if row[0] in ("11", "12", "24", "36")], ["", text, text, text])
            # What was trained is there.
            run("m.vplan", "eval", *DATA, "--resume", "ck/step-00000036")
        # Not only bad data: a partial batch of a model whose weights are not finite.
        make_plan("nan.vplan", initial="nan")
        self.fails(NUMERIC, "nan.vplan", "eval", "--data", make_data("few.npz", rows=3),
                   says=("error: the loss of rows 0 to 2 of few.npz is nan\n  'w' holds 64 values", "\n  the accuracy"))


main()
