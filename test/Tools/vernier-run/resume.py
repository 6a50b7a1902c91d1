#===- resume.py - Going on from a checkpoint
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# A resumed run ends with the bits of a run that never stopped (weights, moments,
# counters, metrics.csv), whatever step it stopped at; what does not belong to the
# checkpoint is refused.
# REQUIRES: numpy
# RUN: %python %s %t

import json

from Inputs.runner import *

TOTAL = 50


class Resume(RunnerTest):
    def setUp(self):
        super().setUp()
        make_plan("m.vplan", scale=2**18)  # the first steps are skipped
        make_data("train.npz")

    def train(self, steps, *flags, **options):
        return run("m.vplan", "train", "--data", "train.npz", "--steps", steps, *flags, **options)

    def test_bit_exact(self):
        """20 random stops, each resumed once: same states, same metrics.csv."""
        straight = self.train(TOTAL, "--seed", 7, "--save", "straight", "--log", "straight.csv",
                              "--eval-data", "train.npz").result
        self.assertGreater(int(straight["skipped"]), 0)
        expected = digest(checkpoints("straight")[-1])
        for n in np.random.RandomState(0).choice(np.arange(3, TOTAL), 20, replace=False):
            name = f"part-{n}"
            self.train(n, "--seed", 7, "--save", name, "--log", name + ".csv")
            # The first part had rows of its own for evaluation: none here.
            resumed = self.train(TOTAL, "--resume", name, "--save", name, "--log", name + ".csv").result
            self.assertEqual(digest(checkpoints(name)[-1]), expected, f"stopped at {n}")
            for key in ("steps", "loss", "accuracy", "skipped"):
                self.assertEqual(resumed[key], straight[key], f"stopped at {n}")
            rows = [r.split(",")[:8] for r in pathlib.Path(name + ".csv").read_text().splitlines()]
            self.assertEqual(rows, [r.split(",")[:8] for r in
                                    pathlib.Path("straight.csv").read_text().splitlines()])

    def test_metrics_after_the_checkpoint(self):
        """Rows after the checkpoint (of a run that was killed) are dropped, also half a row."""
        self.train(TOTAL, "--log", "straight.csv")
        self.train(20, "--save", "ck", "--log", "m.csv")
        with open("m.csv", "a") as file:
            file.write("21,1,9,9,9,9,9,0,,\n22,1,9,9")
        self.train(TOTAL, "--resume", "ck", "--log", "m.csv")
        self.assertEqual(pathlib.Path("m.csv").read_text(), pathlib.Path("straight.csv").read_text())

    def test_seed(self):
        """The seed decides initial values and order; the checkpoint keeps it."""
        losses = {self.train(5, "--seed", seed).result["loss"] for seed in (0, 1, 2**64 - 1)}
        self.assertEqual(len(losses), 3)
        self.train(5, "--seed", 3, "--save", "ck")
        self.fails(USAGE, "m.vplan", "train", "--data", "train.npz", "--steps", 9, "--resume", "ck",
                   "--seed", 4, says="--seed 4 differs from the seed of the checkpoint in ck, 3")

    def test_other_runs(self):
        """Other data, batch, model or folder are told apart."""
        self.train(20, "--save", "ck", "--log", "m.csv")
        make_data("other.npz", seed=1)
        go_on = ("--steps", 30, "--resume", "ck")
        self.fails(BAD_FILE, "m.vplan", "train", "--data", "other.npz", *go_on,
                   says=("other.npz: is not the data of the run in ck", "give the same data"))
        make_plan("batch.vplan", scale=2**18, batch=4)
        self.fails(BAD_FILE, "batch.vplan", "train", "--data", "train.npz", *go_on,
                   says="of a run with batches of 8 rows, but the plan has batches of 4")
        make_plan("model.vplan", scale=2**18, classes=5)
        self.fails(BAD_FILE, "model.vplan", "train", "--data", "train.npz", *go_on,
                   says=("of another model", "'w'"))
        self.fails(BAD_FILE, "m.vplan", "eval", "--data", "train.npz", "--resume", "none", says="none")
        os.mkdir("empty")
        self.fails(BAD_FILE, "m.vplan", "eval", "--data", "train.npz", "--resume", "empty",
                   says="there is no checkpoint below 'empty'")
        self.fails(USAGE, "m.vplan", "train", "--data", "train.npz", "--steps", 10, "--resume", "ck",
                   says="is at step 20, beyond the 10 steps")
        # Values in another type are the same data.
        make_data("same.npz", label=np.load("train.npz")["label"].astype("u1"))
        run("m.vplan", "train", "--data", "same.npz", *go_on)

    def test_mixed_checkpoints(self):
        """A new run does not save among the checkpoints of another."""
        self.train(20, "--save", "ck")
        self.fails(USAGE, "m.vplan", "train", "--data", "train.npz", "--steps", 5, "--save", "ck",
                   says=("ck already holds checkpoints, up to step 20", "--resume ck"))

    def test_spelling(self):
        """The folder may be spelt in two ways."""
        self.train(20, "--save", "ck")
        self.train(30, "--resume", "ck", "--save", self.folder / "ck/")
        self.assertEqual(checkpoints("ck")[-1].name, "step-00000030")

    def test_metrics_of_another_tool(self):
        self.train(5, "--save", "ck")
        pathlib.Path("notes.csv").write_text("do not overwrite\n")
        self.fails(BAD_FILE, "m.vplan", "train", "--data", "train.npz", "--steps", 9, "--resume", "ck",
                   "--log", "notes.csv", says="notes.csv: is not a metrics file")
        self.assertEqual(pathlib.Path("notes.csv").read_text(), "do not overwrite\n")

    def test_keep(self):
        """--save-every and --keep: the last three, the end included, whatever it is."""
        self.train(47, "--save", "ck", "--save-every", 10)
        self.assertEqual([c.name for c in checkpoints("ck")],
                         ["step-00000030", "step-00000040", "step-00000047"])
        self.train(47, "--save", "all", "--save-every", 10, "--keep", 0)
        self.assertEqual(len(checkpoints("all")), 5)

    def test_manifest(self):
        """The SHA-256 of each file, as others compute it; one that differs is told apart by itself."""
        self.train(5, "--save", "ck")
        manifest = checkpoints("ck")[0] / "MANIFEST.json"
        content = json.loads(manifest.read_text())
        self.assertEqual([f["name"] for f in content["files"]],
                         ["optimizer.safetensors", "params.safetensors", "state.json"])
        for file in content["files"]:
            data = (manifest.parent / file["name"]).read_bytes()
            self.assertEqual((file["bytes"], file["sha256"]), (len(data), hashlib.sha256(data).hexdigest()))
        content["files"][1]["sha256"] = "0" * 64
        manifest.write_text(json.dumps(content))
        self.fails(BAD_FILE, "m.vplan", "eval", "--data", "train.npz", "--resume", "ck",
                   says="its SHA-256 differs from the manifest's")

    def test_state(self):
        """state.json says where the run is: counters, loss scale, plan, place in the data."""
        result = self.train(30, "--seed", 7, "--save", "ck").result
        plan = json.loads(run("m.vplan", "info", "--json").stdout)
        state = json.loads((checkpoints("ck")[0] / "state.json").read_text())
        self.assertEqual((state["step"], state["plan"]), (30, plan["digest"]))
        self.assertEqual(state["options"], {"model": "tiny", "target": "cpu:test", **plan["options"]})
        rows = pathlib.Path("train.npz")
        self.assertEqual(len(np.load(rows)["label"]) // 8, 12)
        cursor = state["application"]
        self.assertEqual([cursor[key] for key in ("seed", "epoch", "batch_in_epoch", "batch", "rows")], [7, 2, 6, 8, 100])
        self.assertEqual(cursor["skipped"], int(result["skipped"]))
        with open(checkpoints("ck")[0] / "optimizer.safetensors", "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            data = file.read()
        numbers = {**state["counters"], **state["loss_scale"]}
        self.assertGreater(len(numbers), 0)
        for name, value in numbers.items():
            begin, end = header[name]["data_offsets"]
            dtype = {"F32": "f4", "I32": "i4"}[header[name]["dtype"]]
            self.assertEqual(np.frombuffer(data[begin:end], dtype)[0], value, name)

    def test_keep_every(self):
        """--keep-every keeps milestones beside the newest, also those that an earlier run saved."""
        self.train(47, "--save", "ck", "--save-every", 5, "--keep", 2, "--keep-every", 20)
        self.assertEqual([c.name for c in checkpoints("ck")],
                         ["step-00000020", "step-00000040", "step-00000045", "step-00000047"])
        process = self.train(70, "--resume", "ck", "--save", "ck", "--save-every", 10, "--keep", 1, "--keep-every", 20)
        self.assertEqual([c.name for c in checkpoints("ck")],
                         ["step-00000020", "step-00000040", "step-00000060", "step-00000070"])
        self.assertIn("ck, every 10 steps and at the end; keep 1 and each step that is a multiple of 20\n", process.stderr)

    def test_nothing_to_do(self):
        first = self.train(20, "--save", "ck").result
        again = self.train(20, "--resume", "ck", "--save", "ck").result
        self.assertEqual((again["steps"], again["loss"]), ("20", first["loss"]))

    def test_damaged(self):
        """A damaged checkpoint is passed over with a warning; without another it is an error."""
        self.train(30, "--save", "ck", "--save-every", 10)
        expected = digest(checkpoints("ck")[-1])
        for name in ("params.safetensors", "optimizer.safetensors"):
            path = checkpoints("ck")[-1] / name
            content = path.read_bytes()
            for damage in (content[:-1], content[:100] + bytes([content[100] ^ 1]) + content[101:]):
                path.write_bytes(damage)
                process = self.train(30, "--resume", "ck", "--save", "ck")
                self.assertIn("warning: skipped the damaged checkpoint", process.stderr)
                self.assertIn(name, process.stderr)
                # Steps 20 to 30 were done again, and saved over the damaged one.
                self.assertEqual(digest(checkpoints("ck")[-1]), expected)
        for checkpoint in checkpoints("ck"):
            (checkpoint / "params.safetensors").write_bytes(b"")
        self.fails(BAD_FILE, "m.vplan", "eval", "--data", "train.npz", "--resume", "ck",
                   says="there is no valid checkpoint below 'ck'")


main()
