#===- auto-policy.py - Precisions chosen from measured numbers, in training
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# --policy=auto: on sound models it is the bf16 policy, bit for bit; a layer that
# bf16 would ruin stays in f32 and the rest does not; more budget never means less
# in 16 bits.
# REQUIRES: numpy, compiler
# RUN: %python %s %t

import re

from Inputs.runner import *

SOURCE = pathlib.Path(os.environ["VERNIER_SOURCE"])
DIGITS = SOURCE / "examples/digits"
OFFSET = SOURCE / "test/Tools/vernier-run/Inputs/offset.mlir"
OPTIMIZER = "--optimizer=adam,lr=1e-3"


def compile_model(model, plan, *flags, code=0):
    process = subprocess.run(["vernier-compile", model, "-o", plan, OPTIMIZER, *map(str, flags)], capture_output=True, text=True)
    assert process.returncode == code, process.stderr
    return process.stderr


def compile_auto(model, *flags):
    """The number of contractions in 16 bits, their type, and how many there are."""
    summary = compile_model(model, "auto.vplan", "--policy=auto", "--profile=p.json", "--write-policy=auto.yaml", *flags)
    narrow, whole, kind = re.search(r"policy auto: (\d+) of (\d+) contractions in (\w+)", summary).groups()
    return int(narrow), kind, int(whole)


def record(model, data, epochs):
    compile_model(model, "f32.vplan", "--policy=f32")
    run("f32.vplan", "train", "--data", data, "--epochs", epochs, "--seed", 1, "--profile-numerics", "p.json")


def forwards(policy="auto.yaml"):
    """The compute type of each forward op, in order."""
    return re.findall(r"^    compute: (\w+)$", pathlib.Path(policy).read_text(), re.M)


class AutoPolicy(RunnerTest):
    def test_sound(self):
        """At the default budget the digits models are what --policy=bf16 makes of them: as fast, as accurate."""
        for model, flags in (("mlp.mlir", ()), ("convnet.mlir", ())):
            record(DIGITS / model, DIGITS / "train.npz", 3)
            narrow, kind, whole = compile_auto(DIGITS / model)
            self.assertEqual((narrow, kind), (whole, "bf16"), model)
            compile_model(DIGITS / model, "bf16.vplan", "--policy=bf16")
            digests, accuracies = set(), {}
            for name in ("f32", "bf16", "auto"):
                result = run(f"{name}.vplan", "train", "--data", DIGITS / "train.npz", "--eval-data", DIGITS / "test.npz",
                             "--epochs", 6, "--seed", 1, "--save", f"{model}-{name}").result
                accuracies[name] = float(result["eval_accuracy"])
                if name != "f32":
                    digests.add(digest(checkpoints(f"{model}-{name}")[0]))
            self.assertEqual(len(digests), 1, model)
            self.assertGreater(accuracies["auto"], accuracies["f32"] - 0.01, model)

    def test_planted(self):
        """A first layer whose input has a large common offset: f32 there, bf16 elsewhere, and accuracy is kept."""
        images = dict(np.load(DIGITS / "train.npz"))
        images["image"] = images["image"].astype(np.float32) + 1000
        np.savez("offset.npz", **images)
        record(OFFSET, "offset.npz", 5)
        narrow, kind, whole = compile_auto(OFFSET)
        self.assertEqual((narrow, kind, whole), (3, "bf16", 5))
        self.assertEqual(forwards(), ["f32", "bf16"])
        self.assertRegex(pathlib.Path("auto.yaml").read_text(), r"forward f32: bf16 would change the loss by \d+ %; rhs gradient f32")
        compile_model(OFFSET, "bf16.vplan", "--policy=bf16")
        # In each step statistics are those of the batch: the rows of training tell what was learnt.
        accuracy = {name: float(run(f"{name}.vplan", "train", "--data", "offset.npz", "--epochs", 10, "--seed", 1).result["accuracy"])
                    for name in ("f32", "bf16", "auto")}
        self.assertGreater(accuracy["f32"], 0.95)
        self.assertLess(accuracy["bf16"], 0.5)
        self.assertGreater(accuracy["auto"], accuracy["f32"] - 0.01)
        # The policy that was written does the same.
        compile_model(OFFSET, "again.vplan", "--policy=auto.yaml")
        digests = set()
        for name in ("auto", "again"):
            run(f"{name}.vplan", "train", "--data", "offset.npz", "--steps", 20, "--save", name)
            digests.add(digest(checkpoints(name)[0]))
        self.assertEqual(len(digests), 1)

    def test_budgets(self):
        """Nothing for nearly nothing, everything for much, and never less for more; all of them compile and train."""
        record(DIGITS / "mlp.mlir", DIGITS / "train.npz", 3)
        counts = []
        for budget in (1e-9, 1e-5, 1e-4, 3e-4, 5e-4, 7e-4, 1e-3, 2e-3, 4e-3, 5e-3, 6e-3, 1e-2, 0.1, 10):
            narrow, kind, whole = compile_auto(DIGITS / "mlp.mlir", f"--error-budget={budget}")
            counts.append(narrow)
            estimated, given = map(float, re.search(r"error (\S+) of a budget of ([\d.e+-]+)", pathlib.Path("auto.yaml").read_text()).groups())
            self.assertLessEqual(estimated, given)
            run("auto.vplan", "train", "--data", DIGITS / "train.npz", "--steps", 3)
            if budget == 1e-3:  # f16 would cover more, and does
                self.assertEqual(compile_auto(DIGITS / "mlp.mlir", "--error-budget=0.001", "--auto-compute=f16"), (whole, "f16", whole))
                result = run("auto.vplan", "train", "--data", DIGITS / "train.npz", "--epochs", 3).result
                self.assertGreater(float(result["accuracy"]), 0.9)
                compile_auto(DIGITS / "mlp.mlir", f"--error-budget={budget}")
        self.assertEqual(counts[0], 0)
        self.assertEqual((counts[-1], kind), (whole, "bf16"))
        self.assertEqual(counts, sorted(counts))
        self.assertGreater(len(set(counts)), 2)
        self.assertEqual(set(forwards()), {"bf16"})

    def test_explained(self):
        """The explanation has the reason of each op with its numbers, and the summary."""
        record(DIGITS / "mlp.mlir", DIGITS / "train.npz", 1)
        compile_model(DIGITS / "mlp.mlir", "auto.vplan", "--policy=auto", "--profile=p.json", "--explain=json", "--explain-file=e.json")
        text = pathlib.Path("e.json").read_text()
        self.assertRegex(text, r"forward bf16 \([\d.]+ % of the loss\); rhs gradient bf16 \([\d.]+ %\); [\d.]+ % of the budget")
        self.assertRegex(text, r'"assignment": "8 of 8 contractions in bf16, gradients included; estimated error')
        self.assertIn("auto/overrides[0]: low", text)

    def test_refused(self):
        """Flags that do not go together, a profile of another model or of 16 bits, a file that is not there."""
        model = DIGITS / "mlp.mlir"
        record(model, DIGITS / "train.npz", 1)
        for flags, code, says in (
                (("--policy=auto",), USAGE, "--policy=auto needs --profile=FILE"),
                (("--policy=f16", "--profile=q.json"), BAD_FILE, "cannot read profile 'q.json': No such file or directory"),
                (("--error-budget=1",), USAGE, "--error-budget is for --policy=auto"),
                (("--policy=auto", "--profile=p.json", "--error-budget=-1"), USAGE, "--error-budget: '-1' is not a positive number"),
                (("--policy=auto", "--profile=p.json", "--error-budget=nan"), USAGE, "'nan' is not a positive number"),
                (("--policy=auto", "--profile=p.json", "--auto-compute=i8"), USAGE, "--auto-compute: unknown type 'i8'"),
                (("--policy=auto", "--profile=p.json", "--write-policy=x", "--emit=amp"), USAGE, "--write-policy needs the whole compile"),
                (("--policy=auto", "--profile=q.json"), BAD_FILE, "cannot read profile 'q.json': No such file or directory")):
            self.assertIn(says, compile_model(model, "x.vplan", *flags, code=code))
        self.assertIn("the profile is of another model, 'mlp': there is no parameter 'conv1.weight' in it",
                      compile_model(DIGITS / "convnet.mlir", "x.vplan", "--policy=auto", "--profile=p.json", code=FAILED))
        self.assertIn("the profile is of another model",
                      compile_model(DIGITS / "convnet.mlir", "x.vplan", "--policy=f16", "--profile=p.json", code=FAILED))
        compile_model(model, "f16.vplan", "--policy=f16", "--profile=p.json")
        compile_model(model, "bf16.vplan", "--policy=bf16")
        run("bf16.vplan", "train", "--data", DIGITS / "train.npz", "--steps", 3, "--profile-numerics", "b.json")
        self.assertIn("record one of a plan compiled with --policy=f32",
                      compile_model(model, "x.vplan", "--policy=auto", "--profile=b.json", code=FAILED))
        self.assertFalse(pathlib.Path("x.vplan").exists())


main()
