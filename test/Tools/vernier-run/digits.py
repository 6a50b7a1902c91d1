#===- digits.py - A compiled model on real data
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# examples/digits in f32, bf16 and f16: learns, does not depend on threads, goes
# on bit for bit, and stays the same under --check-numerics.
# REQUIRES: numpy, compiler
# RUN: %python %s %t

import json

from Inputs.runner import *

DIGITS = pathlib.Path(os.environ["VERNIER_SOURCE"]) / "examples/digits"
DATA = ("--data", DIGITS / "train.npz")
PLANS = {"f32": ("--policy=f32",), "bf16": ("--policy=bf16",),
         "f16": ("--policy=f16", "--loss-scale=dynamic")}


class Digits(RunnerTest):
    def plan(self, name, *flags):
        path = self.folder / f"{name}.vplan"
        subprocess.run(["vernier-compile", DIGITS / "mlp.mlir", "-o", path, "--optimizer=adamw,lr=1e-3",
                        *PLANS[name], *flags], check=True)
        return path

    def test_accuracy(self):
        """More than 97 % of the test images within 30 epochs, the best of which is taken."""
        for name in PLANS:
            run(self.plan(name), "train", *DATA, "--eval-data", DIGITS / "test.npz", "--epochs", 30,
                "--device=cpu:1", "--log", name + ".csv")
            rows = [row.split(",") for row in pathlib.Path(name + ".csv").read_text().splitlines()[1:]]
            self.assertGreater(max(float(row[9]) for row in rows if row[9]), 0.97, name)
            self.assertGreater(float(rows[-1][9]), 0.965, name)

    def test_deterministic(self):
        """Twice the same, and on 1, 2 and 4 threads: all parameters and moments."""
        for name in PLANS:
            plan, digests = self.plan(name), set()
            for i, device in enumerate(("cpu:1", "cpu:1", "cpu:2", "cpu:4")):
                run(plan, "train", *DATA, "--steps", 20, "--seed", 5, "--save", f"{name}{i}", f"--device={device}")
                digests.add(digest(checkpoints(f"{name}{i}")[0]))
            self.assertEqual(len(digests), 1, name)

    def test_resume(self):
        """Stopped at 5 random steps, in and between epochs: the bits of the straight run."""
        for name in ("bf16", "f16"):
            command = (self.plan(name), "train", *DATA, "--device=cpu:1")
            run(*command, "--steps", 100, "--save", name)
            expected = digest(checkpoints(name)[0])
            for n in (1, 44, *np.random.RandomState(1).randint(2, 100, 3)):
                folder = f"{name}-{n}"
                run(*command, "--steps", n, "--save", folder)
                run(*command, "--steps", 100, "--resume", folder, "--save", folder)
                self.assertEqual(digest(checkpoints(folder)[-1]), expected, f"{name}, stopped at {n}")

    def test_other_options(self):
        """Going on with a plan of other options is said, once, option by option; with the same plan nothing is."""
        def plan(name, *flags):
            subprocess.run(["vernier-compile", DIGITS / "mlp.mlir", "-o", name, *flags], check=True)
            return name
        first = plan("a.vplan", "--policy=f16", "--optimizer=sgd,lr=0.1,momentum=0.9", "--loss-scale=dynamic")
        run(first, "train", *DATA, "--steps", 5, "--save", "ck")
        go_on = ("train", *DATA, "--steps", 6, "--resume", "ck")
        self.assertNotIn("warning", run(first, *go_on).stderr)
        other = plan("b.vplan", "--policy=f16", "--optimizer=sgd,lr=0.2,momentum=0.9", "--loss-scale=dynamic,init=8")
        self.assertIn("warning: the checkpoint 'ck/step-00000005' is of another plan; training goes on as this one says:\n"
                      "  optimizer: sgd,lr=0.1,momentum=0.9, now sgd,lr=0.2,momentum=0.9\n"
                      "  loss-scale: dynamic, now dynamic,init=8\n", run(other, *go_on).stderr)
        strategy = plan("c.vplan", "--policy=f16", "--optimizer=sgd,lr=0.1,momentum=0.9", "--loss-scale=dynamic",
                        "--strategy=min-cut")
        self.assertIn("\n  strategy: (default), now min-cut\n", run(strategy, *go_on).stderr)
        # A changed policy file has the same name.
        pathlib.Path("p.yaml").write_text("name: p\ncompute: bf16\n")
        named = ("--policy=p.yaml", "--optimizer=sgd,lr=0.1")
        run(plan("d.vplan", *named), "train", *DATA, "--steps", 5, "--save", "ck2")
        pathlib.Path("p.yaml").write_text("name: p\ncompute: tf32\n")
        self.assertIn("its options are the same; the model, a policy file",
                      run(plan("d.vplan", *named), "train", *DATA, "--steps", 6, "--resume", "ck2").stderr)
        # The checkpoint says it to others too.
        state = json.loads((checkpoints("ck")[0] / "state.json").read_text())
        self.assertEqual(state["options"]["optimizer"], "sgd,lr=0.1,momentum=0.9")

    def test_other_optimizer(self):
        """To evaluate and predict, parameters are enough: of whatever optimizer, policy and average."""
        results, plans = {}, {}
        for name, flags in (("sgd", ("--optimizer=sgd,lr=0.1",)), ("adamw", ("--optimizer=adamw",)),
                            ("scaled", ("--optimizer=adamw", "--policy=f16", "--loss-scale=dynamic")),
                            ("ema", ("--optimizer=adam,ema_decay=0.9",))):
            plans[name] = f"{name}.vplan"
            subprocess.run(["vernier-compile", DIGITS / "mlp.mlir", "-o", plans[name], *flags], check=True)
        for trained, plan in plans.items():
            run(plan, "train", *DATA, "--steps", 20, "--save", trained)
            for other, evaluating in plans.items():
                process = run(evaluating, "eval", "--data", DIGITS / "test.npz", "--resume", trained)
                self.assertIn(f"loaded step 20 from {trained}", process.stderr)
                self.assertEqual("which the plan does not have" in process.stderr, (trained == "ema") > (other == "ema"))
                results[trained, other] = process.result["loss"]
            self.assertEqual(len({results[trained, other] for other in plans if other != "scaled"}), 1, results)
            run(plans["sgd"], "predict", "--data", DIGITS / "test.npz", "--resume", trained, "--output", "o.npz")
        # To train they are not: moments are missing.
        self.fails(BAD_FILE, plans["adamw"], "train", *DATA, "--steps", 30, "--resume", "sgd",
                   says="the checkpoint 'sgd/step-00000020' is of a run with another optimizer: it has no")

    def test_check_numerics_of_kernels(self):
        """--check-numerics names all ops of a kernel, for any may be the first; and first what came in."""
        pathlib.Path("log.mlir").write_text("""module @m {
  ml_program.global private mutable @w(#train.constant<0.5>) : tensor<64xf32> {train.role = "parameter"}
  func.func @loss(%x: tensor<4x64xf32> {train.name = "x"}) -> (tensor<f32> {train.name = "loss"}) {
    %w = ml_program.global_load @w : tensor<64xf32>
    %b = train.broadcast %w dims = [1] : tensor<64xf32> -> tensor<4x64xf32>
    %a = arith.mulf %x, %b : tensor<4x64xf32>
    %e = math.log %a : tensor<4x64xf32>
    %s = train.reduce mean %e dims = [0, 1] : tensor<4x64xf32> -> tensor<f32>
    return %s : tensor<f32>
  }
}
""")
        subprocess.run(["vernier-compile", "log.mlir", "-o", "log.vplan", "--optimizer=sgd,lr=0"], check=True)
        np.savez("log.npz", x=np.full((4, 64), -1, "f4"))
        self.fails(NUMERIC, "log.vplan", "train", "--data", "log.npz", "--steps", 1, "--check-numerics",
                   says=("\n  first non-finite result: the kernel of loss/train.broadcast@w at log.mlir:5:10, "
                         "loss/arith.mulf at log.mlir:6:10, loss/math.log at log.mlir:7:10", "(call 0 of step)"))
        arrays = dict(np.load(DIGITS / "train.npz"))
        arrays["image"][:] = np.nan
        np.savez("nan.npz", **arrays)
        self.fails(NUMERIC, self.plan("bf16"), "train", "--data", "nan.npz", "--steps", 1, "--check-numerics",
                   says="\n  'image' holds 2048 values that are not finite; first non-finite result: the kernel of "
                        "predict/train.linear@fc1.weight at mlp.mlir:20:11, argument at mlp.mlir:28:19 (call 0 of step)")

    def test_planned_memory(self):
        """What info plans for a device is what a session then takes there."""
        plan = self.plan("bf16")
        for device in ("--device=cpu:1", "--device=cpu:3"):
            planned = json.loads(run(plan, "info", "--json", device).stdout)["memory"]["total"]
            self.assertEqual(planned, int(run(plan, "train", *DATA, "--steps", 1, device).result["peak_bytes"]))

    def test_other_policy(self):
        """A checkpoint of one precision goes on in another: the same states, named alike."""
        run(self.plan("f32"), "train", *DATA, "--steps", 44, "--save", "ck")
        run(self.plan("bf16"), "train", *DATA, "--steps", 60, "--resume", "ck", "--save", "ck")

    def test_check_numerics(self):
        """Watching changes nothing; a NaN in an image is traced to the op that reads it."""
        plan = self.plan("bf16")
        command = (plan, "train", *DATA, "--steps", 20, "--device=cpu:1")
        run(*command, "--save", "plain")
        run(*command, "--save", "watched", "--check-numerics")
        self.assertEqual(digest(checkpoints("plain")[0]), digest(checkpoints("watched")[0]))
        arrays = dict(np.load(DIGITS / "train.npz"))
        arrays["image"][7, 5] = np.nan
        np.savez("nan.npz", **arrays)
        process = self.fails(NUMERIC, plan, "train", "--data", "nan.npz", "--epochs", 1, "--check-numerics",
                             says=("first non-finite result: ", "mlp.mlir:", "nan.npz: 'image' in row 7 is not finite"))
        self.assertIn("1 NaN", process.stderr)

    def test_profile(self):
        """The profile of a compiled step: forward and backward matmuls with their rates."""
        stderr = run(self.plan("f32"), "bench", "--steps", 5, "--profile").stderr
        self.assertRegex(stderr, r"(?m)^ +[\d.]+ +[\d.]+ % +1 +[\d.]+ GFLOP/s +forward +predict/train\.linear@fc\d\.weight at mlp\.mlir:\d+:\d+$")
        self.assertRegex(stderr, r"(?m)^ +[\d.]+ +[\d.]+ % +\d +[\d.]+ GFLOP/s +backward +weight gradient of predict/train\.linear@fc\d\.weight at mlp\.mlir:\d+:\d+$")

    def test_precision_summary(self):
        stderr = run(self.plan("bf16"), "train", *DATA, "--steps", 1).stderr
        self.assertRegex(stderr, r"precision  bf16 \d+ ops 9\d\.\d % of FLOPs, f32 \d+ ops \d\.\d %")


main()
