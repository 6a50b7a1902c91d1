#===- skipped-steps.py - A skipped step changes nothing
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# With each optimizer: after a step that the scaler skipped, all states but the
# scaler's own have the bits that they had before it.
# REQUIRES: numpy, compiler
# RUN: %python %s %t

from Inputs.runner import *
from Inputs.tensors import read_states

DIGITS = pathlib.Path(os.environ["VERNIER_SOURCE"]) / "examples/digits"
STEPS = 14
# The settings, and the states that each parameter then has.
OPTIMIZERS = {"sgd,lr=0.1": (), "sgd,lr=0.1,momentum=0.9,nesterov=true,weight_decay=0.01": ("momentum",),
              "adam,lr=1e-3,clip_norm=1": ("m", "v"),
              "adamw,lr=1e-3,ema_decay=0.9,schedule=cosine,warmup_steps=2,total_steps=20": ("m", "v", "ema")}


class SkippedSteps(RunnerTest):
    def trace(self, optimizer):
        """By step, states before and after, whether the loss was finite, whether it was skipped."""
        subprocess.run(["vernier-compile", DIGITS / "mlp.mlir", "-o", "m.vplan", f"--optimizer={optimizer}",
                        "--policy=f16", "--loss-scale=dynamic,init=1024,growth_interval=1,growth_factor=1024"], check=True)
        shutil.rmtree("ck", ignore_errors=True)
        run("m.vplan", "train", "--data", "data.npz", "--steps", 0, "--save", "ck")
        run("m.vplan", "train", "--data", "data.npz", "--steps", STEPS, "--resume", "ck", "--save", "ck",
            "--save-every", 1, "--keep", 0, "--log", "log.csv")
        kept = {int(checkpoint.name[5:]): read_states(checkpoint) for checkpoint in checkpoints("ck")}
        header, *rows = [line.split(",") for line in pathlib.Path("log.csv").read_text().splitlines()]
        column = {name: [row[header.index(name)] for row in rows] for name in ("loss", "skipped")}
        # Nothing is saved before a step was done.
        return {step: (kept[step - 1], kept[step], np.isfinite(float(column["loss"][step - 1])),
                       column["skipped"][step - 1] == "1") for step in kept if step - 1 in kept}

    def test_neutral(self):
        """Of gradients alone that overflow (the scale grows too fast), and of data that are not finite."""
        arrays = {name: array[:96].copy() for name, array in np.load(DIGITS / "train.npz").items()}
        arrays["image"][40, 5] = np.nan
        np.savez("data.npz", **arrays)
        for optimizer, moments in OPTIMIZERS.items():
            steps = self.trace(optimizer)
            kinds = {(is_finite, is_skipped) for _, _, is_finite, is_skipped in steps.values()}
            self.assertEqual(kinds, {(True, False), (True, True), (False, True)}, optimizer)
            for step, (before, after, _, is_skipped) in steps.items():
                where = f"{optimizer}, step {step}"
                changed = {name for name in before if before[name] != after[name]}
                if is_skipped:
                    self.assertEqual({name for name in changed if not name.startswith("amp.")}, set(), where)
                    scale = [np.frombuffer(states["amp.scale"], "f4")[0] for states in (before, after)]
                    self.assertEqual(scale[1], scale[0] / 2, where)
                else:
                    names = {"fc1.weight", *(f"fc1.weight.{moment}" for moment in moments)}
                    self.assertLessEqual(names, changed, where)


main()
