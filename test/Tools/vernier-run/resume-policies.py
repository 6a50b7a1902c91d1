#===- resume-policies.py - Going on in another precision
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# A run goes on with another policy or another number of micro-batches: the
# trajectory is NumPy's, continued from the weights and moments of the checkpoint;
# states of the loss scaler come and go, and that is said. Another optimizer, model
# or batch is refused with what differs.
# REQUIRES: numpy, compiler
# RUN: %python %s %t

import json

from Inputs.runner import *
from Inputs.tensors import read_states

LR, MOMENTUM = 0.25, 0.9
MODEL = """module @softmax {
  ml_program.global private mutable @w(#train.kaiming) : tensor<CxFxf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<BxFxf32> {train.name = "x"}, %y: tensor<Bxi32> {train.name = "y"})
      -> (tensor<f32> {train.name = "loss"}) {
    %w = ml_program.global_load @w : tensor<CxFxf32>
    %z = train.linear %x, %w : (tensor<BxFxf32>, tensor<CxFxf32>) -> tensor<BxCxf32>
    %l = train.cross_entropy %z, %y : (tensor<BxCxf32>, tensor<Bxi32>) -> tensor<f32>
    return %l : tensor<f32>
  }
}
"""


def compile_plan(name, policy="f16", optimizer=f"sgd,lr={LR},momentum={MOMENTUM}", batch=16, classes=8, flags=()):
    text = MODEL.replace("CxF", f"{classes}x8").replace("BxF", f"{batch}x8").replace("BxC", f"{batch}x{classes}")
    pathlib.Path("m.mlir").write_text(text.replace("Bx", f"{batch}x"))
    subprocess.run(["vernier-compile", "m.mlir", "-o", name, f"--policy={policy}", f"--optimizer={optimizer}", *flags],
                   check=True)
    return name


def simulate(w, momentum, x, y, steps):
    """Losses of softmax regression on all rows at once, from these weights and moments, in float64."""
    w, momentum, losses = w.astype(np.float64), momentum.astype(np.float64), []
    for _ in range(steps):
        logits = x @ w.T
        probability = np.exp(logits - logits.max(1, keepdims=True))
        probability /= probability.sum(1, keepdims=True)
        losses.append(-np.log(probability[np.arange(len(y)), y]).mean())
        momentum = MOMENTUM * momentum + (probability - np.eye(w.shape[0])[y]).T @ x / len(y)
        w = w - LR * momentum
    return losses


def log_rows(path, first):
    """(epochs, losses) from step `first` on."""
    rows = [row.split(",") for row in pathlib.Path(path).read_text().splitlines()[1:]]
    rows = [row for row in rows if int(row[0]) >= first]
    return [int(row[1]) for row in rows], [float(row[2]) for row in rows]


class ResumePolicies(RunnerTest):
    def setUp(self):
        super().setUp()
        random = np.random.RandomState(0)
        self.x, self.y = random.randn(32, 8).astype(np.float32), random.randint(0, 8, 32).astype(np.int32)
        # One batch is an epoch, so that the order of rows does not matter.
        np.savez("one.npz", x=self.x[:16], y=self.y[:16])
        np.savez("two.npz", x=self.x, y=self.y)

    def matrix(self, checkpoint, name):
        return np.frombuffer(read_states(checkpoint)[name], np.float32).reshape(8, 8)

    def go_on(self, before, after, says):
        """8 steps with one plan, 8 with another; losses of the latter, and NumPy's."""
        run(before, "train", "--data", "one.npz", "--steps", 8, "--save", "ck")
        w, momentum = (self.matrix(checkpoints("ck")[0], name) for name in ("w", "w.momentum"))
        process = run(after, "train", "--data", "one.npz", "--steps", 16, "--resume", "ck", "--save", "ck", "--log", "log.csv")
        for text in says:
            self.assertIn(text, process.stderr)
        epochs, losses = log_rows("log.csv", 9)
        self.assertEqual(epochs, list(range(9, 17)))
        # The same weights without the moments are another trajectory.
        run(after, "train", "--data", "one.npz", "--steps", 8, "--init", "ck/step-00000008", "--log", "init.csv")
        reference = simulate(w, momentum, self.x[:16], self.y[:16], 8)
        anew = simulate(w, 0 * momentum, self.x[:16], self.y[:16], 8)
        self.assertGreater(abs(anew[-1] / reference[-1] - 1), 0.02)
        return losses, reference, log_rows("init.csv", 1)[1], anew

    def test_policies(self):
        """f16 to bf16 and f32, f32 and bf16 to f16: within the digits of the new type."""
        dynamic = ("--loss-scale=dynamic",)
        for i, (before, after, tolerance, says) in enumerate((
                (("f16", dynamic), ("bf16", ()), 2e-2, ("policy: f16, now bf16", "the loss scaler's states are dropped: 'amp.")),
                (("f16", dynamic), ("f32", ()), 1e-5, ("policy: f16, now f32", "the loss scaler's states are dropped: 'amp.")),
                (("f32", ()), ("f16", dynamic), 2e-3, ("policy: f32, now f16", "the loss scaler starts anew: 'amp.scale'")),
                (("bf16", ()), ("f16", dynamic), 2e-3, ("policy: bf16, now f16", "the loss scaler starts anew: 'amp.scale'")))):
            os.makedirs(str(i))
            os.chdir(str(i))
            shutil.copy("../one.npz", ".")
            plans = [compile_plan(name, policy, flags=flags)
                     for name, (policy, flags) in (("before.vplan", before), ("after.vplan", after))]
            losses, reference, init, anew = self.go_on(*plans, says)
            np.testing.assert_allclose(losses, reference, rtol=tolerance)
            np.testing.assert_allclose(init, anew, rtol=tolerance)
            if after[0] == "f16":  # from its initial value, as GradScaler's
                state = json.loads((checkpoints("ck")[-1] / "state.json").read_text())
                self.assertEqual(state["loss_scale"]["amp.scale"], 65536)
                self.assertEqual(state["loss_scale"]["amp.growth_tracker"], 8)
                self.assertEqual(state["counters"]["train.step"], 16)
            os.chdir("..")

    def test_without_moments(self):
        """Plain descent: what goes on is what starts from the same weights."""
        flags = {"optimizer": "sgd,lr=0.1"}
        compile_plan("f16.vplan", **flags)
        run("f16.vplan", "train", "--data", "one.npz", "--steps", 8, "--save", "ck")
        for policy in ("bf16", "f32"):
            compile_plan("other.vplan", policy, **flags)
            run("other.vplan", "train", "--data", "one.npz", "--steps", 16, "--resume", "ck", "--log", policy + ".csv")
            run("other.vplan", "train", "--data", "one.npz", "--steps", 8, "--init", "ck", "--log", policy + "-init.csv")
            # The rows of the batch come in another order.
            np.testing.assert_allclose(log_rows(policy + ".csv", 9)[1], log_rows(policy + "-init.csv", 1)[1], rtol=2e-6)

    def test_accumulation(self):
        """From batches to windows of two and back: each epoch reads each row once, the epochs go on."""
        compile_plan("one.vplan", "f32")
        compile_plan("two.vplan", "f32", flags=("--accumulate=2",))
        run("one.vplan", "train", "--data", "two.npz", "--steps", 8, "--save", "ck")
        w, momentum = (self.matrix(checkpoints("ck")[0], name) for name in ("w", "w.momentum"))
        process = run("two.vplan", "train", "--data", "two.npz", "--epochs", 10, "--resume", "ck", "--save", "ck", "--log", "log.csv")
        self.assertIn("the sums of micro-batches start empty: 'w.grad', 'train.micro_step'", process.stderr)
        epochs, losses = log_rows("log.csv", 9)
        self.assertEqual(epochs, list(range(5, 11)))  # 8 steps were 4 epochs
        np.testing.assert_allclose(losses, simulate(w, momentum, self.x, self.y, 6), rtol=1e-5)
        state = json.loads((checkpoints("ck")[-1] / "state.json").read_text())
        self.assertEqual((state["step"], state["application"]["epoch"], state["application"]["batch_in_epoch"]), (14, 10, 0))
        # Stopped and resumed in between: the same bits.
        run("two.vplan", "train", "--data", "two.npz", "--epochs", 7, "--resume", "ck/step-00000008", "--save", "part")
        run("two.vplan", "train", "--data", "two.npz", "--epochs", 10, "--resume", "part", "--save", "part")
        self.assertEqual(digest(checkpoints("part")[-1]), digest(checkpoints("ck")[-1]))
        # And back.
        process = run("one.vplan", "train", "--data", "two.npz", "--epochs", 11, "--resume", "ck", "--log", "back.csv")
        self.assertIn("the sums of micro-batches are dropped, empty: 'train.micro_step', 'w.grad'", process.stderr)
        self.assertEqual(log_rows("back.csv", 15)[0], [11, 11])
        self.fails(USAGE, "one.vplan", "train", "--data", "two.npz", "--epochs", 9, "--resume", "ck", says="beyond the")
        # One batch is no window.
        run("one.vplan", "train", "--data", "two.npz", "--steps", 7, "--save", "odd")
        self.fails(BAD_FILE, "two.vplan", "train", "--data", "two.npz", "--steps", 9, "--resume", "odd",
                   says=("1 batches into an epoch", "no whole windows of 2", "--init odd"))

    def test_refused(self):
        """What differs is named, and --init offered."""
        compile_plan("m.vplan")
        run("m.vplan", "train", "--data", "one.npz", "--steps", 8, "--save", "ck")
        for name, says, keys in (
                ("another optimizer", ("of a run with another optimizer: it has no 'w.m', 'w.v', which the plan has; "
                                       "it has 'w.momentum', which the plan does not have", "(--init)"),
                 {"optimizer": "adamw,lr=1e-3"}),
                ("no moments", ("another optimizer: it has 'w.momentum', which the plan does not have", "(--init)"),
                 {"optimizer": "sgd,lr=0.1"}),
                ("another model", ("of another model: 'w' is f32[8, 8], in the plan it is f32[9, 8]", "(--init)"), {"classes": 9}),
                ("another batch", ("batches of 16 rows, but the plan has batches of 8", "--init ck"), {"batch": 8})):
            compile_plan("other.vplan", **keys)
            self.fails(BAD_FILE, "other.vplan", "train", "--data", "one.npz", "--steps", 16, "--resume", "ck", says=says)
            if name != "another model":
                run("other.vplan", "train", "--data", "one.npz", "--steps", 2, "--init", "ck")


if __name__ == "__main__":
    main()
