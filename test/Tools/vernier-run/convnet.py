#===- convnet.py - Batch norm, dropout and convolutions on real data
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# examples/digits/convnet.mlir in f32, bf16 and f16: learns, does not depend on
# threads, goes on bit for bit; evaluation changes nothing and looks at each image
# alone; a skipped step changes no statistic and no counter.
# REQUIRES: numpy, compiler
# RUN: %python %s %t

import json
import re
import struct

from Inputs.runner import *
from Inputs.tensors import read_states

DIGITS = pathlib.Path(os.environ["VERNIER_SOURCE"]) / "examples/digits"
DATA = ("--data", DIGITS / "train.npz")
PLANS = {"f32": ("--policy=f32",), "bf16": ("--policy=bf16",),
         "f16": ("--policy=f16", "--loss-scale=dynamic")}


class Convnet(RunnerTest):
    def plan(self, name):
        path = self.folder / f"{name}.vplan"
        subprocess.run(["vernier-compile", DIGITS / "convnet.mlir", "-o", path, "--optimizer=adamw,lr=2e-3",
                        *PLANS[name]], check=True)
        return path

    def test_accuracy(self):
        """At least 97 % of the test images after 8 epochs."""
        for name in PLANS:
            result = run(self.plan(name), "train", *DATA, "--eval-data", DIGITS / "test.npz", "--epochs", 8,
                         "--seed", 1).result
            self.assertGreaterEqual(float(result["eval_accuracy"]), 0.97, name)

    def test_deterministic(self):
        """The same on 1, 2 and 4 threads, and with evaluations in between: all states."""
        for name in PLANS:
            plan, digests = self.plan(name), set()
            for i, flags in enumerate((("--device=cpu:1",), ("--device=cpu:2",),
                                       ("--device=cpu:4", "--eval-data", DIGITS / "test.npz"))):
                run(plan, "train", *DATA, "--steps", 50, "--seed", 5, "--save", f"{name}{i}", *flags)
                digests.add(digest(checkpoints(f"{name}{i}")[0]))
            self.assertEqual(len(digests), 1, name)

    def test_resume(self):
        """Stopped in and between epochs: the bits of the straight run, what dropout drops included."""
        for name in ("f32", "f16"):
            command = (self.plan(name), "train", *DATA)
            run(*command, "--steps", 60, "--save", name)
            expected = digest(checkpoints(name)[0])
            for n in (1, 44, 53):
                folder = f"{name}-{n}"
                run(*command, "--steps", n, "--save", folder)
                run(*command, "--steps", 60, "--resume", folder, "--save", folder)
                self.assertEqual(digest(checkpoints(folder)[-1]), expected, f"{name}, stopped at {n}")

    def test_states(self):
        """Statistics are kept where inference finds them; the counter counts the steps."""
        run(self.plan("bf16"), "train", *DATA, "--steps", 7, "--save", "ck")
        kept = read_states(checkpoints("ck")[0])
        self.assertEqual(struct.unpack("<i", kept["dropout.step"]), (7,))
        self.assertIn(b'"norm1.mean"', (checkpoints("ck")[0] / "params.safetensors").read_bytes())
        self.assertGreater(np.abs(np.frombuffer(kept["norm1.mean"], np.float32)).max(), 0)

    def test_inference(self):
        """The logits of an image depend on it alone: not on its batch, not on chance. They give the accuracy
        that eval finds."""
        plan = self.plan("f32")
        run(plan, "train", *DATA, "--steps", 90, "--save", "ck")
        arrays = dict(np.load(DIGITS / "test.npz"))
        order = np.random.RandomState(0).permutation(len(arrays["label"]))
        np.savez("mixed.npz", **{name: array[order] for name, array in arrays.items()})
        found = []
        for data in (DIGITS / "test.npz", "mixed.npz"):
            run(plan, "predict", "--data", data, "--resume", "ck", "--output", "out.npz")
            found.append(np.load("out.npz")["logits"])
        np.testing.assert_array_equal(found[0][order], found[1])
        accuracy = run(plan, "eval", "--data", DIGITS / "test.npz", "--resume", "ck").result["accuracy"]
        self.assertAlmostEqual(float(accuracy), np.mean(found[0].argmax(1) == arrays["label"]))

    def test_planned_memory(self):
        """What info plans for a device is what a session then takes there, convolutions' work space included;
        train prints it before the first step."""
        for name, threads in (("f32", 1), ("bf16", 1), ("bf16", 3)):
            plan, device = self.plan(name), f"--device=cpu:{threads}"
            planned = json.loads(run(plan, "info", "--json", device).stdout)["memory"]
            process = run(plan, "train", *DATA, "--steps", 1, device)
            self.assertEqual(planned["total"], int(process.result["peak_bytes"]))
            self.assertGreater(planned["device"], 0)
            self.assertIn(f"total               {planned['total'] / (1 << 20):.1f} MiB",
                          re.sub(" {10,}", " " * 15, process.stderr))

    def test_skipped_step(self):
        """A pixel that f16 cannot hold makes its step a no-op, bit for bit, for all but the scaler."""
        arrays = {name: array[:64].copy() for name, array in np.load(DIGITS / "train.npz").items()}
        arrays["image"][7, 5] = 1e38
        np.savez("inf.npz", **arrays)
        run(self.plan("f16"), "train", "--data", "inf.npz", "--steps", 6, "--save", "ck", "--save-every", 1,
            "--keep", 0, "--log", "log.csv")
        rows = [line.split(",") for line in pathlib.Path("log.csv").read_text().splitlines()]
        skipped = [int(row[rows[0].index("skipped")]) for row in rows[1:]]
        self.assertEqual(sum(skipped), 3)  # two batches in each of three epochs
        for before, after, isSkipped in zip(checkpoints("ck"), checkpoints("ck")[1:], skipped[1:]):
            was, now = read_states(before), read_states(after)
            changed = {name for name in was if was[name] != now[name]}
            if isSkipped:
                self.assertEqual({name for name in changed if not name.startswith("amp.")}, set())
            else:
                self.assertLessEqual({"norm1.mean", "norm3.var", "dropout.step", "conv2.weight", "train.step"}, changed)


main()
