#===- verbs.py - What each verb does when all is well, and with bad plans
#
# Part of the Vernier project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for licence information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===----------------------------------------------------------------------===#
#
# info, train, eval, predict and bench on a small plan; plans that are damaged or
# of another machine.
# REQUIRES: numpy
# RUN: %python %s %t

import json
import re

from Inputs.runner import *


class Verbs(RunnerTest):
    def setUp(self):
        super().setUp()
        make_plan("m.vplan")
        make_data("train.npz")
        make_data("test.npz", rows=37, seed=1)

    def trained(self, *flags):
        return run("m.vplan", "train", "--data", "train.npz", "--epochs", 10, "--save", "ck", *flags)

    def test_torn_registration(self):
        """What a process killed in OpenMP's start leaves behind, under our number."""
        def tear():
            open(f"/dev/shm/__KMP_REGISTERED_LIB_{os.getpid()}_{os.getuid()}", "w").close()
        run("m.vplan", "bench", "--steps", 1, preexec_fn=tear)

    def test_train(self):
        result = self.trained("--eval-data", "test.npz", "--log", "m.csv").result
        self.assertEqual(result["steps"], "120")  # 12 whole batches in an epoch
        self.assertEqual(float(result["eval_accuracy"]), 1)
        rows = [row.split(",") for row in pathlib.Path("m.csv").read_text().splitlines()]
        self.assertEqual(rows[0], "step,epoch,loss,accuracy,learning_rate,grad_norm,loss_scale,skipped,eval_loss,"
                                  "eval_accuracy,clip_factor,overflow".split(","))
        self.assertEqual([row[0] for row in rows[1:]], [str(i) for i in range(1, 121)])
        self.assertEqual([row[1] for row in rows[1:]], [str(i // 12 + 1) for i in range(120)])
        # Evaluated after each epoch, and only then.
        self.assertEqual([row[0] for row in rows[1:] if row[8]], [str(12 * i) for i in range(1, 11)])
        self.assertEqual(rows[-1][2], result["loss"])
        self.assertEqual(rows[-1][8], result["eval_loss"])

    def test_every_row_once(self):
        """An epoch takes each row once at most, in another order each time."""
        make_data("rows.npz", rows=96)
        run("m.vplan", "train", "--data", "rows.npz", "--epochs", 2, "--log", "a.csv")
        losses = [row.split(",")[2] for row in pathlib.Path("a.csv").read_text().splitlines()[1:]]
        self.assertEqual(len(set(losses)), 24)

    def test_deterministic(self):
        """The same command gives the same bits, on 1, 2 or 4 threads."""
        digests = set()
        for i, device in enumerate(("cpu", "cpu", "cpu:1", "cpu:2", "cpu:4")):
            run("m.vplan", "train", "--data", "train.npz", "--steps", 30, "--save", f"ck{i}", f"--device={device}")
            digests.add(digest(checkpoints(f"ck{i}")[0]))
        self.assertEqual(len(digests), 1)

    def test_eval_and_predict(self):
        """predict's scores and eval's numbers, by numpy; also for the last, partial batch."""
        self.trained()
        result = run("m.vplan", "eval", "--data", "test.npz", "--resume", "ck").result
        run("m.vplan", "predict", "--data", "test.npz", "--resume", "ck", "--output", "out.npz")
        scores, test = np.load("out.npz")["logits"], np.load("test.npz")
        self.assertEqual((scores.shape, scores.dtype), ((37, 4), np.float32))
        self.assertEqual(float(result["accuracy"]), (scores.argmax(1) == test["label"]).mean())
        squares = (scores - np.eye(4)[test["label"]])**2
        self.assertAlmostEqual(float(result["loss"]), squares.mean(), 6)
        # Labels are not needed to predict; the same arrays give the same file.
        make_data("images.npz", rows=37, seed=1, label=None)
        run("m.vplan", "predict", "--data", "images.npz", "--resume", "ck", "--output", "again.npz")
        self.assertEqual(pathlib.Path("out.npz").read_bytes(), pathlib.Path("again.npz").read_bytes())

    def test_predictions_that_are_not_finite(self):
        """They are written, with a warning that says which; dropped rows of the last batch do not count."""
        predict = ("m.vplan", "predict", "--data", "x.npz", "--output", "out.npz", "--resume", "ck")
        self.trained()
        image = np.load(make_data("x.npz", rows=37))["image"]
        for row, value in ((36, np.nan), (20, np.inf)):
            image[row, 3] = value
            make_data("x.npz", rows=37, image=image)
            process = run(*predict)
            scores = np.load("out.npz")["logits"]
            bad = ~np.isfinite(scores)
            self.assertGreater(bad[row].sum(), 0)
            self.assertIn(f"vernier-run: warning: output 'logits': {bad.sum()} of 148 values are not finite, the first in "
                          f"row {row}\n  the data: x.npz: 'image' in row {row} is not finite\n", process.stderr)
            self.assertEqual(process.result, {"rows": "37", "output": "out.npz", **process.result})
        # Data that are finite, but too large.
        parameters = (checkpoints("ck")[0] / "params.safetensors").read_bytes()
        weights = np.frombuffer(parameters[8 + int.from_bytes(parameters[:8], "little"):], "f4")[:64].reshape(4, 16)
        largest = weights[np.abs(weights).sum(1).argmax()]
        make_data("x.npz", rows=37, image=np.tile(np.float32(3.4e38) * np.sign(largest), (37, 1)))
        self.assertIn("output 'logits': 37 of 148 values are not finite, the first in row 0\n  what to do: --check-numerics "
                      "names the first op", run(*predict).stderr)
        make_data("x.npz", rows=37)
        self.assertNotIn("not finite", run(*predict).stderr)

    def test_partial_batches(self):
        """The loss is over all rows, also of fewer than a batch."""
        for rows in (1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 23):
            make_data("few.npz", rows=rows, seed=rows)
            result = run("m.vplan", "eval", "--data", "few.npz").result
            run("m.vplan", "predict", "--data", "few.npz", "--output", "out.npz")
            scores, label = np.load("out.npz")["logits"], np.load("few.npz")["label"]
            self.assertEqual(result["rows"], str(rows))
            self.assertAlmostEqual(float(result["loss"]), ((scores - np.eye(4)[label])**2).mean(), 6)
            self.assertAlmostEqual(float(result["accuracy"]), (scores.argmax(1) == label).mean(), 6)

    def test_initial_values(self):
        process = run("m.vplan", "eval", "--data", "test.npz")
        self.assertIn("warning: no --resume FOLDER and no --init FILE: using the model's initial values", process.stderr)

    def test_info(self):
        text = run("m.vplan", "info").stdout
        for line in ("model              tiny", "    in  label            i32 (8,), classes 0..3",
                     "  parameter  w                        f32 (4, 16)"):
            self.assertIn(line, text)
        description = json.loads(run("m.vplan", "info", "--json").stdout)
        self.assertEqual([entry["name"] for entry in description["entries"]], ["step", "loss", "predict"])
        self.assertEqual(description["entries"][0]["inputs"][1],
                         {"name": "label", "dtype": "i32", "shape": [8], "classes": 4})
        memory = description["memory"]
        self.assertEqual(memory["total"], sum(v for k, v in memory.items() if k != "total"))

    def test_bench(self):
        for entry in ("step", "loss", "predict"):
            result = run("m.vplan", "bench", "--steps", 20, "--warmup", 2, "--entry", entry).result
            self.assertEqual(result["steps"], "20")
            self.assertLessEqual(float(result["min_ms"]), float(result["ms_per_step"]))
            self.assertLessEqual(float(result["ms_per_step"]), float(result["max_ms"]))
        self.fails(USAGE, "m.vplan", "bench", "--entry", "stp",
                   says="no entry 'stp'; did you mean 'step'?; its entries: step, loss, predict")

    def test_profile(self):
        """Where the time of a step goes: each call once, slowest first; the result line is as without."""
        plain = run("m.vplan", "bench", "--steps", 5)
        process = run("m.vplan", "bench", "--steps", 5, "--profile")
        self.assertEqual(list(process.result), list(plain.result))
        self.assertNotIn("profile of", plain.stderr)
        self.assertRegex(process.stderr, r"profile of step \(5 steps, \d+\.\d+ ms each\)")
        rows = re.findall(r"^ +([\d.]+) +([\d.]+) % +1 +[\d.]+ GB/s +forward +(\w+) at model.mlir:1:(\w+)$",
                          process.stderr, re.MULTILINE)
        self.assertEqual(sorted(row[2] for row in rows), ["backward", "forward", "loss", "update"])
        times = [float(row[0]) for row in rows]
        self.assertEqual(times, sorted(times, reverse=True))
        self.assertAlmostEqual(sum(float(row[1]) for row in rows), 100, delta=0.3)

    def test_device(self):
        """A device that is not there is said before anything else."""
        for device in ("cuda", "gpu", "cpu:0", "cpu:x"):
            for verb in (("info",), ("bench",), ("train", "--data", "none.npz", "--steps", 1), ("eval", "--data", "none.npz"),
                         ("predict", "--data", "none.npz", "--output", "none/o.npz")):
                process = self.fails(USAGE, "m.vplan", *verb, f"--device={device}")
                self.assertEqual(process.stderr.splitlines()[0],
                                 f"vernier-run: error: this build has no device '{device}': expected cpu, or cpu:N for N "
                                 "threads (1 to 1024)")

    def test_epochs(self):
        """More steps than can be counted are not a few."""
        self.fails(USAGE, "m.vplan", "train", "--data", "train.npz", "--epochs", 2**64 - 1,
                   says="--epochs 18446744073709551615: of 12 steps each are more than can be counted; give fewer")
        self.fails(USAGE, "m.vplan", "train", "--data", "train.npz", "--epochs", 2**64, says="is not a whole number from 0 to")

    def test_other_machine(self):
        make_plan("x.vplan", feature="amx_of_the_future")
        for verb in (("bench",), ("train", "--data", "none.npz", "--steps", 1), ("eval", "--data", "none.npz"),
                     ("predict", "--data", "none.npz", "--output", "o.npz")):
            self.fails(RESOURCES, "x.vplan", *verb, says="error: x.vplan: the plan was compiled for 'cpu:test' and this "
                                                         "processor lacks amx_of_the_future")
        # Its description is that of a plan of this machine.
        process = run("x.vplan", "info")
        ours = run("m.vplan", "info").stdout.replace("m.vplan", "x.vplan")
        self.assertEqual([line for line in process.stdout.splitlines() if "digest" not in line],
                         [line for line in ours.splitlines() if "digest" not in line])
        self.assertIn("warning: not for this machine", process.stderr)
        self.assertEqual(json.loads(run("x.vplan", "info", "--json").stdout)["states"],
                         json.loads(run("m.vplan", "info", "--json").stdout)["states"])

    def test_no_loss(self):
        """A plan whose loss has another name: what it has instead, and what to do."""
        make_plan("c.vplan", loss="cost")
        for entry, outputs, verb in (("step", "cost, logits, learning_rate, grad_norm", ("train", "--steps", 1)),
                                     ("loss", "cost, logits", ("eval",))):
            self.fails(FAILED, "c.vplan", *verb, "--data", "train.npz",
                       says=f"error: the plan's entry '{entry}' has no output 'loss' (it has {outputs}); write "
                            '{train.name = "loss"} behind the type of the first result of @loss, and compile')
        run("c.vplan", "bench", "--steps", 1)

    def test_damaged_plan(self):
        self.fails(BAD_FILE, "none.vplan", "info", says="none.vplan")
        good, bad = pathlib.Path("m.vplan").read_bytes(), pathlib.Path("bad.vplan")
        for size in (0, 10, 63, 64, len(good) // 2, len(good) - 1):
            bad.write_bytes(good[:size])
            self.fails(BAD_FILE, "bad.vplan", "info", says="bad.vplan")
        for at in np.random.RandomState(0).randint(0, len(good), 30):
            altered = bytearray(good)
            altered[at] ^= 1
            bad.write_bytes(altered)
            self.fails(BAD_FILE, "bad.vplan", "info", says="bad.vplan")
        self.fails(BAD_FILE, "train.npz", "info", says="train.npz")


main()
